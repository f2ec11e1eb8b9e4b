"""Several tables of reasons as candidates of train rows: matched by ids, counted where they are none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from support.asking import data, interactions

from thinkrec.errors import DataError
from thinkrec.reasons.candidates import (
    NO_ROW,
    NO_TEXT,
    NO_TRAIN_ROW,
    OTHER_VERDICT,
    REPEATED,
    Candidate,
    read_candidates,
)

DS = data(interactions())
TRAIN, TEST = DS.interactions.get_split_rows(0), DS.interactions.get_split_rows(2)


def open_verdict(row: int) -> str:
    return "Yes." if DS.interactions.label[row] else "No."


def build_table(rows: np.ndarray, words: str, path: Path) -> Path:
    """A table of reasons for rows, in `words`."""
    texts = [f"{open_verdict(int(row))} {words}" for row in rows]
    table = DS.to_frame(rows).select("order", "user_id", "item_id", pl.Series("reason", texts))
    table.write_parquet(path)
    return path


def test_a_row_has_the_different_texts_of_all_tables(tmp_path: Path) -> None:
    first = build_table(TRAIN[:4], "It fits.", tmp_path / "a.parquet")
    second = build_table(TRAIN[[3, 2, 9]], "It suits.", tmp_path / "b.parquet")
    same = build_table(TRAIN[2:4], "It fits.", tmp_path / "c.parquet")
    read = read_candidates(DS, {"a": first, "b": second, "c": same})
    rows = sorted(int(row) for row in TRAIN[[0, 1, 2, 3, 9]])
    assert list(read.by_row) == rows and read.rows_without == 0
    row = int(TRAIN[2])
    opening = open_verdict(row)
    assert read.by_row[row] == [Candidate("a", f"{opening} It fits."), Candidate("b", f"{opening} It suits.")]
    assert read.left_out["c"] == {REPEATED: 2} and not read.left_out["a"]


def test_rows_are_those_of_user_and_item_where_order_names_others(tmp_path: Path) -> None:
    it = DS.interactions
    pair = it.user[TRAIN].astype(np.int64) * len(DS.items) + it.item[TRAIN]
    _, first, counts = np.unique(pair, return_index=True, return_counts=True)
    rows = TRAIN[first[counts == 1]][:6]
    table = pl.read_parquet(build_table(rows, "It fits.", tmp_path / "a.parquet"))
    table.with_columns(pl.Series("order", np.roll(table["order"], 1))).write_parquet(tmp_path / "a.parquet")
    read = read_candidates(DS, {"a": tmp_path / "a.parquet"})
    assert {row: one[0].reason[:3] for row, one in read.by_row.items()} == {
        int(row): open_verdict(int(row))[:3] for row in rows
    }


def test_what_is_no_candidate_is_counted_by_cause(tmp_path: Path) -> None:
    path = build_table(np.concatenate([TRAIN[:5], TEST[:2]]), "It fits.", tmp_path / "a.parquet")
    table = pl.read_parquet(path)
    texts = table["reason"].to_list()
    texts[0], texts[1] = None, "  "
    texts[2] = ("No." if texts[2].startswith("Yes") else "Yes.") + " It fits."
    ids = table["item_id"].to_list()
    ids[3] = "gone"
    table.with_columns(pl.Series("reason", texts), pl.Series("item_id", [str(i) for i in ids])).write_parquet(path)
    read = read_candidates(DS, {"a": path})
    assert read.left_out["a"] == {NO_TEXT: 2, OTHER_VERDICT: 1, NO_ROW: 1, NO_TRAIN_ROW: 2}
    assert list(read.by_row) == [int(TRAIN[4])] and read.rows_without == 3


def test_a_text_that_ends_against_its_verdict_is_none(tmp_path: Path) -> None:
    path = build_table(TRAIN[:3], "It fits.", tmp_path / "a.parquet")
    table = pl.read_parquet(path)
    texts = table["reason"].to_list()
    texts[0] = ("No " if texts[0].startswith("No.") else "Yes ") + texts[0]
    table.with_columns(pl.Series("reason", texts)).write_parquet(path)
    assert read_candidates(DS, {"a": path}).left_out["a"] == {OTHER_VERDICT: 1}


def test_tables_that_offer_nothing_are_refused(tmp_path: Path) -> None:
    path = build_table(TEST[:3], "It fits.", tmp_path / "a.parquet")
    with pytest.raises(DataError, match=r"none of the reasons .* is about a train row \(3: their rows are not train"):
        read_candidates(DS, {"a": path})
    pl.DataFrame({"order": [1]}).write_parquet(path)
    with pytest.raises(DataError, match="reason"):
        read_candidates(DS, {"a": path})
    pl.DataFrame({"order": [], "reason": []}, schema={"order": pl.Int64, "reason": pl.String}).write_parquet(path)
    with pytest.raises(DataError, match="has no rows"):
        read_candidates(DS, {"a": path})
