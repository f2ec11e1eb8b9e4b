"""The append-only store of attempts: one JSON line each, on disk before anything else happens."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from thinkrec.errors import DataError
from thinkrec.io.append_log import AppendLog, LogLockedError
from thinkrec.reasons.config import RENAMED_POLICIES
from thinkrec.teacher.client import NOTHING, Answer, Question, Usage


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
    return Attempt(
        key=question.key,
        text=answer.text,
        reasoning=answer.reasoning,
        failure=answer.failure,
        cut=answer.is_truncated,
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        cost=usage.cost,
        requests=usage.requests,
        seconds=round(answer.seconds, 3),
        time=time,
        refused=answer.refusal,
        **about,
    )


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
        self._log = AppendLog(path, _parse_attempt, self._make_line_error, sync=True, exclusive=True)
        if write:
            self._open_log()
        try:
            self.attempts: list[Attempt] = self._log.read_entries()
            if write:
                self._log.mend_last_line()
        except BaseException:
            self.close()
            raise
        self._answered = {attempt.key: attempt for attempt in reversed(self.attempts) if attempt.failure is None}
        self._refused = {attempt.key: attempt for attempt in self.attempts if attempt.refused is not None}

    def __enter__(self) -> AttemptStore:
        """Nothing more: a store is open from its making."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Let go of the file; may be called again."""
        self._log.close()

    def get_answer(self, key: str) -> Attempt | None:
        """The answer to a question, if there is one; failures are none."""
        return self._answered.get(key)

    def get_refusal(self, key: str) -> Attempt | None:
        """How a question was refused, if it was: asking it again would be in vain."""
        return self._refused.get(key)

    def add(self, attempt: Attempt) -> None:
        """Append one attempt; on disk when this returns."""
        self._log.append_line(json.dumps(asdict(attempt), ensure_ascii=False).encode("utf-8", "surrogatepass"))
        self.attempts.append(attempt)
        if attempt.failure is None:
            self._answered.setdefault(attempt.key, attempt)
        if attempt.refused is not None:
            self._refused[attempt.key] = attempt

    def sum_usage(self, teacher: str) -> Usage:
        """What all attempts of a teacher took, over all starts."""
        return sum((attempt.usage for attempt in self.attempts if attempt.teacher == teacher), NOTHING)

    def _open_log(self) -> None:
        try:
            self._log.open()
        except LogLockedError as error:
            raise DataError(
                f"{self.path}: another run is writing to this store; wait for it or choose another --store"
            ) from error
        except OSError as error:
            raise DataError(f"{self.path}: the store cannot be opened ({error}); choose another --store") from error

    def _make_line_error(self, number: int, reason: str) -> DataError:
        return DataError(f"{self.path}: line {number} is no attempt {reason}; restore the file, or take that line out")


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
