"""Tables that commands write: kinds by suffix, checks before the work, atomic writing."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import polars as pl

from thinkrec.data.messages import emit_warning
from thinkrec.errors import DataError
from thinkrec.io.counts import choose_form, format_count
from thinkrec.io.files import write_atomically

SUFFIXES = (".parquet", ".csv", ".jsonl")
"""Kinds of table that can be written; `read_table` reads them all."""


def check_writable(path: Path, option: str = "--out") -> None:
    """Raise DataError unless a table can be written under this name, which was given with `option`.

    Nothing is created yet: the nearest existing folder above is checked for write access.
    """
    if path.suffix.lower() not in SUFFIXES:
        known = f"{', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}"
        raise DataError(f"{option} {path}: not a kind of table that can be written; end it with {known}")
    if path.is_dir():
        raise DataError(f"{option} {path}: this is a folder; give the name of a file")
    above = next(folder for folder in (path.absolute().parent, *path.absolute().parent.parents) if folder.exists())
    if not above.is_dir():
        raise DataError(f"{option} {path}: {above} is a file, not a folder; give another place")
    if not os.access(above, os.W_OK | os.X_OK):
        raise DataError(f"{option} {path}: the folder {above} cannot be written to; give another place")


def check_not_read(path: Path, tables: Iterable[Path | None], option: str = "--out") -> None:
    """Raise DataError where a file that is to be written is one of the tables that are read; None stands for no table.

    `option`: what would write it, in messages.
    """
    if any(table is not None and table.resolve() == path.resolve() for table in tables):
        raise DataError(f"{option} would write over {path}, which is read; give another name")


def check_columns(table: pl.DataFrame, path: Path, option: str = "--out") -> None:
    """Raise DataError if a CSV file under this name could not hold all columns of a table."""
    text = pl.List(pl.String)
    nested = [column.name for column in table if column.dtype.is_nested() and column.dtype != text]
    if path.suffix.lower() == ".csv" and nested:
        raise DataError(f"{option} {path}: CSV cannot hold the columns {', '.join(nested)}; end the name with .parquet")


def write_table(table: pl.DataFrame, path: Path) -> None:
    """Write beside the name, then rename; the kind goes by the suffix.

    CSV has no lists: lists of text become one text with bars between; see `_join_lists`. Raises DataError for other
    kinds, and where the folder or the disk does not take the file.
    """
    check_writable(path, "table")
    kind = path.suffix.lower()

    def write_kind(beside: Path) -> None:
        if kind == ".parquet":
            table.write_parquet(beside)
        elif kind == ".jsonl":
            table.write_ndjson(beside)
        else:
            lists = [column for column in table if column.dtype == pl.List(pl.String)]
            table.with_columns(_join_lists(column, path) for column in lists).write_csv(beside)

    try:
        write_atomically(path, write_kind)
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror or error}); give another place") from error


def _join_lists(column: pl.Series, path: Path) -> pl.Series:
    """Lists of text as one text each, read back as they were.

    A single entry with a comma or semicolon gets a bar behind it, so that the reader sees that bars separate. A bar
    inside an entry becomes a slash, which is said.
    """
    inside = column.explode().drop_nulls()
    barred = int(inside.str.contains("|", literal=True).sum())
    if barred:
        emit_warning(
            f"{path}: {format_count(barred, 'entry', 'entries')} of column '{column.name}' "
            f"{choose_form(barred, 'holds', 'hold')} a bar, which separates in CSV; it is written as /. End the name "
            "with .parquet to keep it."
        )
        column = column.list.eval(pl.element().str.replace_all("|", "/", literal=True))
    text = column.list.join("|", ignore_nulls=True)
    alone = text.str.contains("[,;]") & ~text.str.contains("|", literal=True)
    return pl.select(pl.when(alone).then(text + "|").otherwise(text).alias(column.name)).to_series()
