"""The phrases that an extractor gave, written at once to a file that is only ever appended to."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from thinkrec.errors import CheckpointError
from thinkrec.io.append_log import AppendLog


class KeywordCache:
    """Key -> phrases as the extractor gave them, not cleaned: a change of the cleaning asks nothing anew.

    One JSON line per entry, handed to the system before `add` returns, so that a killed run loses at most what was
    under way; see `AppendLog`. The file may serve several extractors and settings. Without a path everything stays in
    memory.

        with cache:
            cache.add(key, phrases)
    """

    def __init__(self, path: Path | None = None) -> None:
        """Read what is there. Raises CheckpointError for a line, other than a torn last one, that is no entry."""
        self._phrases: dict[str, tuple[str, ...]] = {}
        self._log = None if path is None else AppendLog(path, _parse_entry, lambda *line: _make_line_error(path, *line))
        self._read_log()

    def __contains__(self, key: str) -> bool:
        """Whether the phrases of a key are known."""
        return key in self._phrases

    def __len__(self) -> int:
        """How many keys are known."""
        return len(self._phrases)

    def get(self, key: str) -> tuple[str, ...] | None:
        """The phrases of a key, or None."""
        return self._phrases.get(key)

    def add(self, key: str, phrases: Sequence[str]) -> None:
        """Keep an entry; with a path only between `__enter__` and `__exit__`."""
        self._phrases[key] = tuple(phrases)
        if self._log is not None:
            entry = {"key": key, "phrases": list(phrases)}
            self._log.append_line(json.dumps(entry, ensure_ascii=True).encode("ascii"))

    def __enter__(self) -> KeywordCache:
        """Open the file for writing; what another process has added since is read too."""
        if self._log is not None:
            try:
                self._log.open()
            except OSError as error:
                raise CheckpointError(
                    f"{self._log.path}: the cache of keywords cannot be opened ({error}); choose another --cache"
                ) from error
            self._read_log()
            self._log.mend_last_line()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        if self._log is not None:
            self._log.close()

    def _read_log(self) -> None:
        if self._log is not None:
            self._phrases.update(self._log.read_entries())


def _parse_entry(line: bytes) -> tuple[str, tuple[str, ...]]:
    entry = json.loads(line)
    key, phrases = entry["key"], tuple(entry["phrases"])
    if not isinstance(key, str) or not all(isinstance(phrase, str) for phrase in phrases):
        raise TypeError("key and phrases must be text")
    return key, phrases


def _make_line_error(path: Path, number: int, reason: str) -> CheckpointError:
    return CheckpointError(
        f"{path}: line {number} is no entry of a keyword cache {reason}; remove the line, or the file"
    )
