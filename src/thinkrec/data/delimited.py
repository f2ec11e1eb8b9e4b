"""CSV and its kin, read so that no line is lost: every line belongs to exactly one record, or the file is refused.

With quotes, as in CSV, a field that begins with a quote ends at the next single quote, doubled ones stand for one, and
separators and line ends between them are text (RFC 4180). A quote elsewhere is a character. Without quotes, as in TSV,
a line is a record, a quote is a character, except that a field which stands in quotes as a whole loses them. Only where
lines of such a file do not have the header's number of fields is it read with quotes, as some programs write it.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl

from thinkrec.data.csv_quotes import (
    compute_text_shape,
    describe_quote_error,
    find_opening_quote,
    format_excerpt,
    is_possible_record,
)
from thinkrec.data.damage import DAMAGED, FileFormatError, make_damage_error, make_format_error
from thinkrec.data.delimited_records import LineReader, TableBuilder
from thinkrec.data.file_bytes import check_kind_of_file, describe_encoding_error
from thinkrec.data.messages import emit_warning
from thinkrec.data.plain_lines import read_plain_lines
from thinkrec.data.table_format import PLAIN_FORMAT, OnError, TableFormat
from thinkrec.io.counts import format_count

SEPARATORS = {".csv": ",", ".tsv": "\t", ".inter": "\t", ".item": "\t", ".user": "\t"}
"""What separates fields where only the file's name says it; the last three are RecBole's atomic files."""
_WITHOUT_QUOTES = ("\t", "|")


def read_delimited(
    path: Path, kind: str, form: TableFormat = PLAIN_FORMAT, *, on_error: OnError = "raise"
) -> pl.DataFrame:
    """All columns as text, empty fields as null; columns are not renamed here.

    Empty lines are left out and, but for those at the end, counted. Under `on_error="drop"` lines that are no record
    are left out and counted too.

    Args:
        path: the file; compressed ones are unpacked.
        kind: what its name ends with, such as csv; also what messages call it.
        form: separator, encoding, header and quotes.
        on_error: whether a wrong line ends the reading.

    Raises DataError naming line, column and text where a record does not have the header's fields, where a quote opens
    or closes wrongly, and for what is not in the encoding.
    """
    separator = form.separator or SEPARATORS.get(f".{kind}")
    if separator is None:
        raise make_format_error(
            path,
            kind,
            "its name does not say what stands between fields. Say it under `separator`, such as '::'; "
            "`thinkrec check FILE` finds it.",
        )
    try:
        check_kind_of_file(path, kind, form.encoding)
        return _read_records(path, kind, form, separator, on_error)
    except UnicodeError as error:
        raise make_format_error(path, kind, describe_encoding_error(path, form.encoding)) from error
    except DAMAGED as error:
        raise make_damage_error(path, kind, error) from error


def _read_records(path: Path, kind: str, form: TableFormat, separator: str, on_error: OnError) -> pl.DataFrame:
    plain = read_plain_lines(path, kind, form, separator)
    if plain is not None:
        return plain
    quoted = form.quoting in ("quotes", "backslash")
    if quoted or (form.quoting == "auto" and len(separator) == 1 and separator not in _WITHOUT_QUOTES):
        return _read_quoted(path, kind, form, separator, on_error)
    try:
        return _read_unquoted(path, kind, form, separator, "raise")
    except FileFormatError as error:
        if form.quoting == "auto" and len(separator) == 1:
            try:
                return _read_quoted(path, kind, form, separator, "raise")
            except FileFormatError:
                pass
        if on_error == "drop":
            return _read_unquoted(path, kind, form, separator, on_error)
        raise error from None


def _read_unquoted(path: Path, kind: str, form: TableFormat, separator: str, on_error: OnError) -> pl.DataFrame:
    """A line is a record."""
    table = TableBuilder(path, kind, separator, form.header, on_error)
    with LineReader(path, kind, form.encoding, table.drop_line if on_error == "drop" else None) as lines:
        for line in lines:
            fields = [_unquote_field(field) for field in line.rstrip("\r\n").split(separator)]
            table.add([] if fields == [""] else fields, lines.number, lines.take_record())
    return table.build_frame()


def _unquote_field(field: str) -> str:
    if len(field) > 1 and field[0] == field[-1] == '"':
        inner = field[1:-1].replace('""', "")
        if '"' not in inner:
            return field[1:-1].replace('""', '"')
    return field


def _read_quoted(path: Path, kind: str, form: TableFormat, separator: str, on_error: OnError) -> pl.DataFrame:
    """Records as RFC 4180 has them, perhaps with backslashes before quotes."""
    if len(separator) > 1:
        raise make_format_error(
            path,
            kind,
            f"quotes go with a separator of one character alone, not {separator!r}. Leave out `quoting`, or say none.",
        )
    table = TableBuilder(path, kind, separator, form.header, on_error)
    options: dict[str, Any] = {"escapechar": "\\"} if form.quoting == "backslash" else {}
    doubtful: list[tuple[int, int]] = []
    dropped = table.drop_line if on_error == "drop" else None
    with _allow_long_fields(), LineReader(path, kind, form.encoding, dropped) as lines:
        records = csv.reader(lines, delimiter=separator, strict=True, **options)
        while True:
            first = lines.number + 1
            try:
                fields = next(records)
            except StopIteration:
                break
            except csv.Error as error:
                why = describe_quote_error(lines.record, first, separator)
                if on_error == "raise":
                    raise make_format_error(path, kind, why) from error
                table.drop_line(first, why)
                lines.return_all_but_first()
                continue
            why = _describe_swallowed_rows(lines.record, table.names, first, separator, doubtful)
            if why is None:
                table.add(fields, first, lines.take_record())
            elif on_error == "raise":
                raise make_format_error(path, kind, why)
            else:
                table.drop_line(first, why)
                lines.return_all_but_first()
    if doubtful:
        emit_warning(
            f"{path}: {format_count(len(doubtful), 'field in quotes runs', 'fields in quotes run')} over lines that "
            f"may be rows of their own (the first: lines {doubtful[0][0]} to {doubtful[0][1]}); each is read as one "
            "field."
        )
    return table.build_frame()


def _describe_swallowed_rows(
    record: list[str], names: list[str], first: int, separator: str, doubtful: list[tuple[int, int]]
) -> str | None:
    """A sentence where the lines of one record look like rows of their own; lines that may be go to `doubtful`."""
    if len(record) < 2 or len(names) < 2:
        return None
    is_record = [is_possible_record(line, record[0], names, separator) for line in record]
    # Two columns and an id of letters: a line of prose with one comma looks like that, too.
    weak = len(names) == 2 and "9" not in compute_text_shape(record[0].split(separator, 1)[0])
    if (all(is_record) and not weak) or (sum(is_record) >= 3 and 2 * sum(is_record) >= len(is_record)):
        line_offset, column, text = find_opening_quote("".join(record), separator)
        return (
            f"the quote in line {first + line_offset}, column {column} ({format_excerpt(text)}) is closed "
            f"only in line {first + len(record) - 1}, and {sum(is_record)} of these {len(record)} lines "
            "look like rows of their own. Remove the quote, or double it and put the field in quotes."
        )
    if any(is_record[1:]):
        doubtful.append((first, first + len(record) - 1))
    return None


@contextmanager
def _allow_long_fields() -> Iterator[None]:
    """The reader's limit on the length of a field, one for the whole process, is lifted inside."""
    before = csv.field_size_limit(min(2**31 - 1, sys.maxsize))
    try:
        yield
    finally:
        csv.field_size_limit(before)
