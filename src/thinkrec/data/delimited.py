"""CSV and TSV, read so that no line is lost: every line belongs to exactly one record, or the file is refused.

CSV follows RFC 4180: a field that begins with a quote ends at the next single quote, doubled ones stand for one, and
commas and line ends between them are text. A quote elsewhere is a character. TSV has no quoting: a line is a record, a
quote is a character, except that a field which stands in quotes as a whole loses them. Only where lines of a TSV file
do not have the header's number of fields is it read with the quoting of CSV, as some programs write it.
"""

from __future__ import annotations

import csv
import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import polars as pl

from thinkrec.data.csv_quotes import (
    compute_text_shape,
    describe_quote_error,
    find_opening_quote,
    format_excerpt,
    is_possible_record,
)
from thinkrec.data.messages import emit_warning, is_data_row
from thinkrec.errors import DataError

SEPARATORS = {".csv": ",", ".tsv": "\t"}
_NAMES = {",": "commas", "\t": "tabs", ";": "semicolons", "|": "bars", "::": "double colons"}
_CHUNK = 65_536
_MAX_FIELD_LENGTH = 2**31 - 1
_MAGIC = {
    b"\x1f\x8b": "compressed by gzip; let its name end with .gz",
    b"PK\x03\x04": "a zip or Excel file; save it as CSV",
    b"PAR1": "a Parquet file; let its name end with .parquet",
    b"\xff\xfe": "in UTF-16; save it as UTF-8",
    b"\xfe\xff": "in UTF-16; save it as UTF-8",
}


class FileFormatError(DataError):
    """A file cannot be read as the kind its name says; the message begins with the path."""


def make_format_error(path: Path, kind: str, why: str) -> FileFormatError:
    """The error for a file that cannot be read, with what is wrong and where."""
    return FileFormatError(f"{path}: cannot be read as {kind}: {why}")


def read_delimited(path: Path, kind: str) -> pl.DataFrame:
    """All columns as text, empty fields as null. `kind`: csv or tsv; a name that ends with .gz is unpacked.

    Raises DataError naming line, column and text where a record does not have the header's fields, where a quote opens
    or closes wrongly, and for what is not UTF-8. Empty lines are left out and, but for those at the end, counted.
    """
    separator = SEPARATORS[f".{kind}"]
    try:
        check_kind_of_file(path, kind)
        if separator == ",":
            return _read_quoted(path, kind, separator)
        try:
            return _read_unquoted(path, kind, separator)
        except FileFormatError as error:
            try:
                return _read_quoted(path, kind, separator)
            except FileFormatError:
                raise error from None
    except UnicodeDecodeError as error:
        raise make_format_error(path, kind, describe_utf8_error(path)) from error
    except (OSError, EOFError, zlib.error) as error:
        raise make_format_error(
            path, kind, "the file is damaged or was not written in full. Write it again."
        ) from error


def check_kind_of_file(path: Path, kind: str) -> None:
    """Raise DataError where the first bytes are those of another kind of file."""
    with open_bytes(path) as file:
        begin = file.read(4)
    for magic, what in _MAGIC.items():
        if begin.startswith(magic):
            raise make_format_error(path, kind, f"it is {what}.")


def open_bytes(path: Path) -> BinaryIO:
    """The bytes of a file, unpacked where its name ends with .gz."""
    return gzip.open(path, "rb") if path.suffix.lower() == ".gz" else path.open("rb")  # type: ignore[return-value]


def describe_utf8_error(path: Path) -> str:
    """A sentence on which line is not UTF-8, with its text."""
    with open_bytes(path) as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                text = format_excerpt(line[max(0, error.start - 20) : error.start + 20].decode("latin-1"))
                return f"line {number} is not UTF-8 ({text}, read as Latin-1). Save the whole file in UTF-8."
    return "it is not UTF-8. Save the whole file in UTF-8."


class _LineReader:
    """The physical lines of a file, counted, with those of the record that is being read."""

    def __init__(self, path: Path, kind: str) -> None:
        self.path, self.kind, self.number = path, kind, 0
        self.record: list[str] = []
        # Line ends are those of CSV alone (LF, CRLF, CR): others, such as U+2028, are text.
        self._file = io.TextIOWrapper(open_bytes(path), encoding="utf-8-sig", newline="")

    def __enter__(self) -> _LineReader:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[str]:
        for line in self._file:
            self.number += 1
            if "\0" in line:
                text = format_excerpt(line[max(0, line.index("\0") - 20) :])
                raise make_format_error(
                    self.path,
                    self.kind,
                    f"line {self.number} holds a NUL byte ({text}); the file is "
                    "damaged or in another encoding. Write it again, in UTF-8.",
                )
            self.record.append(line)
            yield line

    def take_record(self) -> list[str]:
        """The lines of the record just read."""
        record, self.record = self.record, []
        return record


