"""Which rows are asked about."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from asking import DS, config

from thinkrec.errors import DataError
from thinkrec.reasons.choose import choose_rows, mixedness

IT = DS.interactions


def test_random_rows_of_the_split_with_some_history() -> None:
    rows = choose_rows(DS, config(rows=None, min_history=3))
    wanted = [row for row in IT.rows(0) if row - IT.start[IT.user[row]] >= 3]
    assert sorted(rows) == sorted(wanted) and not np.array_equal(rows, wanted)
    assert np.array_equal(choose_rows(DS, config(rows=9, min_history=3)), rows[:9])
    assert not np.array_equal(choose_rows(DS, config(rows=9, min_history=3, seed=1)), rows[:9])
    assert set(IT.split[choose_rows(DS, config(rows=None, split="test"))]) == {2}


def test_mixed_histories() -> None:
    rows = choose_rows(DS, config(rows=None, choose="mixed", mixed_share=0.4, history=5))
    for row in IT.rows(0):
        past = IT.label[IT.history(int(row), 5)]
        share = min(past.mean(), 1 - past.mean()) if len(past) else 0.0
        assert mixedness(DS, np.array([row]), 5)[0] == pytest.approx(share)
        assert (row in rows) == (share >= 0.4)
    assert 0 < len(rows) < len(IT.rows(0))


def write(path: Path, rows: np.ndarray, score: np.ndarray) -> Path:
    pl.DataFrame({"order": IT.order[rows], "score": score}).write_parquet(path)
    return path


def test_wrong_ones_by_a_threshold_or_by_as_many_yeses_as_likes(tmp_path: Path) -> None:
    rows = IT.rows(0)
    rng = np.random.default_rng(0)
    score = rng.normal(size=len(rows)) + IT.label[rows]
    path = write(tmp_path / "p.parquet", rows, score)
    settings = config(rows=None, choose="wrong", predictions=path, threshold=0.3, min_history=0)
    assert set(choose_rows(DS, settings)) == {r for r, s in zip(rows, score, strict=True) if (s > 0.3) != IT.label[r]}
    likes = int(IT.label[rows].sum())
    top = set(rows[np.argsort(-score)[:likes]])
    settings = settings.model_copy(update={"threshold": None})
    assert set(choose_rows(DS, settings)) == {r for r in rows if (r in top) != IT.label[r]}
    # Any monotone score serves, also from a text file; rows without a prediction are not wrong.
    part = rows[::2]
    pl.DataFrame({"order": IT.order[part], "score": np.exp(score[::2]) * 9}).write_csv(tmp_path / "p.csv")
    found = choose_rows(DS, settings.model_copy(update={"predictions": tmp_path / "p.csv"}))
    assert len(found) and set(found) <= set(part)


def test_predictions_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    test, train = IT.rows(2), IT.rows(0)
    cases = [
        (write(tmp_path / "a.parquet", test, np.ones(len(test))), "none of its rows is in the split"),
        (write(tmp_path / "b.parquet", train, np.full(len(train), np.nan)), "no finite number"),
        (write(tmp_path / "c.parquet", train, 2.0 * IT.label[train] - 1), "no row"),
        (tmp_path / "none.parquet", "no such file"),
    ]
    for path, words in cases:
        with pytest.raises(DataError, match=words):
            choose_rows(DS, config(choose="wrong", predictions=path))
    with pytest.raises(ValueError, match="predictions"):
        config(choose="wrong")
    with pytest.raises(DataError, match="no row with at least 99"):
        choose_rows(DS, config(min_history=99))
