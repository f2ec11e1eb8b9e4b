"""Rows of one user and one item after each rule."""

from __future__ import annotations

import warnings

import polars as pl
import pytest

from thinkrec.data.duplicates import resolve_duplicates
from thinkrec.errors import DataError, DataWarning

ROWS = pl.DataFrame(
    [(1, 7, 1, 30, 0), (1, 8, 0, 10, 1), (1, 7, 0, 20, 2), (2, 7, 1, 20, 3), (1, 7, 1, 30, 4)],
    schema=["user_id", "item_id", "label", "timestamp", "order"],
    orient="row",
)
PARTS = pl.Series("part", [0.0, 0.0, 0.0, 0.0, 0.0])


@pytest.mark.parametrize(("rule", "orders"), [("first", [1, 2, 3]), ("last", [1, 3, 4])])
def test_the_earliest_or_the_latest_row_stays_where_it_stood(rule: str, orders: list[int]) -> None:
    with pytest.warns(DataWarning, match=rf"t: 2 rows are left out, .* the {rule} one is kept"):
        assert resolve_duplicates(ROWS, PARTS, rule, "t")["order"].to_list() == orders  # pyright: ignore


def test_the_cut_off_part_of_a_time_decides_between_equal_ones() -> None:
    later = pl.Series("part", [0.5, 0.0, 0.0, 0.0, 0.0])
    with pytest.warns(DataWarning):
        assert resolve_duplicates(ROWS, later, "last", "t")["order"].to_list() == [0, 1, 3]


def test_without_a_rule_all_stay_and_it_is_said_how_many() -> None:
    words = r"1 row repeats an earlier row exactly .*, and 1 row names a user and item .* \(the first: row 1, counted"
    with pytest.warns(DataWarning, match=words):
        assert resolve_duplicates(ROWS, PARTS, None, "t").equals(ROWS)


def test_kept_on_purpose_or_not_there_nothing_is_said() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert resolve_duplicates(ROWS, PARTS, "keep", "t").equals(ROWS)
        assert resolve_duplicates(ROWS[1:4], PARTS[1:4], None, "t").equals(ROWS[1:4])


def test_refused_they_are_named() -> None:
    with pytest.raises(DataError, match=r"t: column 'item_id' names an item more than once for one user .row 1: 7"):
        resolve_duplicates(ROWS, PARTS, "refuse", "t")
    with pytest.raises(DataError, match="duplicates='drop' is not known"):
        resolve_duplicates(ROWS, PARTS, "drop", "t")  # pyright: ignore


def test_categories_are_compared_as_pairs() -> None:
    rows = ROWS.with_columns(pl.col("user_id", "item_id").cast(pl.String).cast(pl.Categorical))
    with pytest.warns(DataWarning, match="2 rows are left out"):
        assert resolve_duplicates(rows, PARTS, "first", "t")["order"].to_list() == [1, 2, 3]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # 1 and 8, 2 and 7: neither user nor item alone makes a pair.
        assert resolve_duplicates(rows[1:4], PARTS[1:4], None, "t").equals(rows[1:4])
