"""Columns under our names: as a mapping says, and without the types that RecBole writes behind its own."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

import polars as pl

from thinkrec.data.messages import emit_warning
from thinkrec.errors import DataError
from thinkrec.io.counts import format_count

RECBOLE_TYPES = ("token", "token_seq", "float", "float_seq")
"""What stands behind the colon in a header of RecBole's atomic files."""


def name_columns(df: pl.DataFrame, columns: Mapping[str, str | int], source: str) -> pl.DataFrame:
    """The table with our names of columns; a column that loses one of our names to another one is left out, and said.

    Args:
        df: the table as it was read.
        columns: our name -> the table's, with or without RecBole's type, or its place from 1.
        source: the table in messages.

    Raises DataError for a name or a place that the table does not have.
    """
    typed = {name: split_recbole_type(name) for name in df.columns}
    if not columns and all(kind is None for _, kind in typed.values()):
        return df
    ours = {_find_column(df, theirs, source, typed): name for name, theirs in columns.items()}
    lost = [name for name, (plain, _) in typed.items() if plain in columns and name not in ours]
    if lost:
        emit_warning(
            f"{source}: column {', '.join(map(repr, lost))} is left out, because `columns` gives that name to another "
            "one."
        )
    names = {name: ours.get(name, plain) for name, (plain, _) in typed.items() if name not in lost}
    renamed = df.select([pl.col(theirs).alias(name) for theirs, name in names.items()])
    sequences = [names[name] for name, (_, kind) in typed.items() if kind == "token_seq" and name not in lost]
    if "keywords" in sequences:
        renamed = renamed.with_columns(pl.col("keywords").cast(pl.String).str.split(" "))
    return renamed


def split_recbole_type(name: str) -> tuple[str, str | None]:
    """A name and the type behind its colon, such as ("user_id", "token"); None where there is none.

    >>> split_recbole_type("user_id:token"), split_recbole_type("note:x")
    (('user_id', 'token'), ('note:x', None))
    """
    plain, colon, kind = name.rpartition(":")
    return (plain, kind) if colon and plain and kind in RECBOLE_TYPES else (name, None)


def _find_column(df: pl.DataFrame, theirs: str | int, source: str, typed: Mapping[str, tuple[str, str | None]]) -> str:
    if isinstance(theirs, int):
        if theirs > df.width:
            raise DataError(
                f"{source}: `columns` names place {theirs}, but the table has {format_count(df.width, 'column')}."
            )
        return df.columns[theirs - 1]
    matched_name = next((name for name, (plain, _) in typed.items() if theirs in (name, plain)), None)
    if matched_name is None:
        similar = get_close_matches(theirs, df.columns, 1, 0.6)
        hint = f" Did you mean {similar[0]!r}?" if similar else ""
        raise DataError(
            f"{source}: `columns` names {theirs!r}, which the table does not have (columns found: "
            f"{', '.join(df.columns)}).{hint}"
        )
    return matched_name
