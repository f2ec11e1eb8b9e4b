"""A file of lines that is only ever appended to: what a kill leaves of the last line is mended, all others stay."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Generic, TypeVar

Entry = TypeVar("Entry")
_SINGLE_QUOTES = re.compile(rb"\s*\{\s*'")
_UNREADABLE = (ValueError, KeyError, TypeError)
"""What the reader of an entry raises for a line that is none."""


class LogLockedError(OSError):
    """Another process writes to the log."""


class AppendLog(Generic[Entry]):
    """One entry a line, read with `read_entries`, written with `append_line` while the log is open.

        with AppendLog(path, parse=json.loads, make_error=make_error) as log:
            log.append_line(b'{"a": 1}')

    A line is handed to the system before `append_line` returns: a kill loses at most the line that was under way.
    A last line without its end is torn: opening for writing gives it its end where the entry is whole, and
    cuts it off where it is not. Lines end with a line feed alone, since texts may hold other characters that
    `splitlines` takes for the end of a line.
    """

    def __init__(
        self,
        path: Path,
        parse: Callable[[bytes], Entry],
        make_error: Callable[[int, str], Exception],
        *,
        sync: bool = False,
        exclusive: bool = False,
    ) -> None:
        """Name the file; nothing is read or made yet.

        Args:
            path: the file.
            parse: a line, without its end, to an entry; raises ValueError, KeyError or TypeError where it is none.
            make_error: what to raise for such a line, from its number (from 1) and the reason in brackets.
            sync: whether every line is on the disk before `append_line` returns, as after a payment.
            exclusive: whether one process at a time may have it open for writing, where the system has such locks.
        """
        self.path = path
        self._parse, self._make_error = parse, make_error
        self._sync, self._exclusive = sync, exclusive
        self._file: int | None = None

    # -- reading -----------------------------------------------------------------------------------------------------

    def read_entries(self) -> list[Entry]:
        """All whole entries, oldest first; none where there is no file. Changes nothing.

        Raises what `make_error` makes for a line that is no entry, unless it is a torn last one.
        """
        if not self.path.is_file():
            return []
        entries = []
        for number, line in enumerate(_split_lines(self.path.read_bytes()), start=1):
            try:
                entries.append(self._parse(line.removesuffix(b"\n")))
            except _UNREADABLE as error:
                if not line.endswith(b"\n"):
                    break
                hint = "; JSON has double quotes, and this line single ones, as Python prints"
                reason = f"({error}){hint if _SINGLE_QUOTES.match(line) else ''}"
                raise self._make_error(number, reason) from error
        return entries

    # -- writing -----------------------------------------------------------------------------------------------------

    def open(self) -> AppendLog[Entry]:
        """Make the file and its folder if needed, take the lock, read nothing; returns self.

        Raises LogLockedError where another process has it open, and OSError where it cannot be opened. Mend it with
        `mend_last_line` before the first line is appended.
        """
        is_new = not self.path.exists()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
        self._file = os.open(self.path, flags, 0o644)
        if self._exclusive:
            try:
                _lock_file(self._file)
            except OSError as error:
                self.close()
                raise LogLockedError(f"{self.path}: another process has it open") from error
        if is_new and self._sync:
            _sync_folder(self.path.parent)
        return self

    def mend_last_line(self) -> None:
        """Give a torn last line its end where its entry is whole, else cut it off."""
        file = self._get_open_file()
        content = self.path.read_bytes()
        end = content.rfind(b"\n") + 1
        if end < len(content):
            try:
                self._parse(content[end:])
                _write_fully(file, b"\n")
            except _UNREADABLE:
                os.ftruncate(file, end)
        if self._sync:
            os.fsync(file)

    def append_line(self, line: bytes) -> None:
        """Append one entry, given without its end; with `sync` it is on the disk when this returns."""
        file = self._get_open_file()
        _write_fully(file, line + b"\n")
        if self._sync:
            os.fsync(file)

    def close(self) -> None:
        """Let go of the file; may be called again."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def __enter__(self) -> AppendLog[Entry]:
        """Open it and mend its last line."""
        self.open().mend_last_line()
        return self

    def __exit__(self, *error: object) -> None:
        """Close it."""
        self.close()

    def _get_open_file(self) -> int:
        assert self._file is not None, f"{self.path} is not open for writing"
        return self._file


def append_record(path: Path, record: dict[str, Any]) -> None:
    """Append one JSON line to a log that is written to now and then, such as the log of a run."""
    with AppendLog(path, json.loads, _make_line_error) as log:
        log.append_line(json.dumps(record, allow_nan=False).encode("ascii"))


def read_records(path: Path) -> list[dict[str, Any]]:
    """The whole lines of such a log, oldest first; none where there is no file.

    Raises ValueError for a damaged line.
    """
    return AppendLog(path, json.loads, _make_line_error).read_entries()


def _make_line_error(number: int, reason: str) -> ValueError:
    return ValueError(f"line {number} is no JSON {reason}")


def _split_lines(content: bytes) -> Iterator[bytes]:
    """Lines with their ends; the last one may have none."""
    begin = 0
    while begin < len(content):
        end = content.find(b"\n", begin) + 1 or len(content)
        yield content[begin:end]
        begin = end


def _write_fully(file: int, content: bytes) -> None:
    while content:
        content = content[os.write(file, content) :]


def _lock_file(file: int) -> None:
    """Lock it for this process alone. Raises OSError where another one has it."""
    try:
        import fcntl
    except ImportError:  # Windows has no such lock; the log works without it
        return
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _sync_folder(folder: Path) -> None:
    if hasattr(os, "O_DIRECTORY"):
        handle = os.open(folder, os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
