"""Files of separated text without anything to interpret, read in compiled code: the same table, sooner.

Whether a file is one is checked on all of its bytes: no quotes, no NUL bytes, no carriage returns but before line
feeds, no empty lines, and as many separators as lines of the header's number of fields have. Where anything is
otherwise the file is left to the reader that interprets, and names what is wrong.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import BinaryIO

import polars as pl

from thinkrec.data.delimited_records import TableBuilder
from thinkrec.data.table_format import TableFormat

MIN_BYTES = 1 << 20
"""Smaller files are read soon enough."""
_CHUNK = 1 << 24
_UNUSUAL = (b'"', b"\0", b"\n\n", b"\n\r\n")


def read_plain_lines(path: Path, kind: str, form: TableFormat, separator: str) -> pl.DataFrame | None:
    """All columns as text, empty fields as null, as `read_delimited` gives them; None for any file that is not plain.

    In tables of interactions ids, ratings, labels and splits are categorical text, and times whole numbers where they
    begin as such.

    Raises DataError for a header that cannot serve, as `TableBuilder` does.
    """
    is_fit = len(separator) == 1 and separator.isascii() and form.header and form.encoding is None
    if not is_fit or not path.is_file() or path.suffix.lower() != f".{kind}" or path.stat().st_size < MIN_BYTES:
        return None
    with path.open("rb") as file:
        header = file.readline()
        try:
            names = header.decode("utf-8-sig").rstrip("\r\n")
        except UnicodeDecodeError:
            return None
        table = TableBuilder(path, kind, separator)
        if '"' in names or not names.strip():
            return None
        table.add(names.split(separator), 1, [names + "\n"])
        begun = file.tell()
        first = file.readline().decode("utf-8", "replace").rstrip("\r\n").split(separator)
        file.seek(begun)
        if not _is_plain(file, separator.encode(), len(table.names)):
            return None
    try:
        frame = pl.read_csv(
            path,
            has_header=False,
            skip_rows=1,
            new_columns=table.names,
            schema={name: _choose_type(n, table.names, form, first) for n, name in enumerate(table.names)},
            separator=separator,
            quote_char=None,
            low_memory=True,
        )
    except (pl.exceptions.PolarsError, UnicodeDecodeError):
        # A line with more fields, a time that is no whole number, or text that is not UTF-8.
        return None
    table.add_frame(frame)
    return table.build_frame()


def _choose_type(place: int, names: list[str], form: TableFormat, first: list[str]) -> type[pl.DataType]:
    """Categorical for what repeats in a table of interactions, so that every id is held once; else text.

    Times are whole numbers where that of the first line is one (`first`: its fields), in half the memory of their text.
    """
    ours = {their: our for our, their in form.columns.items()}
    called = [ours.get(column, ours.get(n, column)) for n, column in enumerate(names, 1)]
    if not {"user_id", "item_id"} <= set(called):
        return pl.String
    if called[place] == "timestamp" and len(first) == len(names) and re.fullmatch("-?[0-9]{1,18}", first[place]):
        return pl.Int64
    return pl.Categorical if called[place] in ("user_id", "item_id", "rating", "label", "split") else pl.String


def _is_plain(file: BinaryIO, separator: bytes, n_fields: int) -> bool:
    """Whether the lines to come can only be read in one way, if none of them has too many fields."""
    lines = separators = returns = returns_at_end = 0
    before = b"\n"  # the header's own: an empty line may follow it
    while chunk := file.read(_CHUNK):
        # The last bytes of the chunk before come first, so that what lies across two chunks is seen.
        joined = before + chunk
        if any(mark in joined for mark in _UNUSUAL):
            return False
        lines += chunk.count(b"\n")
        separators += chunk.count(separator)
        returns += chunk.count(b"\r")
        returns_at_end += joined.count(b"\r\n") - before.count(b"\r\n")
        before = joined[-2:]
    lines += not before.endswith(b"\n")
    return returns == returns_at_end and separators == lines * (n_fields - 1)
