"""Questions, answers and usage, and the protocol that all teachers satisfy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

from thinkrec.errors import ThinkRecError
from thinkrec.io.hashing import hash_content


@dataclass(frozen=True)
class Message:
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    text: str


@dataclass(frozen=True)
class Question:
    """A conversation that waits for the teacher's next turn."""

    key: str
    """Content hash, by which answers are stored and found again."""
    messages: tuple[Message, ...]
    row: int | None = None
    """The row it is about, for teachers that read the data instead of the words (rules)."""


@dataclass(frozen=True)
class Usage:
    """Tokens, cost and requests of an answer, retries included."""

    prompt_tokens: int
    completion_tokens: int
    cost: float
    """In the currency of the configured prices; 0 without prices."""
    requests: int = 1
    """Requests sent, retries included."""

    def __add__(self, other: Usage) -> Usage:
        """The sum of both."""
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.cost + other.cost,
            self.requests + other.requests,
        )

    @property
    def tokens(self) -> int:
        """Prompt and completion together."""
        return self.prompt_tokens + self.completion_tokens


NOTHING = Usage(0, 0, 0.0, 0)
"""No usage."""


@dataclass(frozen=True)
class Answer:
    """The reply of a teacher, or the cause of its failure."""

    text: str
    """The answer without the reasoning."""
    reasoning: str
    """From the reasoning field, or from a <think> block, or ""."""
    usage: Usage
    seconds: float
    """Time under way, retries included; waiting for a turn does not count."""
    failure: str | None = None
    """Why there is no answer, once all retries are used up."""
    is_truncated: bool = False
    """Whether the text stopped at the length limit instead of by itself."""
    refusal: str | None = None
    """The code by which a filter of content or the model itself declined (content_filter, SAFETY, refusal); `failure`
    says it in words, and the same question would be declined again."""


class TeacherStoppedError(ThinkRecError, RuntimeError):
    """The teacher can go on with no question at all: refused (401, 402, 403), a budget is spent, or nothing answers."""

    def __init__(self, message: str, *, budget: bool = False) -> None:
        """`budget`: whether a budget that the user set is spent."""
        super().__init__(message)
        self.budget = budget
        """Whether a budget that the user set ended it, which is no error."""


OnAnswer = Callable[[Question, Answer], None]
"""Takes an answer; writes it down before anything else."""


@runtime_checkable
class Teacher(Protocol):
    """Answers questions."""

    name: str
    """Kind, model and the settings that change answers. It goes into the hash of a question."""

    def ask(self, questions: Sequence[Question], on_answer: OnAnswer) -> None:
        """Answer all questions, in any order.

        Calls `on_answer` once per question as soon as its answer is there, from one thread at a time. Whatever
        `on_answer` raises ends the asking and passes through. Raises TeacherStoppedError after `on_answer` was called
        for everything that was answered; questions without a call were not answered and may be asked again.
        """
        ...


def make_question(
    row_key: Any, messages: Sequence[Message], teacher: str, policy: str, row: int | None = None
) -> Question:
    """A question whose key is the hash of (row, prompt, teacher, policy).

    Args:
        row_key: plain values that identify the row for good, such as its user id, item id and time.
        messages: the conversation so far.
        teacher: the name of the teacher.
        policy: what follows a wrong verdict.
        row: the row's number, for teachers that read the data.
    """
    words = [(message.role, message.text) for message in messages]
    return Question(hash_content(row_key, words, teacher, policy), tuple(messages), row)


def estimate_tokens(messages: Sequence[Message]) -> int:
    """About how many tokens a prompt has: one per four bytes of UTF-8, and four per message for its frame.

    For English text this is within about a fifth for common tokenizers; scripts of three bytes a letter come to three
    quarters of a token per letter.
    """
    return sum(4 + -(-len(message.text.encode()) // 4) for message in messages)
