"""A table of reasons on data that has changed since: by id, counted, and never another row's reason."""

from __future__ import annotations

import dataclasses
import warnings
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from support.asking import data, interactions

from thinkrec.data.columns import DataWarning
from thinkrec.data.dataset import Dataset
from thinkrec.data.output_tables import write_table
from thinkrec.errors import DataError
from thinkrec.reasons.written import read_written_reasons
from thinkrec.train.mixture import select_rows_with_reasons

BEFORE = data(interactions())


def reasons(ds: Dataset, rows: np.ndarray) -> pl.DataFrame:
    it = ds.interactions
    told = [
        f"{'Yes' if it.label[r] else 'No'}. User {ds.user_ids[it.user[r]]}, item {ds.items.ids[it.item[r]]}."
        for r in rows
    ]
    return pl.DataFrame(
        {
            "order": it.order[rows],
            "user_id": [ds.user_ids[u] for u in it.user[rows]],
            "item_id": [ds.items.ids[i] for i in it.item[rows]],
            "label": it.label[rows],
            "reason": told,
        }
    )


def single(ds: Dataset) -> np.ndarray:
    """Train rows whose user has the item once, in `order` order."""
    it = ds.interactions
    pair = it.user.astype(np.int64) * len(ds.items) + it.item
    _, first, count = np.unique(pair, return_index=True, return_counts=True)
    return np.intersect1d(it.get_split_rows(0), first[count == 1])


ROWS = single(BEFORE)[:30]
TABLE = reasons(BEFORE, ROWS)


def read(ds: Dataset, table: pl.DataFrame, tmp_path: Path, **options) -> tuple[dict[int, str], list[str]]:
    path = tmp_path / "r.parquet"
    write_table(table, path)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = read_written_reasons(ds, path, **options)
    return found, [str(w.message).split(": of ", 1)[1] for w in caught if w.category is DataWarning]


def check(ds: Dataset, found: dict[int, str]) -> None:
    """Every reason names the user and item of the row that it is given to."""
    it = ds.interactions
    for row, text in found.items():
        assert text.endswith(f"User {ds.user_ids[it.user[row]]}, item {ds.items.ids[it.item[row]]}.")


def test_on_the_same_data_nothing_is_said(tmp_path: Path) -> None:
    found, said = read(BEFORE, TABLE, tmp_path)
    assert sorted(found) == sorted(ROWS) and said == []
    check(BEFORE, found)


@pytest.mark.parametrize("change", ["reordered", "a new user in front", "appended"])
def test_rows_that_have_moved_are_found_by_user_and_item(change: str, tmp_path: Path) -> None:
    table = interactions()
    extra = table.head(3).with_columns(user_id=pl.lit(-5, dtype=table["user_id"].dtype))
    now = {
        "reordered": table.reverse(),
        "a new user in front": pl.concat([extra, table]),
        "appended": pl.concat([table, extra]),
    }[change]
    after = data(now)
    found, said = read(after, TABLE, tmp_path)
    assert len(found) == 30
    check(after, found)
    moved = 0 if change == "appended" else 30 if change.startswith("a new") else None
    if moved is None:
        assert len(said) == 1 and "found by user and item" in said[0]
    else:
        expected = "30 reasons, 30 found by user and item, since `order` names other rows by now."
        assert said == ([expected] if moved else [])


def test_rows_that_are_gone_are_left_out_and_counted(tmp_path: Path) -> None:
    table = interactions()
    gone = TABLE.head(4).select("user_id", "item_id")
    after = data(table.join(gone, on=["user_id", "item_id"], how="anti", maintain_order="left"))
    found, said = read(after, TABLE, tmp_path)
    assert len(found) == 26 and len(said) == 1
    check(after, found)
    assert said[0].startswith("30 reasons, 4 left out: their rows (user and item) are not in the data")


