"""Which rows are asked about."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from support.asking import DS, config, data, interactions

from thinkrec.data.columns import DataWarning
from thinkrec.data.dataset import Dataset
from thinkrec.errors import DataError
from thinkrec.reasons.choose import choose_rows, compute_minority_share

IT = DS.interactions


def test_random_rows_of_the_split_with_some_history() -> None:
    rows = choose_rows(DS, config(n_rows=None, min_history=3))
    wanted = [row for row in IT.get_split_rows(0) if row - IT.start[IT.user[row]] >= 3]
    assert sorted(rows) == sorted(wanted) and not np.array_equal(rows, wanted)
    assert np.array_equal(choose_rows(DS, config(n_rows=9, min_history=3)), rows[:9])
    assert not np.array_equal(choose_rows(DS, config(n_rows=9, min_history=3, seed=1)), rows[:9])
    assert set(IT.split[choose_rows(DS, config(n_rows=None, split="test"))]) == {2}


def test_mixed_histories() -> None:
    rows = choose_rows(DS, config(n_rows=None, selection="mixed", mixed_share=0.4, max_history=5))
    for row in IT.get_split_rows(0):
        past = IT.label[IT.get_history(int(row), 5)]
        share = min(past.mean(), 1 - past.mean()) if len(past) else 0.0
        assert compute_minority_share(DS, np.array([row]), 5)[0] == pytest.approx(share)
        assert (row in rows) == (share >= 0.4)
    assert 0 < len(rows) < len(IT.get_split_rows(0))


def write(path: Path, rows: np.ndarray, score: np.ndarray) -> Path:
    pl.DataFrame({"order": IT.order[rows], "score": score}).write_parquet(path)
    return path


def test_wrong_ones_by_a_threshold_or_by_as_many_yeses_as_likes(tmp_path: Path) -> None:
    rows = IT.get_split_rows(0)
    rng = np.random.default_rng(0)
    score = rng.normal(size=len(rows)) + IT.label[rows]
    path = write(tmp_path / "p.parquet", rows, score)
    settings = config(n_rows=None, selection="wrong", predictions=path, threshold=0.3, min_history=0)
    assert set(choose_rows(DS, settings)) == {r for r, s in zip(rows, score, strict=True) if (s > 0.3) != IT.label[r]}
    likes = int(IT.label[rows].sum())
    top = set(rows[np.argsort(-score)[:likes]])
    settings = settings.model_copy(update={"threshold": None})
    assert set(choose_rows(DS, settings)) == {r for r in rows if (r in top) != IT.label[r]}
    # Any monotone score serves, also from a text file; rows without a prediction are not wrong.
    part = rows[::2]
    pl.DataFrame({"order": IT.order[part], "score": np.exp(score[::2]) * 9}).write_csv(tmp_path / "p.csv")
    with pytest.warns(DataWarning, match=f"0 predictions .* {len(rows) - len(part)} of {len(rows)} rows .* have none"):
        found = choose_rows(DS, settings.model_copy(update={"predictions": tmp_path / "p.csv"}))
    assert len(found) and set(found) <= set(part)


def test_the_choice_does_not_hang_on_where_rows_stand(tmp_path: Path) -> None:
    """The table in another order, with a new user in front and rows behind: the same rows, in the same order."""
    table = interactions()
    new = table.head(6).with_columns(user_id=pl.lit(-3, dtype=pl.Int64), timestamp=pl.lit(1, dtype=pl.Int64))
    before, after = data(table), data(pl.concat([new, table.reverse()]))

    def names(ds: Dataset, rows: np.ndarray) -> list[tuple]:
        it = ds.interactions
        return [(ds.user_ids[it.user[r]], ds.items.ids[it.item[r]], int(it.timestamp[r])) for r in rows]

    first = names(before, choose_rows(before, config(n_rows=None)))
    later = names(after, choose_rows(after, config(n_rows=None)))
    assert [name for name in later if name[0] != -3] == first and len(later) > len(first)


def test_fewer_rows_than_asked_for_are_said() -> None:
    n = len(choose_rows(DS, config(n_rows=None)))
    with pytest.warns(
        DataWarning, match=f"{n} rows are asked about, not 5,000: the train split has no more with at least 1"
    ):
        choose_rows(DS, config(n_rows=5000))


def test_predictions_are_matched_by_user_and_item(tmp_path: Path) -> None:
    rows = IT.get_split_rows(0)
    ids = {"user_id": [DS.user_ids[u] for u in IT.user[rows]], "item_id": [DS.items.ids[i] for i in IT.item[rows]]}
    score = np.where(np.arange(len(rows)) < 5, 1.0 - IT.label[rows], IT.label[rows])  # the first five are wrong
    table = pl.DataFrame({"order": np.roll(IT.order[rows], 1), **ids, "score": score})
    table.write_parquet(tmp_path / "p.parquet")
    settings = config(n_rows=None, selection="wrong", predictions=tmp_path / "p.parquet", threshold=0.5, min_history=0)
    assert set(choose_rows(DS, settings)) == set(rows[:5])
    with pytest.raises(ValueError, match="finite"):
        config(selection="wrong", predictions=tmp_path / "p.parquet", threshold=float("nan"))


def test_predictions_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    test, train = IT.get_split_rows(2), IT.get_split_rows(0)
    cases = [
        (write(tmp_path / "a.parquet", test, np.ones(len(test))), "none of its rows is in the split"),
        (write(tmp_path / "b.parquet", train, np.full(len(train), np.nan)), "no finite number"),
        (write(tmp_path / "c.parquet", train, 2.0 * IT.label[train] - 1), "no row"),
        (tmp_path / "none.parquet", "no such file"),
    ]
    for path, words in cases:
        with pytest.raises(DataError, match=words):
            choose_rows(DS, config(selection="wrong", predictions=path))
    with pytest.raises(ValueError, match="predictions"):
        config(selection="wrong")
    with pytest.raises(DataError, match="no row with at least 99"):
        choose_rows(DS, config(min_history=99))
