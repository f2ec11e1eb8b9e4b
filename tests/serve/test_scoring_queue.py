"""The queue: shared batches, a bound, deadlines, cancelled work, an end in order."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import numpy as np
import pytest
from support.simulated_lanes import ask

from thinkrec.data.query import Query
from thinkrec.serve.errors import CancelledRequestError, DeadlineError, QueueFullError, StoppingError
from thinkrec.serve.scoring_queue import ScoringQueue


class Gate:
    """A scorer that waits until it is let go, and writes down what it was asked together."""

    def __init__(self) -> None:
        self.open, self.begun = threading.Event(), threading.Event()
        self.sizes: list[list[int]] = []

    def score(self, queries: Sequence[Query]) -> list[np.ndarray]:
        self.sizes.append([len(query.candidates) for query in queries])
        self.begun.set()
        assert self.open.wait(10)
        if any(len(query.candidates) == 13 for query in queries):
            raise ValueError("thirteen")
        return [query.candidates.astype(float) for query in queries]


def test_what_waits_is_scored_together_and_long_questions_in_turn() -> None:
    gate = Gate()
    queue = ScoringQueue(gate.score, most_waiting=5000, batch=64)
    first = queue.submit([ask(1)])
    assert gate.begun.wait(10)
    jobs = [*first, *queue.submit([ask(100)]), *queue.submit([ask(5)]), *queue.submit([ask(7)])]
    assert queue.waiting == 112
    gate.open.set()
    assert [len(job.future.result(10)) for job in jobs] == [1, 100, 5, 7]
    assert jobs[1].future.result().tolist() == list(range(100))
    assert gate.sizes == [[1], [50], [5, 7], [50]]
    assert [job.company for job in jobs] == [1, 1, 2, 2]
    assert queue.close(10)


def test_a_free_lane_does_not_wait_for_a_batch_under_way() -> None:
    gate, prepared = Gate(), []
    queue = ScoringQueue(
        gate.score, most_waiting=100, batch=64, lanes=2, prepare_lane=lambda: prepared.append(threading.get_ident())
    )
    assert len(set(prepared)) == 2
    both = threading.Barrier(3)

    def score(queries: Sequence[Query]) -> list[np.ndarray]:
        both.wait(10)
        return gate.score(queries)

    queue._score = score
    jobs = [*queue.submit([ask(2)]), *queue.submit([ask(3)])]
    both.wait(10)  # reached only where both lanes score at the same time
    gate.open.set()
    assert [len(job.future.result(10)) for job in jobs] == [2, 3]
    assert queue.close(10)


def test_a_full_queue_refuses_and_says_when_to_come_back() -> None:
    gate = Gate()
    queue = ScoringQueue(gate.score, most_waiting=10, batch=14)
    queue.submit([ask(4)])
    assert gate.begun.wait(10)
    queue.submit([ask(8)])
    with pytest.raises(QueueFullError) as caught:
        queue.submit([ask(3)])
    assert caught.value.retry_after >= 1
    gate.open.set()
    assert queue.close(10)


def test_what_would_wait_too_long_by_the_speed_so_far_is_refused() -> None:
    gate = Gate()
    queue = ScoringQueue(gate.score, most_waiting=5000, batch=64, longest_wait=0.5)
    gate.open.set()
    queue.submit([ask(50)])[0].future.result(10)
    gate.open.clear()
    queue._speed = 100.0
    gate.begun.clear()
    queue.submit([ask(30)])
    assert gate.begun.wait(10)
    assert queue.estimate_wait() == pytest.approx(0.4)  # with the cost of a question
    queue.submit([ask(200)])
    with pytest.raises(QueueFullError, match=r"0\.5 seconds") as caught:
        queue.submit([ask(1)])
    assert caught.value.retry_after == 3
    gate.open.set()
    assert queue.close(10)


def test_a_slow_spell_does_not_last() -> None:
    gate = Gate()
    queue = ScoringQueue(gate.score, most_waiting=5000, batch=64)
    gate.open.set()
    queue._speed = 0.1  # as after a minute in which the machine did something else
    (job,) = queue.submit([ask(200)], time.monotonic() + 5)
    assert len(job.future.result(10)) == 200
    assert queue._speed > 0.1, "the speed is measured anew by what is taken"
    gate.open.clear()
    gate.begun.clear()
    queue._speed = 100.0
    queue.submit([ask(30)])
    assert gate.begun.wait(10)
    with pytest.raises(QueueFullError, match="the deadline would pass"):
        queue.submit([ask(200)], time.monotonic() + 1)
    gate.open.set()
    assert queue.close(10)


def test_expired_and_cancelled_questions_are_not_scored() -> None:
    gate = Gate()
    queue = ScoringQueue(gate.score, most_waiting=100, batch=50)
    queue.submit([ask(1)])
    assert gate.begun.wait(10)
    (late,), gone = queue.submit([ask(2)], time.monotonic() + 0.01), queue.submit([ask(3)])
    queue.cancel(gone)
    time.sleep(0.02)
    gate.open.set()
    assert queue.close(10)
    with pytest.raises(DeadlineError):
        late.future.result(0)
    with pytest.raises(CancelledRequestError):
        gone[0].future.result(0)
    assert gate.sizes == [[1]]
    assert queue.waiting == 0


def test_one_bad_question_fails_alone_and_the_end_finishes_what_was_taken() -> None:
    gate = Gate()
    queue = ScoringQueue(gate.score, most_waiting=100, batch=50)
    queue.submit([ask(1)])
    assert gate.begun.wait(10)
    good, bad = queue.submit([ask(2), ask(13)])
    gate.open.set()
    assert queue.close(10)
    assert good.future.result(0).tolist() == [0, 1]
    with pytest.raises(ValueError, match="thirteen"):
        bad.future.result(0)
    with pytest.raises(StoppingError):
        queue.submit([ask(1)])
