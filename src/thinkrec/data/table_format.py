"""How a file of a table is written, where its name does not say it, and what its columns are called."""

from __future__ import annotations

import codecs
from typing import Literal

from pydantic import Field, field_validator

from thinkrec.errors import DataError
from thinkrec.io.config import Config

Quoting = Literal["auto", "quotes", "backslash", "none"]
OnError = Literal["raise", "drop"]
"""raise: a row that cannot be used ends the reading. drop: such rows are left out, counted and shown."""


class TableFormat(Config):
    """How one table is written, and what it calls its columns; by default as its file's name says."""

    separator: str | None = Field(default=None, min_length=1)
    """What stands between the fields of a line, such as ";" or "::"; by default a comma, in .tsv, .inter, .item and
    .user files a tab."""
    encoding: str | None = None
    """Of text: utf-16, cp1252, latin-1 and so on; by default UTF-8, with or without the mark at its start."""
    header: bool = True
    """Whether the first line has the names of the columns; without it they are called column_1, column_2 and so on."""
    quoting: Quoting = "auto"
    """quotes: a field may stand in double quotes, where a doubled one means one. backslash: the same with \\" for one.
    none: a quote is a character. auto: quotes, and none between tabs, bars and separators of several characters."""
    columns: dict[str, str | int] = Field(default_factory=dict)
    """Our name of a column -> the table's name, or its place from 1: {user_id: userId, rating: 3}. A column that has
    one of our names already needs no entry."""

    flags: dict[str, str | int] = Field(default_factory=dict)
    """Of items: keywords that are columns of 0 and 1, such as {Action: 7, War: 23} or {Action: is_action}: the keyword
    -> the table's name of its column, or its place from 1."""

    @field_validator("encoding")
    @classmethod
    def _check_encoding(cls, name: str | None) -> str | None:
        try:
            codecs.lookup(name or "utf-8")
        except LookupError:
            raise ValueError(f"{name!r} is no encoding that Python knows; try utf-16, cp1252 or latin-1") from None
        return name

    @field_validator("columns")
    @classmethod
    def _check_columns(cls, columns: dict[str, str | int]) -> dict[str, str | int]:
        places = [place for place in columns.values() if isinstance(place, int) and place < 1]
        if places:
            raise ValueError(f"the place of a column is counted from 1, not {places[0]}")
        twice = [theirs for theirs in columns.values() if list(columns.values()).count(theirs) > 1]
        if twice:
            raise ValueError(f"the column {twice[0]!r} is given two names; name it once")
        return columns


PLAIN_FORMAT = TableFormat()
"""The format that a file's name says."""


def check_row_rules(on_error: str, unknown_items: str) -> None:
    """Raise DataError for a rule about rows that is neither raise nor drop."""
    for name, rule in (("on_error", on_error), ("unknown_items", unknown_items)):
        if rule not in ("raise", "drop"):
            raise DataError(f"{name}={rule!r} is not known. Use 'raise' or 'drop'.")
