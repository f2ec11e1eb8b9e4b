"""Reasons keep their deadline: the rules write where the model is late or busy."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from thinkrec.data.query import Query
from thinkrec.score.reason_writer import ReasonWriter, WrittenReason
from thinkrec.serve import reasons
from thinkrec.serve.histories import build_past
from thinkrec.serve.model import ServedModel
from thinkrec.serve.reasons import CHUNK, ReasonDesk, check_reason
from thinkrec.serve.service import RecommenderService
from thinkrec.serve.values import Change


class SlowWriter:
    """In the place of the model: writes when it is let go, and notes what it was asked together."""

    def __init__(self) -> None:
        self.open, self.asked = threading.Event(), list[int]()

    def write(self, queries: Sequence[Query], scores: np.ndarray, ask: object) -> list[WrittenReason]:
        self.asked.append(len(queries))
        assert self.open.wait(10)
        return [WrittenReason("Yes.", "model") for _ in scores]


@pytest.fixture
def model(service: RecommenderService) -> ServedModel:
    return service.loaded.model


@pytest.fixture
def query(model: ServedModel) -> Query:
    return replace(build_past(model, 1, ()).query, candidates=np.array([2]))


def test_a_late_reason_is_the_rules_and_the_next_is_not_held_up_by_it(
    model: ServedModel, query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, desk, write = SlowWriter(), ReasonDesk(1), model.get_writer
    monkeypatch.setattr(reasons, "find_prose_faults", lambda *args: [None] * len(args[-1]))
    monkeypatch.setattr(model, "get_writer", lambda choice: write("rules") if choice == "rules" else slow)
    write("rules").explain_query(query, np.ones(1))  # what is made once is made now
    begun = time.monotonic()
    (late,) = desk.write(model, [query], np.ones(1), "model", begun + 0.2)
    assert 0.2 <= time.monotonic() - begun < 5
    assert (late.writer == "model", late.fallback) == (False, "deadline")
    # The late one still goes on, so that nobody else may wait.
    assert desk.write(model, [query], np.ones(1), "model", time.monotonic() + 5)[0].fallback == "busy"
    assert desk.fallbacks == {"busy": 1, "deadline": 1}
    slow.open.set()
    desk.close()


def use_writer(monkeypatch: pytest.MonkeyPatch, model: ServedModel) -> SlowWriter:
    """An open writer in the place of the model's."""
    slow, write = SlowWriter(), model.get_writer
    slow.open.set()
    monkeypatch.setattr(reasons, "find_prose_faults", lambda *args: [None] * len(args[-1]))
    monkeypatch.setattr(model, "get_writer", lambda choice: write("rules") if choice == "rules" else slow)
    return slow


def test_what_was_written_before_is_not_written_again(
    model: ServedModel, query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, desk = use_writer(monkeypatch, model), ReasonDesk()
    other = replace(query, candidates=np.array([3]))
    (first,) = desk.write(model, [query], np.ones(1), "model", None)
    assert desk.write(model, [query, other], np.ones(2), "model", None)[0] == first
    assert slow.asked == [1, 1]
    # Another verdict, another choice and another history are other questions.
    desk.write(model, [query], -np.ones(1), "model", None)
    desk.write(model, [query], np.ones(1), "auto", None)
    desk.write(model, [query.flip_labels(np.array([0]))], np.ones(1), "model", None)
    assert slow.asked == [1] * 5 and len(desk.known) == 5
    desk.close()


def test_reasons_of_one_request_are_written_together_as_long_as_somebody_waits(
    model: ServedModel, query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, desk = use_writer(monkeypatch, model), ReasonDesk()
    many = [replace(query, candidates=np.array([n])) for n in range(2 * CHUNK + 1)]
    assert len(desk.write(model, many[:2], np.ones(2), "model", None)) == 2
    assert len(desk.write(model, many, np.ones(len(many)), "model", None)) == len(many)
    assert slow.asked == [2, CHUNK, CHUNK - 1]
    slow.open.clear()
    late = [replace(one, candidates=one.candidates + 20) for one in many]
    assert desk.write(model, late, np.ones(len(late)), "model", time.monotonic() + 0.2)[0].fallback == "deadline"
    slow.open.set()
    desk._worker.shutdown(wait=True)
    assert slow.asked[3:] == [CHUNK]  # the chunks behind that one were given up


def test_a_changed_history_and_the_one_before_get_their_reasons_together(
    service: RecommenderService, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = use_writer(monkeypatch, service.loaded.model)
    line = service.explain(1, 3, reason="none").history[-1]
    change = Change(line.item, not line.liked)
    both = service.compare_what_if(1, changes=[change], candidates=[3], item=3, reason="model")
    assert both.before is not None and both.after is not None
    assert both.before.reason is not None and both.before.reason.writer == "model"
    assert slow.asked == [2]
    service.explain(2, 3, reason="model")
    service.compare_what_if(2, changes=[Change(3, True)], candidates=[3], item=3, reason="model")
    assert slow.asked == [2, 1, 1]  # that of the unchanged history is known


def test_what_auto_would_not_show_is_said_of_what_the_model_was_asked_for(
    model: ServedModel, query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = ReasonDesk()
    monkeypatch.setattr(reasons, "find_prose_faults", lambda *args: ["a word twice in a row (is is)"])
    (asked,) = desk.write(model, [query], np.ones(1), "model", None)
    assert asked.writer == "model" and asked.faults[-1] == (
        "it would not be shown by itself: a word twice in a row (is is)"
    )
    assert desk.write(model, [query], np.ones(1), "model", None) == [asked]  # also where it is known
    (auto,) = desk.write(model, [query], np.ones(1), "auto", None)
    assert not any("by itself" in fault for fault in auto.faults)
    desk.close()


def test_what_does_not_hold_is_named(model: ServedModel, query: Query) -> None:
    assert isinstance(model.get_writer("rules"), ReasonWriter)
    good = check_reason(model, query, 0, model.get_writer("rules").explain_query(query, np.ones(1))[0])
    assert good.grounded and not good.faults
    bad = check_reason(model, query, 0, WrittenReason('Yes. It is like "No Such Film At All".', "model"))
    assert not bad.grounded and bad.faults
