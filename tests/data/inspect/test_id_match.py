"""The column of ids is the one whose values the items have, whatever its name promises."""

from __future__ import annotations

import polars as pl

from thinkrec.data.inspect.column_guess import ColumnGuess, TableGuess
from thinkrec.data.inspect.id_match import compute_share_known, match_id_columns

ROWS = pl.DataFrame({"user": ["u", "v", "w"], "asin": ["a1", "a2", "a3"], "parent": ["p1", "p2", "p2"]})
ITEMS = pl.DataFrame({"parent": ["p1", "p2", "p3"], "code": ["x", "y", "z"], "title": ["A", "B", "C"]})


def guess(role: str, **columns: str) -> TableGuess:
    return TableGuess(role, tuple(ColumnGuess(ours, theirs, "name") for ours, theirs in columns.items()))  # type: ignore[arg-type]


def test_another_column_is_taken_where_the_named_one_is_unknown() -> None:
    rows, items = match_id_columns(
        ROWS,
        ITEMS,
        guess("interactions", user_id="user", item_id="asin"),
        guess("items", item_id="parent", title="title"),
    )
    assert {c.ours: c.theirs for c in rows.columns} == {"user_id": "user", "item_id": "parent"}
    assert rows.columns[1].why == "100% of its values are ids of the items table ('parent'), 0% of 'asin'"
    assert items.columns[0].theirs == "parent" and items.columns[0].why == "name"


def test_both_sides_may_change_and_good_guesses_stay() -> None:
    of_rows = guess("interactions", user_id="user", item_id="asin")
    of_items = guess("items", item_id="code", title="title")
    rows, items = match_id_columns(ROWS, ITEMS, of_rows, of_items)
    assert rows.columns[1].theirs == "parent" and items.columns[0].theirs == "parent"
    assert items.columns[0].why == "it has the values of 'parent' of the interactions"
    known = ITEMS.with_columns(code=pl.Series(["a1", "a2", "q"]))
    assert match_id_columns(ROWS, known, of_rows, of_items) == (of_rows, of_items)
    strange = ITEMS.with_columns(parent=pl.Series(["1", "2", "3"]))
    assert match_id_columns(ROWS, strange, of_rows, of_items) == (of_rows, of_items)


def test_text_and_numbers_are_compared_as_text() -> None:
    assert compute_share_known(pl.Series([1, 2, 3, None]), pl.Series(["1 ", "2"])) == 2 / 3
    assert compute_share_known(pl.Series([], dtype=pl.Int64), pl.Series(["1"])) == 0
