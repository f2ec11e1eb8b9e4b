"""Columns of 0 and 1 in a table of items, such as genres, and the file beside it that has their names."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from thinkrec.data.flag_columns import is_flag_column
from thinkrec.data.inspect.column_guess import TableGuess
from thinkrec.data.keywords import NO_KEYWORD

FEWEST = 3
"""Columns of flags that are taken for keywords; one or two may say anything."""
_NO_GENRE = ("unknown", *NO_KEYWORD)


@dataclass(frozen=True)
class FlagGuess:
    """Flags as keywords."""

    flags: Mapping[str, str | int]
    """As `TableFormat.flags` takes them; empty where their names are not known."""
    note: str
    """A sentence; empty where there are no such columns."""


def guess_flags(
    path: Path, df: pl.DataFrame, guess: TableGuess, has_names: bool, others: Mapping[Path, pl.DataFrame]
) -> FlagGuess:
    """Keywords of a table of items that has none but columns of flags.

    Args:
        path: the table of items.
        df: its rows under its own names.
        guess: its columns.
        has_names: whether it has a header, which then names the flags.
        others: the other tables that were read, one of which may have the names.
    """
    taken = {column.theirs for column in guess.columns}
    columns = [name for name in df.columns if name not in taken and is_flag_column(df[name])]
    if len(columns) < FEWEST or any(column.ours == "keywords" for column in guess.columns):
        return FlagGuess({}, "")
    if has_names:
        names = {_clean_name(name): name for name in columns}
        return FlagGuess(_drop_empty(names), f"{path}: {len(columns)} columns of 0 and 1 are taken for keywords.")
    places = [df.columns.index(name) + 1 for name in columns]
    where = f"columns {places[0]} to {places[-1]}"
    for other, named in _find_names(path, len(columns), others):
        mapping = dict(zip(named, places, strict=True))
        return FlagGuess(
            _drop_empty(mapping), f"{path}: {where} hold 0 and 1; they are keywords, by the names in {other}."
        )
    return FlagGuess(
        {},
        f"{path}: {where} hold 0 and 1, such as genres, and nothing says their names. They become keywords by -o "
        f"items_format.flags.NAME={places[0]} and so on.",
    )


def _clean_name(name: str) -> str:
    """A column's name as a keyword: `is_sci_fi` -> `sci fi`."""
    return name.removeprefix("is_").removeprefix("genre_").replace("_", " ").strip()


def _drop_empty(flags: Mapping[str, str | int]) -> dict[str, str | int]:
    """Without those that say that there is none."""
    return {name: place for name, place in flags.items() if name.casefold() not in _NO_GENRE}


def _find_names(path: Path, n: int, others: Mapping[Path, pl.DataFrame]) -> list[tuple[Path, list[str]]]:
    """Lists of n distinct names: of tables that were given, and of small files of the same name (u.item, u.genre)."""
    lists = [(other, _list_names(df.rows())) for other, df in others.items() if other != path]
    for file in sorted(path.parent.glob(f"{path.stem}.*")) if path.is_file() else []:
        if file != path and file not in others and file.is_file() and file.stat().st_size < 10_000:
            text = file.read_bytes().decode("utf-8", "replace")
            lists.append((file, _list_names([line.split("|") for line in text.splitlines() if line.strip()])))
    return [(other, names) for other, names in lists if len(names) == n and len(set(names)) == n]


def _list_names(rows: Collection) -> list[str]:
    """The first field of each row, where a second one numbers them from 0 or 1."""
    numbers = [str(row[1]).strip() if len(row) == 2 else "" for row in rows]
    counted = [[str(place + first) for place in range(len(numbers))] for first in (0, 1)]
    return [str(row[0]).strip() for row in rows] if numbers in counted else []
