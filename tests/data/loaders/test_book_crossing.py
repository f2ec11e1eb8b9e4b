"""Small files in the format of book crossing, quirks included, through `load_source`."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.published_files import PAIRS, compute_star, load_with_warnings, write_lines

from thinkrec.data.loaders.book_crossing import read_book_crossing
from thinkrec.data.split import ByFractions
from thinkrec.errors import DataError


def test_book_crossing(tmp_path: Path) -> None:
    rows = [f'"{u}";"00000000{i}x";"{2 * compute_star(u, i)}"' for u, i in PAIRS]
    zeros = ['"1";"000000003x";"0"', '"2";"9999";"8"']
    write_lines(tmp_path / "BX-Book-Ratings.csv", ['"User-ID";"ISBN";"Book-Rating"', *rows, *zeros], "latin-1")
    book = '"00000000{}X";"The \\"Real\\" J; caf\u00e9 &amp; co";"Ann B";"1999"'
    books = [book.format(i) for i in range(1, 7)]
    header = '"ISBN";"Book-Title";"Book-Author";"Year-Of-Publication"'
    write_lines(tmp_path / "BX-Books.csv", [header, *books], "latin-1")
    ds, said = load_with_warnings("book-crossing", tmp_path)
    assert ds.items.titles[0] == 'The "Real" J; caf\u00e9 & co' and ds.items.keywords[0] == ("Ann B",)
    assert len(ds.interactions) == len(PAIRS)
    for part in (
        "1 of 34 rows is left out: the rating 0 means",
        "1 of 33 rows is left out: it names 1 item that the file of items does not have",
        "has no times",
    ):
        assert part in said, said
    with pytest.raises(DataError, match="has no times"):
        load_with_warnings("book-crossing", tmp_path, split=ByFractions())


def test_without_the_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        read_book_crossing(tmp_path / "none")


def test_lines_and_repeated_books(tmp_path: Path) -> None:
    """The first of two books is kept; an empty line before a wrong one counts; a line of fewer fields is refused."""
    rows = [f'"{u}";"{i}";"{compute_star(u, i) + 5}"' for u, i in PAIRS]
    ratings, books = tmp_path / "BX-Book-Ratings.csv", tmp_path / "BX-Books.csv"
    write_lines(ratings, ['"User-ID";"ISBN";"Book-Rating"', *rows])
    header = '"ISBN";"Book-Title";"Book-Author"'
    write_lines(books, [header, *(f'"{i}";"First {i}";"Ann"' for i in range(1, 7)), '"1";"Second";"Bob"'])
    ds, said = load_with_warnings("book-crossing", tmp_path)
    assert ds.items.titles[0] == "First 1" and "1 line repeats a book; the first is kept" in said
    write_lines(ratings, ['"User-ID";"ISBN";"Book-Rating"', "", *rows[:2], "", '"x";"1";"5"'])
    with pytest.raises(DataError, match=r"line 6: user_id 'x' is no number"):
        load_with_warnings("book-crossing", tmp_path)
    write_lines(ratings, ['"User-ID";"ISBN";"Book-Rating"', *rows[:2], '"1";"5"'])
    with pytest.raises(DataError, match="line 4 has 2 fields, the first line 3"):
        load_with_warnings("book-crossing", tmp_path)
