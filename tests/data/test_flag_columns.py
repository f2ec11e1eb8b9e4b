"""Columns of 0 and 1 become keywords, in the order of the mapping; anything else in them is refused by its line."""

from __future__ import annotations

import polars as pl
import pytest

from thinkrec.data.flag_columns import is_flag_column, join_flag_columns
from thinkrec.errors import DataError

ITEMS = pl.DataFrame({"item_id": ["a", "b", "c"], "title": ["A", "B", "C"], "war": ["1", "0", " "], "fun": [1, 0, 1]})


def test_flags_become_keywords_and_go() -> None:
    joined = join_flag_columns(ITEMS, {"Fun": 4, "War": "war"}, "items")
    assert joined["keywords"].to_list() == [["Fun", "War"], [], ["Fun"]]
    assert joined.columns == ["item_id", "title", "keywords"]
    assert join_flag_columns(ITEMS, {}, "items") is ITEMS
    words = pl.DataFrame({"x": ["true", "No", "YES"]})
    assert join_flag_columns(words, {"X": "x"}, "items")["keywords"].to_list() == [["X"], [], ["X"]]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"X": 5}, "names place 5, but the table has 4 columns"),
        ({"X": "wra"}, r"names 'wra', which the table does not have \(columns found: item_id, title, war, fun\)"),
        ({"X": "title"}, r"column 'title' is a flag and has values other than 0 and 1 \(row 1: 'A'"),
    ],
)
def test_what_is_no_flag_is_refused(flags: dict[str, str | int], words: str) -> None:
    with pytest.raises(DataError, match=words):
        join_flag_columns(ITEMS, flags, "items")


def test_keywords_and_lists_are_no_flags() -> None:
    with pytest.raises(DataError, match="has a column 'keywords' already"):
        join_flag_columns(ITEMS.with_columns(keywords=pl.lit("x")), {"War": "war"}, "items")
    with pytest.raises(DataError, match="a flag is 0 or 1"):
        join_flag_columns(pl.DataFrame({"x": [[1]]}), {"X": "x"}, "items")
    assert is_flag_column(ITEMS["fun"]) and not is_flag_column(ITEMS["war"]) and not is_flag_column(ITEMS["title"])
    assert (
        not is_flag_column(pl.Series([[1]]))
        and not is_flag_column(pl.Series([1, None]))
        and not is_flag_column(pl.Series([0, 2]))
    )