class _TableBuilder:
    """Records become a frame, a part at a time; the first one is the header."""

    def __init__(self, path: Path, kind: str, separator: str) -> None:
        self.path, self.kind, self.separator = path, kind, separator
        self.names: list[str] = []
        self.unnamed: list[str] = []
        self._rows: list[list[str]] = []
        self._parts: list[pl.DataFrame] = []
        self._empty: list[int] = []
        self._last = 0

    def add(self, fields: list[str], line: int, lines: list[str]) -> None:
        """One record that begins at a line."""
        if not fields or (len(fields) == 1 and len(self.names) > 1 and not fields[0].strip()):
            self._empty.append(line)
            return
        self._last = line
        if not self.names:
            self.names = _parse_header(fields, line, self)
            return
        if len(fields) != len(self.names):
            end = "" if lines[-1].endswith(("\n", "\r")) else " The file ends here without a line end: was it cut off?"
            if len(lines) > 1:
                end = f" A quote in it is closed only in line {line + len(lines) - 1}: is it a stray one?"
            raise make_format_error(
                self.path,
                self.kind,
                f"line {line} has {len(fields)} fields where the header has {len(self.names)} "
                f"({format_excerpt(''.join(lines))}). Put fields that hold {_NAMES[self.separator]} or line ends in "
                f"quotes, and give every line every field.{end}",
            )
        self._rows.append(fields)
        if len(self._rows) == _CHUNK:
            self._flush()

    def build_frame(self) -> pl.DataFrame:
        """The whole table."""
        if not self.names:
            raise make_format_error(
                self.path, self.kind, "the file is empty. It needs a line with the names of its columns."
            )
        middle = [line for line in self._empty if line < self._last]
        if middle:
            emit_warning(f"{self.path}: {len(middle)} empty lines are left out (the first: line {middle[0]}).")
        self._flush()
        frame = pl.concat(self._parts).with_columns(pl.all().replace("", None))
        # Trailing separators make columns without a name and without a value.
        return frame.drop([name for name in self.unnamed if frame[name].null_count() == len(frame)])

    def _flush(self) -> None:
        columns = zip(*self._rows, strict=True) if self._rows else [()] * len(self.names)
        self._parts.append(
            pl.DataFrame([pl.Series(n, c, dtype=pl.String) for n, c in zip(self.names, columns, strict=True)])
        )
        self._rows = []


def _parse_header(fields: list[str], line: int, table: _TableBuilder) -> list[str]:
    names = [name.strip() for name in fields]
    if len(names) == 1:
        other = next(
            (mark for mark in ("\t", ";", "::", "|", ",") if mark != table.separator and mark in names[0]), None
        )
        if other is not None:
            raise make_format_error(
                table.path,
                table.kind,
                f"line {line} has no {_NAMES[table.separator][:-1]} but {_NAMES[other]} "
                f"({format_excerpt(names[0])}), so its columns are separated by {_NAMES[other]}. Save the table with "
                f"{_NAMES[table.separator]}, or read it into a frame and pass the frame.",
            )
    repeated = next((name for name in names if name and names.count(name) > 1), None)
    if repeated is not None:
        positions = [number + 1 for number, name in enumerate(names) if name == repeated]
        if is_data_row(names):
            row = format_excerpt(table.separator.join(names))
            why = f"the first line seems to be a row already ({row}). Put the names in front."
        else:
            columns = ", ".join(map(str, positions))
            why = f"line {line} names two columns {repeated!r} (columns {columns}). Give each its own name."
        raise make_format_error(table.path, table.kind, why)
    table.unnamed = [f"column_{number}" for number, name in enumerate(names, 1) if not name]
    return [name or f"column_{number}" for number, name in enumerate(names, 1)]


def _read_unquoted(path: Path, kind: str, separator: str) -> pl.DataFrame:
    """A line is a record."""
    table = _TableBuilder(path, kind, separator)
    with _LineReader(path, kind) as lines:
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


def _read_quoted(path: Path, kind: str, separator: str) -> pl.DataFrame:
    """Records as RFC 4180 has them."""
    table = _TableBuilder(path, kind, separator)
    doubtful: list[tuple[int, int]] = []
    with _allow_long_fields(), _LineReader(path, kind) as lines:
        records = csv.reader(iter(lines), delimiter=separator, strict=True)
        while True:
            first = lines.number + 1
            try:
                fields = next(records)
            except StopIteration:
                break
            except csv.Error as error:
                raise make_format_error(
                    path, kind, describe_quote_error(lines.take_record(), first, separator)
                ) from error
            record = lines.take_record()
            if len(record) > 1 and len(table.names) > 1:
                is_record = [is_possible_record(line, record[0], table.names, separator) for line in record]
                # Two columns and an id of letters: a line of prose with one comma looks like that, too.
                weak = len(table.names) == 2 and "9" not in compute_text_shape(record[0].split(separator, 1)[0])
                if (all(is_record) and not weak) or (sum(is_record) >= 3 and 2 * sum(is_record) >= len(is_record)):
                    line_offset, column, text = find_opening_quote("".join(record), separator)
                    raise make_format_error(
                        path,
                        kind,
                        f"the quote in line {first + line_offset}, column {column} ({format_excerpt(text)}) is closed "
                        f"only in line {first + len(record) - 1}, and {sum(is_record)} of these {len(record)} lines "
                        "look like rows of their own. Remove the quote, or double it and put the field in quotes.",
                    )
                if any(is_record[1:]):
                    doubtful.append((first, first + len(record) - 1))
            table.add(fields, first, record)
    if doubtful:
        emit_warning(
            f"{path}: {len(doubtful)} fields in quotes run over lines that may be rows of their own (the first: lines "
            f"{doubtful[0][0]} to {doubtful[0][1]}); they are read as one field each."
        )
    return table.build_frame()


@contextmanager
def _allow_long_fields() -> Iterator[None]:
    """The reader's limit on the length of a field, one for the whole process, is lifted inside."""
    before = csv.field_size_limit(min(_MAX_FIELD_LENGTH, sys.maxsize))
    try:
        yield
    finally:
        csv.field_size_limit(before)
