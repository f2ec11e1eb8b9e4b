"""Reasons keep their deadline: the rules write where the model is late or busy."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from thinkrec.data.query import Query
from thinkrec.score.reason_writer import ReasonWriter, WrittenReason
from thinkrec.serve.histories import build_past
from thinkrec.serve.model import ServedModel
from thinkrec.serve.reasons import ReasonDesk, check_reason
from thinkrec.serve.service import RecommenderService


class SlowWriter:
    """In the place of the model: writes when it is let go."""

    def __init__(self) -> None:
        self.open = threading.Event()

    def explain_query(self, query: Query, scores: np.ndarray) -> list[WrittenReason]:
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
    monkeypatch.setattr(model, "get_writer", lambda choice: write("rules") if choice == "rules" else slow)
    begun = time.monotonic()
    (late,) = desk.write(model, query, np.ones(1), "model", begun + 0.2)
    assert 0.2 <= time.monotonic() - begun < 5
    assert (late.writer == "model", late.fallback) == (False, "deadline")
    # The late one still goes on, so that nobody else may wait.
    assert desk.write(model, query, np.ones(1), "model", time.monotonic() + 5)[0].fallback == "busy"
    assert desk.fallbacks == {"busy": 1, "deadline": 1}
    slow.open.set()
    desk.close()


def test_what_does_not_hold_is_named(model: ServedModel, query: Query) -> None:
    assert isinstance(model.get_writer("rules"), ReasonWriter)
    good = check_reason(model, query, 0, model.get_writer("rules").explain_query(query, np.ones(1))[0])
    assert good.grounded and not good.faults
    bad = check_reason(model, query, 0, WrittenReason('Yes. It is like "No Such Film At All".', "model"))
    assert not bad.grounded and bad.faults
