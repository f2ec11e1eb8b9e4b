"""The message of a chat completion: a text, a list of parts, or a stream of deltas; pure functions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

REASONING_FIELDS = (
    "reasoning_content",
    "reasoning",
    "thinking",
    "thoughts",
    "thought",
    "reasoning_text",
    "thinking_blocks",
    "reasoning_details",
)
"""Names under which endpoints hand over the reasoning beside the content; the first that holds a text counts."""
_PLAIN = ("text", "output_text", "input_text", "")
_LINE_END = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True)
class MessageParts:
    """The three kinds of words in a message."""

    answer: str
    reasoning: str
    refusal: str
    """In which words the model declined, where the message has a part or field for that."""


def read_message(message: Mapping[str, Any]) -> MessageParts:
    """The words of a message: its content, and what stands in fields beside it."""
    content = _split_content(message.get("content"))
    field = next(filter(None, (_extract_text(message.get(name)) for name in REASONING_FIELDS)), "")
    refused = message.get("refusal")
    thought = "\n\n".join(filter(None, [field, content.reasoning]))
    return MessageParts(
        content.answer, thought, refused if isinstance(refused, str) and refused.strip() else content.refusal
    )


def _split_content(content: Any) -> MessageParts:
    """The words of a text, a part, a list of both, or nothing. Pictures, calls and encrypted data have none."""
    if isinstance(content, str):
        return MessageParts(content, "", "")
    texts_by_kind: dict[str, list[str]] = {"answer": [], "reasoning": [], "refusal": []}
    for part in content if isinstance(content, list) else [content]:
        if isinstance(part, str):
            texts_by_kind["answer"].append(part)
        elif isinstance(part, Mapping):
            kind = str(part.get("type") or "")
            if kind == "refusal":
                texts_by_kind["refusal"].append(_extract_text(part.get("refusal") or part.get("text")))
            elif _is_reasoning(kind) or part.get("thought") is True:
                texts_by_kind["reasoning"].append(_extract_text(part))
            elif kind in _PLAIN:
                texts_by_kind["answer"].append(_extract_text(part))
    return MessageParts(*("\n".join(filter(None, texts)) for texts in texts_by_kind.values()))


def _is_reasoning(kind: str) -> bool:
    return kind.startswith("reasoning") or kind in ("thinking", "thought", "thoughts", "summary_text")


def _extract_text(value: Any) -> str:
    """All words of a text, a part or a list, whatever key holds them; data that is no text gives none."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "\n".join(filter(None, map(_extract_text, value)))
    if not isinstance(value, Mapping):
        return ""
    names = ("text", *REASONING_FIELDS, "summary", "content", "refusal")
    return next(filter(None, (_extract_text(value.get(name)) for name in names)), "")


# -- answers in pieces ---------------------------------------------------------------------------------------------


def is_stream(body: str) -> bool:
    """Whether a body is a stream of events instead of one JSON value."""
    head = body.lstrip()[:200]
    return head.startswith(("data:", "event:", ":", "id:", "retry:"))


def join_stream(body: str) -> dict[str, Any]:
    """The chat completion that a stream of server-sent events adds up to, as one with `choices` and `usage`.

    A stream that ends without a reason to finish and without [DONE] broke off: `finish_reason` is then missing, as it
    is in what an endpoint never ended. Raises ValueError where an event is no JSON.
    """
    message: dict[str, list[Any]] = {}
    choice: dict[str, Any] = {}
    whole: dict[str, Any] = {}
    ended = False
    for data in _split_events(body):
        if data == "[DONE]":
            ended = True
            continue
        event = json.loads(data)
        if not isinstance(event, dict):
            raise ValueError("an event of the stream is no object")
        whole |= {name: value for name, value in event.items() if name != "choices" and value is not None}
        for piece in event.get("choices") or []:
            if not isinstance(piece, dict) or piece.get("index") not in (None, 0):
                continue
            choice |= {k: v for k, v in piece.items() if k not in ("delta", "message") and v is not None}
            for name, value in (piece.get("delta") or piece.get("message") or {}).items():
                message.setdefault(name, []).append(value)
    if not ended and not choice.get("finish_reason") and "error" not in whole:
        raise ValueError("the stream broke off")
    return {**whole, "choices": [{**choice, "message": {k: _merge_deltas(v) for k, v in message.items()}}]}


def _split_events(body: str) -> Iterator[str]:
    # Not splitlines: JSON texts may hold other characters that it takes for the end of a line.
    data: list[str] = []
    for line in [*_LINE_END.split(body), ""]:
        name, _, value = line.partition(":")
        if name == "data":
            data.append(value.removeprefix(" "))
        elif not line and data:
            yield "\n".join(data)
            data = []


def _merge_deltas(pieces: list[Any]) -> Any:
    if all(isinstance(piece, str) or piece is None for piece in pieces):
        return "".join(filter(None, pieces)) or None
    return [part for piece in pieces for part in (piece if isinstance(piece, list) else [piece]) if part is not None]
