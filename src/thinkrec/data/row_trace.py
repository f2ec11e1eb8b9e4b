"""Where the rows of a table stand in its files, so that messages name lines that an editor shows.

Reading a file records the line of each of its rows; leaving rows out records which ones stay. A message finds both by
the name of the table and by how many rows it has at that point. Tables that are no text have rows, counted from 1.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

REMEMBERED = 8
"""Tables whose rows are known by line at one time; the one that was read first is forgotten first."""


@dataclass(frozen=True)
class _FileRows:
    """The rows of one file."""

    height: int
    lines: np.ndarray | int | None
    """Line of each row, or of the first one where they follow each other; None where the file has no lines."""
    name: str | None = None
    """For messages, where a table has several files."""

    def get_line(self, row: int) -> int | None:
        if self.lines is None:
            return None
        return self.lines + row if isinstance(self.lines, int) else int(self.lines[row])


@dataclass
class _RowTrace:
    """The rows of one table: its files, and which rows are left."""

    files: tuple[_FileRows, ...]
    numbers: dict[int, np.ndarray] = field(default_factory=dict)
    """Number of rows that are left -> their places (from 0) in the table as it was read."""

    @property
    def height(self) -> int:
        return sum(file.height for file in self.files)

    def has_height(self, height: int) -> bool:
        return height == self.height or height in self.numbers

    def get_places(self, rows: Sequence[int], height: int) -> list[int]:
        numbers = self.numbers.get(height) if height != self.height else None
        return [int(row) if numbers is None else int(numbers[row]) for row in rows]

    def find_file(self, place: int) -> tuple[_FileRows, int]:
        """The file that a row is in, and its place there."""
        for file in self.files:
            if place < file.height:
                return file, place
            place -= file.height
        raise IndexError(place)


_TRACES: OrderedDict[str, _RowTrace] = OrderedDict()


def note_lines(source: str, lines: Sequence[int] | int, height: int) -> None:
    """A file of text was read: the line of each of its rows, or of the first one where they follow each other."""
    _store_trace(source, (_FileRows(height, lines if isinstance(lines, int) else np.asarray(lines, dtype=np.uint32)),))


def note_rows(source: str, height: int) -> None:
    """A table without lines begins: its rows are counted from 1."""
    _store_trace(source, (_FileRows(height, None),))


def join_files(source: str, files: Sequence[tuple[str, str, int]]) -> None:
    """A table of several files was read: what each is known by, its name for messages, and its rows."""
    parts = []
    for key, name, height in files:
        trace = _TRACES.pop(key, None)
        parts.append(_FileRows(height, _list_lines(trace, height), name if len(files) > 1 else None))
    _store_trace(source, tuple(parts))


def _list_lines(trace: _RowTrace | None, height: int) -> np.ndarray | int | None:
    """The lines of the rows of one file of which so many are left."""
    if trace is None or not trace.has_height(height) or trace.files[0].lines is None:
        return None
    lines = trace.files[0].lines
    if height == trace.height:
        return lines
    places = trace.numbers[height]
    return places + np.uint32(lines) if isinstance(lines, int) else lines[places]


def has_rows(source: str, height: int) -> bool:
    """Whether the table was read, or begun, and has had so many rows."""
    trace = _TRACES.get(source)
    return trace is not None and trace.has_height(height)


def keep_rows(source: str, mask: pl.Series) -> None:
    """Rows of a table are left out: the mask (Boolean, over the rows before) says which stay."""
    trace = _TRACES.get(source)
    if trace is None or not trace.has_height(len(mask)) or mask.all():
        return
    before = trace.numbers.get(len(mask)) if len(mask) != trace.height else None
    places = mask.arg_true().to_numpy().astype(np.uint32)
    trace.numbers[len(places)] = places if before is None else before[places]


def drop_trace(source: str) -> None:
    """Nothing more is to be said of the table."""
    _TRACES.pop(source, None)


def get_row_numbers(rows: Sequence[int], height: int, source: str) -> list[int]:
    """What messages call the rows at these places (from 0) of a table with so many rows: lines, else rows from 1."""
    return [number for _, number in _find_rows(rows, height, source)]


def name_rows(rows: Sequence[int], height: int, source: str) -> list[str]:
    """The same in words: "line 7", "part-2.csv, line 7", or "row 6"."""
    return [f"{where}{number}" for where, number in _find_rows(rows, height, source)]


def has_lines(source: str, height: int) -> bool:
    """Whether messages name lines of this table."""
    trace = _TRACES.get(source)
    return trace is not None and trace.has_height(height) and all(file.lines is not None for file in trace.files)


def _find_rows(rows: Sequence[int], height: int, source: str) -> list[tuple[str, int]]:
    trace = _TRACES.get(source)
    if trace is None or not trace.has_height(height):
        return [("row ", int(row) + 1) for row in rows]
    located = []
    for place in trace.get_places(rows, height):
        file, inside = trace.find_file(place)
        line = file.get_line(inside)
        prefix = "" if file.name is None else f"{file.name}, "
        located.append((f"{prefix}row ", inside + 1) if line is None else (f"{prefix}line ", line))
    return located


def _store_trace(source: str, files: tuple[_FileRows, ...]) -> None:
    _TRACES.pop(source, None)
    _TRACES[source] = _RowTrace(files)
    while len(_TRACES) > REMEMBERED:
        _TRACES.popitem(last=False)
