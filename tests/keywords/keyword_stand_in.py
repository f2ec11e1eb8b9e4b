"""A teacher that answers from a function, for the extractor that asks."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest


@dataclass(frozen=True)
class Usage:
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float = 0.0


@dataclass(frozen=True)
class Message:
    role: str
    text: str


@dataclass(frozen=True)
class Question:
    key: str
    messages: tuple[Message, ...]
    row: int | None = None


@dataclass(frozen=True)
class Answer:
    text: str
    reasoning: str = ""
    usage: Usage = Usage()
    seconds: float = 0.0
    failure: str | None = None


class StandIn:
    """`Teacher` by a function of the user's message: text, None (a failure), or an exception to raise."""

    def __init__(self, reply: Callable[[str], str | Exception | None], name: str = "stand-in") -> None:
        self.name, self._reply = name, reply
        self.asked: list[str] = []

    def ask(self, questions: Sequence[Any], done: Callable[[Any, Any], None]) -> None:
        for question in questions:
            text = question.messages[-1].text
            self.asked.append(text)
            found = self._reply(text)
            if isinstance(found, Exception):
                raise found
            done(question, Answer(found or "", failure="no answer" if found is None else None))


def provide_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Questions and messages of the teacher room, or stand-ins of the same shape where it is not there."""
    if importlib.util.find_spec("thinkrec.teacher") is not None:
        return
    room, client = ModuleType("thinkrec.teacher"), ModuleType("thinkrec.teacher.client")
    client.Question, client.Message = Question, Message  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "thinkrec.teacher", room)
    monkeypatch.setitem(sys.modules, "thinkrec.teacher.client", client)
