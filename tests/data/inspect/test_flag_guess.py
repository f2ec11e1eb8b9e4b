"""Which columns are flags of keywords, and where their names come from."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from thinkrec.data.inspect.column_guess import ColumnGuess, TableGuess
from thinkrec.data.inspect.flag_guess import guess_flags

GUESS = TableGuess("items", (ColumnGuess("item_id", "column_1", ""), ColumnGuess("title", "column_2", "")))
ITEMS = pl.DataFrame({"column_1": [1, 2], "column_2": ["A b", "C d"], **{f"column_{n}": ["0", "1"] for n in (3, 4, 5)}})
NAMES = [["unknown", "0"], ["War", "1"], ["Fun", "2"]]


def test_names_come_from_a_file_beside_the_items(tmp_path: Path) -> None:
    path = tmp_path / "u.item"
    path.write_text("")
    bare = guess_flags(path, ITEMS, GUESS, False, {})
    assert not bare.flags and "columns 3 to 5 hold 0 and 1, such as genres, and nothing says their names" in bare.note
    assert "-o items_format.flags.NAME=3" in bare.note
    (tmp_path / "u.genre").write_text("".join("|".join(row) + "\n" for row in NAMES) + "\n")
    (tmp_path / "u.info").write_text("3 users\n2 items\n9 ratings\n")
    named = guess_flags(path, ITEMS, GUESS, False, {})
    assert named.flags == {"War": 4, "Fun": 5} and named.note.endswith(f"by the names in {tmp_path / 'u.genre'}.")


def test_names_come_from_a_table_that_was_given(tmp_path: Path) -> None:
    others = {tmp_path / "x.csv": pl.DataFrame(NAMES, orient="row"), tmp_path / "y.csv": pl.DataFrame({"a": [1, 2, 3]})}
    assert guess_flags(tmp_path / "i.csv", ITEMS, GUESS, False, others).flags == {"War": 4, "Fun": 5}


def test_a_header_names_them_and_two_are_too_few(tmp_path: Path) -> None:
    named = ITEMS.rename({"column_3": "is_sci_fi", "column_4": "War", "column_5": "genre_Fun"})
    flags = guess_flags(tmp_path / "i.csv", named, GUESS, True, {}).flags
    assert flags == {"sci fi": "is_sci_fi", "War": "War", "Fun": "genre_Fun"}
    assert guess_flags(tmp_path / "i.csv", ITEMS.drop("column_5"), GUESS, True, {}).note == ""
    having = TableGuess("items", (*GUESS.columns, ColumnGuess("keywords", "column_2", "")))
    assert guess_flags(tmp_path / "i.csv", ITEMS, having, True, {}).note == ""
