"""A teacher that answers from a function, for the extractor that asks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from thinkrec.teacher.client import NOTHING, Answer, Question


class StandIn:
    """`Teacher` by a function of the user's message: text, None (a failure), or an exception to raise."""

    def __init__(self, reply: Callable[[str], str | Exception | None], name: str = "stand-in") -> None:
        self.name, self._reply = name, reply
        self.asked: list[str] = []

    def ask(self, questions: Sequence[Question], done: Callable[[Question, Answer], None]) -> None:
        for question in questions:
            text = question.messages[-1].text
            self.asked.append(text)
            found = self._reply(text)
            if isinstance(found, Exception):
                raise found
            done(question, Answer(found or "", "", NOTHING, 0.0, "no answer" if found is None else None))
