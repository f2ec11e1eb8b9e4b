"""What an extractor found, written at once to a file that is only ever appended to."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from thinkrec.errors import CheckpointError


class KeywordCache:
    """Key -> phrases as the extractor gave them, not cleaned: a change of the cleaning asks nothing anew.

    One JSON line per entry, handed to the system before `add` returns, so that a killed run loses at most what was
    under way. A last line that was torn by a kill is dropped when the file is read and cut off before anything is
    appended. The file may serve several extractors and settings. Without a path everything stays in memory.

        with cache:
            cache.add(key, phrases)
    """

    def __init__(self, path: Path | None = None) -> None:
        """Read what is there. Raises CheckpointError for a line, other than a torn last one, that is no entry."""
        self._path, self._file = path, None
        self._known: dict[str, tuple[str, ...]] = {}
        self._whole = 0  # bytes up to the end of the last whole line
        if path is not None and path.is_file():
            self._read_entries(path)

    def __contains__(self, key: str) -> bool:
        return key in self._known

    def __len__(self) -> int:
        return len(self._known)

    def get(self, key: str) -> tuple[str, ...] | None:
        """The phrases of a key, or None."""
        return self._known.get(key)

    def add(self, key: str, phrases: Sequence[str]) -> None:
        """Keep an entry; with a path only between `__enter__` and `__exit__`."""
        self._known[key] = tuple(phrases)
        if self._path is not None:
            assert self._file is not None, "use the cache in a with statement"
            line = json.dumps({"key": key, "phrases": list(phrases)}, ensure_ascii=True)
            self._file.write(line.encode("ascii") + b"\n")
            self._file.flush()

    def __enter__(self) -> KeywordCache:
        if self._path is not None:
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._file = self._open_file(self._path)
            except OSError as error:
                raise CheckpointError(
                    f"{self._path}: the cache of keywords cannot be opened ({error}); choose another --cache"
                ) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open_file(self, path: Path) -> BinaryIO:
        file = path.open("ab")
        if file.tell() > self._whole:
            self._read_entries(path)  # what another process has added since is kept
            if file.tell() > self._whole:
                file.truncate(self._whole)
        return file

    def _read_entries(self, path: Path) -> None:
        content = path.read_bytes()
        self._whole = content.rfind(b"\n") + 1
        for number, line in enumerate(content[: self._whole].split(b"\n")[:-1], 1):
            try:
                entry = json.loads(line)
                key, phrases = entry["key"], tuple(entry["phrases"])
                if not isinstance(key, str) or not all(isinstance(phrase, str) for phrase in phrases):
                    raise TypeError("key and phrases must be text")
            except (ValueError, KeyError, TypeError) as error:
                single = line.lstrip().startswith((b"{'", b"{ '"))
                hint = "; JSON has double quotes, and this line single ones, as Python prints" if single else ""
                raise CheckpointError(
                    f"{path}: line {number} is no entry of a keyword cache ({error}){hint}; remove the line, or "
                    "the file"
                ) from error
            self._known[key] = phrases
