"""The body of a chat completion, and what is to be made of an error: pure functions, no HTTP."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from thinkrec.teacher.answer import separate

PASSING_STATUS = (408, 409, 425, 429)
"""Besides all from 500 on: answers that another try may change."""
_MONEY_CODES = ("insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "insufficient_balance")


@dataclass(frozen=True)
class Reply:
    """One choice of a chat completion."""

    text: str
    reasoning: str
    cut: bool
    """Whether it ended at the length limit."""
    prompt_tokens: int | None
    completion_tokens: int | None
    """None where the endpoint does not count."""


class Damaged(ValueError):
    """The body is no chat completion: truncated JSON, an error in disguise, or something else altogether."""


def parse(body: str) -> Reply:
    """Read a chat completion. Raises Damaged saying what is wrong."""
    try:
        found = json.loads(body)
    except ValueError as error:
        raise Damaged(f"the answer is no complete JSON ({error})") from error
    if isinstance(found, dict) and found.get("error"):
        raise Damaged(f"the answer holds an error: {_message_of(found['error'])}")
    try:
        choice = found["choices"][0]
        message = choice["message"]
        content, field = message.get("content"), message.get("reasoning_content") or message.get("reasoning")
        finish = choice.get("finish_reason")
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise Damaged("the answer is JSON but no chat completion") from error
    said, thought = _parts(content)
    text, reasoning = separate(said, "\n\n".join(filter(None, [_parts(field)[0], thought])))
    counted = found.get("usage")
    usage: dict[str, Any] = counted if isinstance(counted, dict) else {}
    return Reply(text, reasoning, finish == "length", _count(usage, "prompt_tokens"),
                 _count(usage, "completion_tokens"))  # fmt: skip


def stops(status: int, body: Any) -> str | None:
    """Why an error status ends the whole run, or None where it does not."""
    codes = [str(body.get(name)) for name in ("code", "type")] if isinstance(body, Mapping) else []
    if status == 429 and any(code in _MONEY_CODES for code in codes):
        return "the account has no money left"
    return {
        401: "the key was refused",
        402: "payment is required",
        403: "access was denied",
        404: "there is no such address or model",
    }.get(status)


def passes(status: int) -> bool:
    """Whether an error status may be gone at another try."""
    return status in PASSING_STATUS or status >= 500


def _parts(content: Any) -> tuple[str, str]:
    """(text, reasoning) of a content that is a text, a list of parts, or nothing."""
    if isinstance(content, str):
        return content, ""
    said, thought = [], []
    for part in content if isinstance(content, list) else ():
        if isinstance(part, Mapping):
            kind = str(part.get("type"))
            words = part.get("text") or part.get(kind)
            into = thought if kind in ("thinking", "reasoning") else said
            into.append(words if isinstance(words, str) else _parts(words)[0])
    return "\n".join(filter(None, said)), "\n".join(filter(None, thought))


def _count(usage: Mapping[str, Any], name: str) -> int | None:
    value = usage.get(name)
    return int(value) if isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0 else None


def _message_of(error: Any) -> str:
    return str(error.get("message") or error) if isinstance(error, Mapping) else str(error)
