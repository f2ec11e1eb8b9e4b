"""Tables that commands write: one rule about names and kinds, and never half a file."""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl

from thinkrec.errors import DataError

SUFFIXES = (".parquet", ".csv", ".jsonl")
"""Kinds of table that can be written; `read_table` reads them all."""


def check_writable(path: Path, option: str = "--out") -> None:
    """Raise DataError unless a table can be written under this name, which was given with `option`."""
    if path.suffix.lower() not in SUFFIXES:
        known = f"{', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}"
        raise DataError(f"{option} {path}: not a kind of table that can be written; end it with {known}")


def write_table(table: pl.DataFrame, path: Path) -> None:
    """Write beside the name, then rename; the kind goes by the suffix. Raises DataError for other kinds.

    CSV has no lists: lists of text become one text with bars between.
    """
    check_writable(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    kind = path.suffix.lower()
    try:
        if kind == ".parquet":
            table.write_parquet(beside)
        elif kind == ".jsonl":
            table.write_ndjson(beside)
        else:
            lists = [name for name, dtype in table.schema.items() if dtype == pl.List(pl.String)]
            table.with_columns(pl.col(name).list.join("|") for name in lists).write_csv(beside)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
