"""The append-only store of attempts: one JSON line each, on disk before anything else happens."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import Any

from thinkrec.errors import DataError
from thinkrec.reasons.config import RENAMED_POLICIES
from thinkrec.teacher.client import NOTHING, Answer, Question, Usage

_SINGLE = re.compile(rb"\s*\{\s*'")


@dataclass(frozen=True)
class Attempt:
    """One answer, or one failure to get one, and what it was an answer to."""

    key: str
    """Hash of (row, prompt, teacher, policy)."""
    order: int
    user_id: int | str
    item_id: int | str
    teacher: str
    policy: str
    kind: str
    """What was asked: first, retry, retry_with_label, or form (only that the answer must open with Yes or No)."""
    hinted: bool
    """Whether the conversation told the outcome."""
    text: str
    reasoning: str
    failure: str | None
    """Why there is no answer."""
    cut: bool
    prompt_tokens: int
    completion_tokens: int
    cost: float
    requests: int
    seconds: float
    time: str
    """When it was written down, UTC."""
    refused: str | None = None
    """By what name a filter of content or the model declined; such a failure is final."""

    @property
    def usage(self) -> Usage:
        """What it took."""
        return Usage(self.prompt_tokens, self.completion_tokens, self.cost, self.requests)


def make_attempt(question: Question, answer: Answer, time: str, **about: Any) -> Attempt:
    """An attempt from what went out and came back; `about` holds the fields neither knows."""
    usage = answer.usage
    return Attempt(key=question.key, text=answer.text, reasoning=answer.reasoning, failure=answer.failure,
                   cut=answer.is_truncated, prompt_tokens=usage.prompt_tokens, completion_tokens=usage.completion_tokens,
                   cost=usage.cost, requests=usage.requests, seconds=round(answer.seconds, 3), time=time,
                   refused=answer.refusal, **about)  # fmt: skip


class AttemptStore:
    """`with AttemptStore(path) as store`: reads what is there, then only ever appends.

    Every line is synced to disk before `add` returns. What a kill leaves behind is at most one incomplete last line; it
    is cut off when the store is opened again, and every complete line stays. One process at a time writes to a store.
    """

    def __init__(self, path: Path, *, write: bool = True) -> None:
        """`write`: False reads alone, makes no file and repairs nothing.

        Raises DataError if a line that is not the last one is damaged, or another run has the store open.
        """
        self.path = path
        self._file: int | None = None
        if write:
            self._open_file()
        try:
            self.attempts: list[Attempt] = self._read_attempts(repair=write)
        except BaseException:
            self.close()
            raise
        self._answered = {found.key: found for found in reversed(self.attempts) if found.failure is None}
        self._refused = {found.key: found for found in self.attempts if found.refused is not None}

    def __enter__(self) -> AttemptStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file; may be called again."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def get_answer(self, key: str) -> Attempt | None:
        """The answer to a question, if there is one; failures are none."""
        return self._answered.get(key)

    def get_refusal(self, key: str) -> Attempt | None:
        """How a question was refused, if it was: asking it again would be in vain."""
        return self._refused.get(key)

    def add(self, found: Attempt) -> None:
        """Append one attempt; on disk when this returns."""
        assert self._file is not None, "the store was opened for reading"
        line = json.dumps(asdict(found), ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"
        _write_line(self._file, line)
        self.attempts.append(found)
        if found.failure is None:
            self._answered.setdefault(found.key, found)
        if found.refused is not None:
            self._refused[found.key] = found

    def sum_usage(self, teacher: str) -> Usage:
        """What all attempts of a teacher took, over all starts."""
        return sum((found.usage for found in self.attempts if found.teacher == teacher), NOTHING)

    def _open_file(self) -> None:
        fresh = not self.path.exists()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o644)
        except OSError as error:
            raise DataError(f"{self.path}: the store cannot be opened ({error}); choose another --store") from error
        _lock_file(self._file, self.path)
        if fresh:
            _sync_folder(self.path.parent)

    def _read_attempts(self, repair: bool) -> list[Attempt]:
        if not self.path.is_file():
            return []
        whole = self.path.read_bytes()
        found, end = [], 0
        for number, line in enumerate(_split_lines(whole), start=1):
            complete, last = line.endswith(b"\n"), end + len(line) == len(whole)
            try:
                found.append(_parse_attempt(line))
            except (ValueError, TypeError) as error:
                if last and not complete:
                    break
                single = _SINGLE.match(line) is not None
                hint = "; JSON has double quotes, and this line single ones, as Python prints" if single else ""
                raise DataError(
                    f"{self.path}: line {number} is no attempt ({error}){hint}; restore the file, or take that line out"
                ) from error
            end += len(line)
        if repair and self._file is not None and len(whole):
            if end < len(whole):
                os.ftruncate(self._file, end)
            if end and whole[end - 1 : end] != b"\n":
                # All of the last line came through but its end.
                _write_line(self._file, b"\n")
            os.fsync(self._file)
        return found


def _split_lines(whole: bytes) -> Iterator[bytes]:
    # Not splitlines: texts may hold other characters that it takes for the end of a line.
    begin = 0
    while begin < len(whole):
        end = whole.find(b"\n", begin) + 1 or len(whole)
        yield whole[begin:end]
        begin = end


def _parse_attempt(line: bytes) -> Attempt:
    content = json.loads(line.decode("utf-8", "surrogatepass"))
    if not isinstance(content, dict):
        raise ValueError("it holds no keys and values")
    known = {field.name for field in fields(Attempt)}
    values = {name: value for name, value in content.items() if name in known}
    older = {
        name: RENAMED_POLICIES[value] for name in ("policy", "kind") if (value := values.get(name)) in RENAMED_POLICIES
    }
    return Attempt(**{**values, **older})


def _write_line(file: int, line: bytes) -> None:
    while line:
        line = line[os.write(file, line) :]
    os.fsync(file)


def _lock_file(file: int, path: Path) -> None:
    try:
        import fcntl
    except ImportError:  # Windows has no such lock; the store works without it
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(file)
        raise DataError(
            f"{path}: another run is writing to this store; wait for it or choose another --store"
        ) from error


def _sync_folder(folder: Path) -> None:
    if hasattr(os, "O_DIRECTORY"):
        handle = os.open(folder, os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
