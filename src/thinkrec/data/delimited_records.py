"""The two ends of reading separated values: physical lines that are counted, and records that become a frame."""

from __future__ import annotations

import io
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl

from thinkrec.data.csv_quotes import format_excerpt
from thinkrec.data.damage import make_format_error
from thinkrec.data.file_bytes import open_bytes
from thinkrec.data.messages import emit_warning, is_data_row, report_dropped
from thinkrec.data.row_problems import SHOWN, Problem
from thinkrec.data.row_trace import note_lines
from thinkrec.data.table_format import OnError
from thinkrec.io.counts import format_count

_NAMES = {",": "commas", "\t": "tabs", ";": "semicolons", "|": "bars", "::": "double colons", " ": "spaces"}
_CHUNK = 65_536
_RETURNED_LIMIT = 200_000
"""Lines that may be read a second time after records that were no records, before the file is refused as a whole."""


class LineReader:
    """The physical lines of a file, counted, with those of the record that is being read."""

    def __init__(
        self, path: Path, kind: str, encoding: str | None = None, drop: Callable[[int, str], None] | None = None
    ) -> None:
        """`drop` is told of lines that are no text and are left out; without it they are errors."""
        self.path, self.kind, self.number = path, kind, 0
        self.record: list[str] = []
        self._drop, self._returned, self._count = drop, list[str](), 0
        self._encoding = encoding or "UTF-8"
        utf8 = (encoding or "utf-8").lower().replace("_", "-") in ("utf-8", "utf8")
        # Line ends are those of CSV alone (LF, CRLF, CR): others, such as U+2028, are text.
        self._file = io.TextIOWrapper(
            open_bytes(path),
            encoding="utf-8-sig" if utf8 else encoding,
            newline="",
            errors="surrogateescape" if drop and utf8 else None,
        )

    def __enter__(self) -> LineReader:
        """The reader, whose file is open."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self._file.close()

    def __iter__(self) -> Iterator[str]:
        """The lines that are left."""
        return self

    def __next__(self) -> str:
        """The next line that is text."""
        # No generator: after the end of the file there may be lines that were returned.
        while line := self._returned.pop() if self._returned else self._file.readline():
            self.number += 1
            why = self._describe_wrong_text(line)
            if why is None:
                self.record.append(line)
                return line
            if self._drop is None:
                raise make_format_error(self.path, self.kind, f"line {self.number} {why}")
            self._drop(self.number, f"line {self.number} {why}")
        raise StopIteration

    def take_record(self) -> list[str]:
        """The lines of the record just read."""
        record, self.record = self.record, []
        return record

    def return_all_but_first(self) -> None:
        """Read the lines of the record just read again, without its first one, which is no part of any record."""
        rest = self.take_record()[1:]
        self._count += len(rest)
        if self._count > _RETURNED_LIMIT:
            raise make_format_error(
                self.path,
                self.kind,
                f"before line {self.number} quotes do not fit line after line. Say `quoting: none` where quotes are "
                "plain characters, or `quoting: backslash`.",
            )
        self._returned += rest[::-1]
        self.number -= len(rest)

    def _describe_wrong_text(self, line: str) -> str | None:
        if "\0" in line:
            text = format_excerpt(line[max(0, line.index("\0") - 20) :])
            return f"holds a NUL byte ({text}); the file is damaged or in another encoding. Write it again, in UTF-8."
        if self._drop is not None and not line.isascii() and any("\udc80" <= mark <= "\udcff" for mark in line):
            text = line.encode("utf-8", "surrogateescape").decode("latin-1").strip()
            return f"is not {self._encoding} ({format_excerpt(text)}, read as Latin-1)"
        return None


class TableBuilder:
    """Records become a frame, a part at a time; the first one is the header where there is one."""

    def __init__(self, path: Path, kind: str, separator: str, header: bool = True, on_error: OnError = "raise") -> None:
        """`header`: whether the first record has names. `on_error`: whether a wrong record is an error."""
        self.path, self.kind, self.separator = path, kind, separator
        self.names: list[str] = []
        self.unnamed: list[str] = []
        self._has_header, self._on_error = header, on_error
        self._rows: list[list[str]] = []
        self._lines = array("I")
        self._parts: list[pl.DataFrame] = []
        self._empty: list[int] = []
        self._dropped: list[tuple[int, str]] = []
        self._last = 0

    def add(self, fields: list[str], line: int, lines: list[str]) -> None:
        """One record that begins at a line."""
        if not fields or (len(fields) == 1 and len(self.names) > 1 and not fields[0].strip()):
            self._empty.append(line)
            return
        self._last = line
        if not self.names:
            self.names = self._parse_header(fields, line) if self._has_header else self._number_columns(fields, line)
            if self._has_header:
                return
        if len(fields) != len(self.names):
            why = self._describe_wrong_fields(fields, line, lines)
            if self._on_error == "raise":
                raise make_format_error(self.path, self.kind, why)
            self.drop_line(line, why.partition(". ")[0])
            return
        self._rows.append(fields)
        self._lines.append(line)
        if len(self._rows) == _CHUNK:
            self._flush()

    def add_frame(self, frame: pl.DataFrame) -> None:
        """Records that are columns already, all text, under the names of the header."""
        self._parts.append(frame)

    def drop_line(self, line: int, why: str) -> None:
        """Leave a line out, and say so in the end. Raises DataError for the header, without which no row is one."""
        if self._has_header and not self.names:
            raise make_format_error(self.path, self.kind, f"{why.rstrip('.')}. It is the line with the columns' names.")
        self._dropped.append((line, why.rstrip(".")))

    def build_frame(self) -> pl.DataFrame:
        """The whole table."""
        if not self.names:
            need = "It needs a line with the names of its columns." if self._has_header else "It needs rows."
            raise make_format_error(self.path, self.kind, f"the file is empty. {need}")
        middle = [line for line in self._empty if line < self._last]
        if middle:
            count = format_count(len(middle), "empty line is", "empty lines are")
            emit_warning(f"{self.path}: {count} left out (the first: line {middle[0]}).")
        report_dropped_lines(self.path, self._dropped)
        if self._rows or not self._parts:
            self._flush()
        frame = pl.concat(self._parts).with_columns(pl.col(pl.String).replace("", None))
        # Columns as a whole come from a file whose rows follow each other below the header.
        note_lines(str(self.path), self._lines if len(self._lines) == len(frame) else 2, len(frame))
        # Trailing separators make columns without a name and without a value.
        return frame.drop([name for name in self.unnamed if frame[name].null_count() == len(frame)])

    def _flush(self) -> None:
        columns = zip(*self._rows, strict=True) if self._rows else [()] * len(self.names)
        self._parts.append(
            pl.DataFrame([pl.Series(n, c, dtype=pl.String) for n, c in zip(self.names, columns, strict=True)])
        )
        self._rows = []

    def _describe_wrong_fields(self, fields: list[str], line: int, lines: list[str]) -> str:
        end = "" if lines[-1].endswith(("\n", "\r")) else " The file ends here without a line end: was it cut off?"
        if len(lines) > 1:
            end = f" A quote in it is closed only in line {line + len(lines) - 1}: is it a stray one?"
        wanted = "header" if self._has_header else "first line"
        return (
            f"line {line} has {format_count(len(fields), 'field')} where the {wanted} has {len(self.names)} "
            f"({format_excerpt(''.join(lines))}). Put fields that hold {name_separator(self.separator)} or line ends "
            f"in quotes, and give every line every field.{end}"
        )

    def _number_columns(self, fields: list[str], line: int) -> list[str]:
        self._refuse_other_separator(fields, line)
        return [f"column_{number}" for number in range(1, len(fields) + 1)]

    def _parse_header(self, fields: list[str], line: int) -> list[str]:
        names = [name.strip() for name in fields]
        self._refuse_other_separator(names, line)
        repeated = next((name for name in names if name and names.count(name) > 1), None)
        if repeated is not None:
            positions = [number + 1 for number, name in enumerate(names) if name == repeated]
            if is_data_row(names):
                row = format_excerpt(self.separator.join(names))
                why = (
                    f"the first line seems to be a row already ({row}). Put the names in front, or say "
                    "`header: false` and the places of the columns under `columns`."
                )
            else:
                columns = ", ".join(map(str, positions))
                why = f"line {line} names two columns {repeated!r} (columns {columns}). Give each its own name."
            raise make_format_error(self.path, self.kind, why)
        self.unnamed = [f"column_{number}" for number, name in enumerate(names, 1) if not name]
        return [name or f"column_{number}" for number, name in enumerate(names, 1)]

    def _refuse_other_separator(self, fields: list[str], line: int) -> None:
        """Raise DataError where a line has only one field, and another separator in it."""
        marks = [mark for mark in ("\t", ";", "::", "|", ",") if mark != self.separator and mark in fields[0]]
        if len(fields) > 1 or not marks:
            return
        ours, theirs = name_separator(self.separator), name_separator(marks[0])
        raise make_format_error(
            self.path,
            self.kind,
            f"line {line} has no {ours.removesuffix('s')} but {theirs} ({format_excerpt(fields[0])}), so its columns "
            f"are separated by {theirs}. Save the table with {ours}, or say `separator: {marks[0]!r}`.",
        )


def name_separator(separator: str) -> str:
    """A separator in words, in the plural."""
    return _NAMES.get(separator, repr(separator))


def report_dropped_lines(path: Path, dropped: list[tuple[int, str]]) -> None:
    """Say how many lines of a file are left out, with the first few and why, if any."""
    if not dropped:
        return
    more = f"; and {len(dropped) - SHOWN} more" if len(dropped) > SHOWN else ""
    report_dropped(
        Problem(
            str(path),
            None,
            len(dropped),
            tuple(line for line, _ in dropped[:SHOWN]),
            "; ".join(why for _, why in dropped[:SHOWN]) + more,
            "Correct or remove these lines, or say `on_error: drop`.",
            "line",
            "line",
        )
    )
