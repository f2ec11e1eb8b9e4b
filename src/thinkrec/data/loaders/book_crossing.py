"""Book-Crossing: semicolons, Latin-1, quotes with backslashes, ratings of 0 that are none, no times."""

from __future__ import annotations

import csv
from pathlib import Path

import polars as pl

from thinkrec.data.loaders.records import find_file, parse_column, read_latin_1
from thinkrec.data.messages import emit_warning
from thinkrec.errors import DataError
from thinkrec.io.counts import choose_form, format_count


def read_book_crossing(folder: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """`BX-Book-Ratings.csv` (User-ID, ISBN, Book-Rating) and `BX-Books.csv` (ISBN, Book-Title, Book-Author, ...).

    A rating of 0 means that the book was met and not rated: such rows are dropped and counted. ISBNs are compared
    without white space and case, since the last character of some is an x. The author is the book's keyword.
    """
    ratings = find_file(folder, "BX-Book-Ratings.csv", source="book-crossing")
    books = find_file(folder, "BX-Books.csv", "BX_Books.csv", source="book-crossing")
    rows, lines = _read_quoted(ratings, ("User-ID", "ISBN", "Book-Rating"))
    rows = rows.rename({"User-ID": "user_id", "ISBN": "item_id", "Book-Rating": "rating"})
    rows = rows.with_columns(
        parse_column(rows, "user_id", pl.Int64, ratings, first=lines),
        parse_column(rows, "rating", pl.Float64, ratings, first=lines),
        _clean_isbn("item_id"),
    )
    is_rated = rows["rating"] > 0
    if unrated := int((~is_rated).sum()):
        emit_warning(
            f"{ratings}: {unrated:,} of {format_count(len(rows), 'row')} {choose_form(unrated, 'is', 'are')} left out: "
            "the rating 0 means that the book was met and not rated."
        )
    items, _ = _read_quoted(books, ("ISBN", "Book-Title", "Book-Author"))
    items = items.select(
        _clean_isbn("ISBN").alias("item_id"),
        pl.col("Book-Title").alias("title"),
        pl.concat_list(pl.col("Book-Author").fill_null("")).alias("keywords"),
    )
    unique = items.unique("item_id", keep="first", maintain_order=True)
    if len(unique) < len(items):
        repeats = format_count(len(items) - len(unique), "line repeats", "lines repeat")
        emit_warning(f"{books}: {repeats} a book; the first is kept.")
    return rows.filter(is_rated), unique


def _clean_isbn(name: str) -> pl.Expr:
    return pl.col(name).str.strip_chars(' "').str.to_uppercase()


def _read_quoted(path: Path, names: tuple[str, ...]) -> tuple[pl.DataFrame, list[int]]:
    """The columns of these names as text, and the line in which each row ends."""
    records = csv.reader(
        read_latin_1(path), delimiter=";", quotechar='"', escapechar="\\", doublequote=True, strict=True
    )
    columns: list[list[str]] = [[] for _ in names]
    lines: list[int] = []
    try:
        header = next(records, [])
        missing = [name for name in names if name not in header]
        if missing:
            raise DataError(
                f"{path}: missing {', '.join(missing)} among the columns (line 1: {';'.join(header)[:60]!r}). Take the "
                "file of BX-CSV-Dump.zip unchanged."
            )
        places = [header.index(name) for name in names]
        for fields in records:
            if not fields:
                continue
            if len(fields) != len(header):
                raise DataError(
                    f"{path}: line {records.line_num} has {format_count(len(fields), 'field')}, the first line "
                    f"{len(header)} ({';'.join(fields)[:60]!r}). Take the file of BX-CSV-Dump.zip unchanged."
                )
            lines.append(records.line_num)
            for column, place in zip(columns, places, strict=True):
                column.append(fields[place])
    except csv.Error as error:
        raise DataError(
            f"{path}: line {records.line_num}: {error}. Take the file of BX-CSV-Dump.zip unchanged."
        ) from error
    return pl.DataFrame(dict(zip(names, columns, strict=True)), schema=dict.fromkeys(names, pl.String)), lines
