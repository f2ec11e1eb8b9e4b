"""Questions of many requests, scored by a few threads (lanes).

A lane takes what is next in turn (`BatchOrder`), scores it in one call, answers, and takes again: an idle service
answers at once, and a request waits for no batch that it is not part of once a lane is free. What is past its deadline
or was cancelled leaves the queue unscored.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from thinkrec.data.query import Query
from thinkrec.serve.batch_order import Batch, BatchOrder
from thinkrec.serve.errors import CancelledRequestError, DeadlineError, QueueFullError, StoppingError
from thinkrec.serve.score_job import QUESTION, ScoreJob

LOGGER = logging.getLogger("thinkrec.serve")

ScoreQueries = Callable[[Sequence[Query]], list[np.ndarray]]
"""Queries -> float64 (c,) each."""


@dataclass
class QueueCounts:
    """What happened so far; read by the metrics."""

    batches: int = 0
    questions: int = 0
    candidates: int = 0
    refused: int = 0
    expired: int = 0
    cancelled: int = 0
    failed: int = 0
    seconds: float = 0.0
    """Spent scoring, of all lanes together."""


class ScoringQueue:
    """Gathers questions and has them scored by its lanes."""

    def __init__(
        self,
        score: ScoreQueries,
        *,
        most_waiting: int,
        batch: int,
        lanes: int = 1,
        longest_wait: float | None = None,
        prepare_lane: Callable[[], None] | None = None,
        count_misses: Callable[[], int] | None = None,
    ) -> None:
        """Start the lanes; returns when all of them are prepared.

        Args:
            score: called from the lanes alone, by each at the same time as by others.
            most_waiting: candidates that may wait; a question that finds more is refused.
            batch: cost of one batch, at most (`BatchOrder`).
            lanes: threads that score.
            longest_wait: seconds; a question that would wait longer for its turn, by the speed so far, is refused.
            prepare_lane: called first in each lane.
            count_misses: prefixes that the calling thread had to compute so far.
        """
        self._score, self._most_waiting, self._longest_wait = score, most_waiting, longest_wait
        self._order = BatchOrder(batch, self._drop_job)
        self._condition = threading.Condition()
        self._in_work = self._busy = 0
        self._is_closing = False
        self._speed: float | None = None  # cost per second of one lane, smoothed
        self._count_misses = count_misses or (lambda: 0)
        self.counts = QueueCounts()
        prepared = threading.Barrier(lanes + 1)
        self._lanes = [
            threading.Thread(
                target=self._work, args=(prepare_lane, prepared), name=f"thinkrec-scoring-{n}", daemon=True
            )
            for n in range(lanes)
        ]
        for lane in self._lanes:
            lane.start()
        prepared.wait()

    @property
    def waiting(self) -> int:
        """Candidates that are not handed to the scorer yet."""
        return self._order.candidates

    def estimate_wait(self, more: int = 0) -> float:
        """Seconds until what came before and `more` (a cost) are scored, by the speed so far; 0 without one."""
        return 0.0 if not self._speed else (self._order.cost + self._in_work + more) / (self._speed * len(self._lanes))

    def submit(self, queries: Sequence[Query], deadline: float | None = None) -> list[ScoreJob]:
        """Take questions, all or none; their futures hold the scores.

        Raises QueueFullError where too much waits or the deadline cannot be met, StoppingError after `close`.
        """
        jobs = [ScoreJob(query, deadline, scores=np.zeros(len(query.candidates))) for query in queries]
        with self._condition:
            if self._is_closing:
                raise StoppingError("the service is stopping and takes no new requests; ask another one", 5.0)
            if (why := self._explain_refusal(jobs, deadline)) is not None:
                self.counts.refused += 1
                raise QueueFullError(why, self._suggest_retry())
            for job in jobs:
                if job.size:
                    self._order.add(job)
                else:
                    job.finish(job.scores)
            self._condition.notify(len(self._lanes))
        return jobs

    def cancel(self, jobs: Sequence[ScoreJob]) -> None:
        """Nobody waits for these any more: what is not scored yet is left out."""
        for job in jobs:
            job.finish(CancelledRequestError("the request was cancelled"))

    def close(self, timeout: float | None = None) -> bool:
        """Take nothing new, finish what was taken, end the lanes; returns whether all was done within `timeout`."""
        with self._condition:
            self._is_closing = True
            self._condition.notify_all()
        end = None if timeout is None else time.monotonic() + timeout
        for lane in self._lanes:
            lane.join(None if end is None else max(0.0, end - time.monotonic()))
        return not any(lane.is_alive() for lane in self._lanes)

    def _explain_refusal(self, jobs: Sequence[ScoreJob], deadline: float | None) -> str | None:
        size, waiting = sum(job.size for job in jobs), self.waiting
        # A question larger than the queue is taken where nothing waits, else it never could be.
        if waiting and waiting + size > self._most_waiting:
            return f"{waiting} candidates wait and {self._most_waiting} may; try again later, or ask for fewer"
        if waiting and self._longest_wait is not None and self.estimate_wait() > self._longest_wait:
            return (
                f"{waiting} candidates wait, which is more than {self._longest_wait:g} seconds of work; try again later"
            )
        cost = sum(job.count_cost(self._order.most) for job in jobs if job.size)
        # With nothing ahead a question is tried: the speed is measured by what is taken, and a slow spell would last.
        if (
            (waiting or self._in_work)
            and deadline is not None
            and time.monotonic() + self.estimate_wait(cost) > deadline
        ):
            return (
                f"{waiting} candidates wait, so that the deadline would pass before these {size} are scored; try again "
                "later, or give more time"
            )
        return None

    # -- the lanes ---------------------------------------------------------------------------------------------------

    def _work(self, prepare: Callable[[], None] | None, prepared: threading.Barrier) -> None:
        try:
            if prepare is not None:
                prepare()
        finally:
            prepared.wait()
        while (batch := self._take_batch()) is not None:
            if batch:
                self._score_batch(batch)

    def _take_batch(self) -> Batch | None:
        """What is next in turn; None where all is done and the queue closed."""
        with self._condition:
            while not len(self._order):
                if self._is_closing:
                    return None
                self._condition.wait()
            now = time.monotonic()
            batch = self._order.take(now, len(self._lanes) - self._busy)
            self._busy += bool(batch)
            for job, _ in batch:
                job.begun = now if job.begun is None else job.begun
                job.company = max(job.company, len(batch))
            self._in_work += _count_cost(batch)
            return batch

    def _drop_job(self, job: ScoreJob, now: float) -> bool:
        """Whether a job leaves the queue because nobody waits for it."""
        if job.future.done():
            self.counts.cancelled += 1
            return True
        if job.deadline is not None and now > job.deadline:
            self.counts.expired += 1
            job.finish(
                DeadlineError(
                    "the deadline passed while the request waited; try again later, or give more time",
                    self._suggest_retry(),
                )
            )
            return True
        return False

    def _score_batch(self, batch: Batch) -> None:
        begun, misses = time.monotonic(), self._count_misses()
        queries = [replace(job.query, candidates=job.query.candidates[part]) for job, part in batch]
        try:
            results: list[np.ndarray | None] = [*self._score(queries)]
        except Exception:
            # One question must not fail the others: each is asked by itself, and fails by itself.
            LOGGER.warning("a batch of %d questions failed; each is asked by itself", len(batch), exc_info=True)
            results = [self._score_alone(job, query) for (job, _), query in zip(batch, queries, strict=True)]
        misses = self._count_misses() - misses
        with self._condition:
            self._count_batch(batch, time.monotonic() - begun)
            for (job, part), values in zip(batch, results, strict=True):
                if values is not None:
                    job.scores[part] = values
                    job.done += len(values)
                    job.misses += misses
            ended = [job for (job, _), values in zip(batch, results, strict=True) if values is not None]
        for job in ended:
            if job.done == job.size:
                job.finish(job.scores)

    def _score_alone(self, job: ScoreJob, query: Query) -> np.ndarray | None:
        try:
            return self._score([query])[0]
        except Exception as error:
            with self._condition:
                self.counts.failed += 1
            job.finish(error)
            return None

    def _count_batch(self, batch: Batch, seconds: float) -> None:
        self.counts.batches += 1
        self.counts.questions += len(batch)
        self.counts.candidates += sum(part.stop - part.start for _, part in batch)
        self.counts.seconds += seconds
        self._in_work -= _count_cost(batch)
        self._busy -= 1
        speed = _count_cost(batch) / max(seconds, 1e-6)
        self._speed = speed if self._speed is None else 0.8 * self._speed + 0.2 * speed

    def _suggest_retry(self) -> float:
        return float(min(60, max(1, math.ceil(self.estimate_wait()))))


def _count_cost(batch: Batch) -> int:
    return sum(part.stop - part.start + QUESTION for _, part in batch)
