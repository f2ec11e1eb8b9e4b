"""What is said about a table names its rows, values and the remedy."""

from __future__ import annotations

import polars as pl
import pytest

from thinkrec.data import messages
from thinkrec.errors import DataError, DataWarning

COLUMN = pl.Series("rating", [1, None, 3, 4, 5, 6, 7, 8])


def test_five_rows_are_shown_counted_from_one() -> None:
    mask = COLUMN.fill_null(0) > 2
    with pytest.warns(DataWarning) as caught:
        messages.warn_rows(COLUMN, mask, "t.csv", "are high", "Look at them.")
    assert str(caught[0].message) == (
        "t.csv: column 'rating': 6 of 8 rows are high (row 3: 3; row 4: 4; row 5: 5; row 6: 6; row 7: 7 and 1 more; "
        "rows counted from 1). Look at them."
    )


def test_where_nothing_is_set_nothing_is_said(recwarn: pytest.WarningsRecorder) -> None:
    none = pl.Series([False] * 8)
    messages.warn_rows(COLUMN, none, "t.csv", "are high", "")
    messages.warn_rows(COLUMN, pl.Series([None] * 8, dtype=pl.Boolean), "t.csv", "are high", "")
    messages.reject_rows(COLUMN, none, "t.csv", "is high", "")
    assert not recwarn.list


def test_a_rejected_row_may_be_one_of_which_nothing_is_known() -> None:
    with pytest.raises(
        DataError, match=r"t\.csv: column 'rating' is empty \(row 2: None; rows counted from 1\)\. Fill it\."
    ):
        messages.reject_rows(COLUMN, COLUMN.is_null(), "t.csv", "is empty", "Fill it.")
    with pytest.raises(DataError, match="row 2: None"):
        messages.reject_rows(COLUMN, COLUMN > 100, "t.csv", "is high", "")


def test_a_type_error_shows_the_first_value() -> None:
    error = messages.make_type_error(pl.Series("t", [None, "x" * 60]), "t.csv", "times are numbers", "Convert it.")
    assert str(error) == f"t.csv: column 't' has type String (row 2: '{'x' * 36}...); times are numbers. Convert it."


@pytest.mark.parametrize(
    ("name", "columns", "similar"),
    [
        ("user_id", ["User-ID", "x"], "User-ID"),
        ("item_id", ["x", "MovieId"], "MovieId"),
        ("timestamp", ["timestmap"], "timestmap"),
        ("rating", ["colour"], None),
    ],
)
def test_a_column_of_another_name_is_recognised(name: str, columns: list[str], similar: str | None) -> None:
    assert messages.find_similar_column(name, columns) == similar


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (["1", "1193", "5"], "The first line seems to be a row already"),
        (["item_id", "title"], "This looks like a table of items"),
        (["uid", "item_id"], "Did you mean 'uid'. Rename it to 'user_id'"),
        (["foo", "bar"], "Add it, rename the column that holds it, or put a line with the names in front"),
        (["item_id", "stars"], "Add it, or rename the column that holds it"),
    ],
)
def test_a_missing_column_comes_with_a_remedy(columns: list[str], words: str) -> None:
    table = pl.DataFrame({column: [1] for column in columns})
    with pytest.raises(DataError, match=rf"t: column 'user_id' is missing \(columns found: .*\)\. {words}"):
        messages.require_columns(table, ("user_id", "item_id"), "t")


def test_a_table_without_rows_is_refused() -> None:
    messages.require_columns(pl.DataFrame({"a": [1]}), ("a",), "t")
    with pytest.raises(DataError, match="t: the table has no rows"):
        messages.require_columns(pl.DataFrame({"a": []}), ("a",), "t")
