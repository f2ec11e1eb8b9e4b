"""The suite that every teacher passes; a test file names how to make one and calls this."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence

import pytest

from thinkrec.teacher.client import Answer, Message, Question, Teacher, TeacherStoppedError, make_question


def asked(n: int, rows: Sequence[int] | None = None, words: str = "Would they like it?") -> list[Question]:
    """`n` questions that differ, about the first rows of the data."""
    numbers = list(range(n)) if rows is None else list(rows)
    return [make_question(row, (Message("user", f"{words} {row} |"),), "t", "drop", row) for row in numbers]


def check_teacher(make: Callable[[], Teacher], rows: Sequence[int]) -> None:
    """Everything a `Teacher` promises. `rows`: at least five row numbers of its data, if it has any."""
    teacher = make()
    assert isinstance(teacher, Teacher)
    assert teacher.name and teacher.name == make().name, "the name goes into hashes: it has to stay"

    calls: list[tuple[str, Answer]] = []
    inside, threads = threading.Lock(), set()

    def done(ask: Question, answer: Answer) -> None:
        assert inside.acquire(blocking=False), "done is called from one thread at a time"
        threads.add(threading.get_ident())
        calls.append((ask.key, answer))
        inside.release()

    teacher.ask([], done)
    assert calls == []

    questions = asked(len(rows), rows)
    teacher.ask(questions, done)
    assert Counter(key for key, _ in calls) == Counter(ask.key for ask in questions), "done is called once each"
    for _, answer in calls:
        assert isinstance(answer.text, str) and isinstance(answer.reasoning, str)
        assert (answer.failure is None) == bool(answer.text), "an answer has text, a failure none"
        assert answer.usage.prompt_tokens >= 0 and answer.usage.completion_tokens >= 0
        assert answer.usage.cost >= 0 and answer.seconds >= 0

    again: list[str] = []
    teacher.ask(questions[:2], lambda ask, _: again.append(ask.key))
    assert sorted(again) == sorted(ask.key for ask in questions[:2]), "a teacher can be asked again"

    class FullError(Exception):
        pass

    heard: list[str] = []

    def refuse(ask: Question, answer: Answer) -> None:
        heard.append(ask.key)
        raise FullError

    with pytest.raises(FullError):
        make().ask(questions, refuse)
    assert len(heard) == 1, "nothing goes on where an answer could not be written down"


def check_budget(make: Callable[[int], Teacher], rows: Sequence[int]) -> None:
    """`make(n)`: a teacher with a budget of n requests. It stops cleanly, after n answers, and says what to do."""
    calls: list[Question] = []
    with pytest.raises(TeacherStoppedError, match="raise it") as stopped:
        make(3).ask(asked(len(rows), rows), lambda ask, _: calls.append(ask))
    assert stopped.value.budget
    assert len({ask.key for ask in calls}) == len(calls) == 3