def test_which_of_several_rows_is_meant_is_not_guessed(tmp_path: Path) -> None:
    table = interactions()
    user, item = TABLE["user_id"][0], TABLE["item_id"][0]
    again = table.filter((pl.col("user_id") == user) & (pl.col("item_id") == item)).with_columns(
        pl.col("timestamp") + 1
    )
    after = data(pl.concat([again, table]))
    found, said = read(after, TABLE, tmp_path)
    assert len(found) == 29
    check(after, found)
    assert "1 left out: their user has several rows with the item" in said[0]


def test_two_reasons_for_one_row_are_not_both_taken(tmp_path: Path) -> None:
    twice = pl.concat([TABLE, TABLE.head(1).with_columns(order=pl.lit(10**6, dtype=pl.Int64))])
    found, said = read(BEFORE, twice, tmp_path)
    assert len(found) == 30 and "1 left out: their user has several rows" in said[0]


def test_another_label_than_the_reason_argues_for(tmp_path: Path) -> None:
    it = BEFORE.interactions
    label = it.label.copy()
    label[ROWS[:3]] ^= 1
    after = dataclasses.replace(BEFORE, interactions=dataclasses.replace(it, label=label))
    found, said = read(after, TABLE, tmp_path)
    assert sorted(found) == sorted(ROWS[3:]) and said == [
        "30 reasons, 3 left out: their rows have another label by now."
    ]
    with pytest.raises(DataError, match="does not begin with"):
        read(after, TABLE.drop("label"), tmp_path)
    with pytest.raises(DataError, match=r"none of its 30 reasons fits.*another label"):
        flipped = dataclasses.replace(it, label=1 - it.label)
        read(dataclasses.replace(BEFORE, interactions=flipped), TABLE, tmp_path)


def test_without_ids_it_is_said_and_an_unknown_order_refused(tmp_path: Path) -> None:
    bare = TABLE.select("order", "reason")
    found, said = read(BEFORE, bare, tmp_path)
    assert len(found) == 30 and said[0].startswith("30 reasons, 30 matched by `order` alone")
    for table in (bare.with_columns(pl.col("order") + 10**6), TABLE.with_columns(pl.col("order") + 10**6)):
        with pytest.raises(DataError, match="is no row of the data"):
            read(BEFORE, table, tmp_path)


def test_reasons_of_other_splits_are_counted_and_not_trained_on(tmp_path: Path) -> None:
    it = BEFORE.interactions
    rows = np.concatenate([ROWS[:5], it.get_split_rows(1)[:3], it.get_split_rows(2)[:2]])
    found, said = read(BEFORE, reasons(BEFORE, rows), tmp_path)
    assert said == [
        "10 reasons, 3 about valid rows, which are not trained on; 2 about test rows, which are not trained on."
    ]
    assert select_rows_with_reasons(BEFORE, found).tolist() == sorted(ROWS[:5])
    _, said = read(BEFORE, reasons(BEFORE, it.get_split_rows(2)[:2]), tmp_path)
    assert said[0].endswith("2 in all, and none to train on.")


def test_hinted_reasons_are_counted_either_way(tmp_path: Path) -> None:
    told = TABLE.with_columns(hinted=pl.Series([True] * 4 + [False] * 26))
    found, said = read(BEFORE, told, tmp_path)
    assert len(found) == 30 and said[0].startswith("30 reasons, 4 by a teacher that had been told the outcome")
    found, said = read(BEFORE, told, tmp_path, unhinted=True)
    assert sorted(found) == sorted(ROWS[4:]) and said == ["30 reasons, 4 left out as hinted."]
    with pytest.raises(DataError, match="none is left"):
        read(BEFORE, told.with_columns(hinted=True), tmp_path, unhinted=True)


def test_ids_as_text_and_as_numbers_are_the_same(tmp_path: Path) -> None:
    found, said = read(BEFORE, TABLE.with_columns(pl.col("user_id", "item_id").cast(pl.String)), tmp_path)
    assert len(found) == 30 and said == []
