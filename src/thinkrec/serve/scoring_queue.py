"""Questions of many requests, scored together by one thread.

The thread takes what waits, up to a number of candidates, scores it in one call, and takes again: while it works the
next batch gathers, and an idle service answers at once. A long question is taken in slices, in turn with the others, so
that a whole catalogue does not hold up fifty candidates. What is past its deadline or was cancelled leaves the queue
unscored.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass, field, replace

import numpy as np

from thinkrec.data.query import Query
from thinkrec.serve.errors import CancelledRequestError, DeadlineError, QueueFullError, StoppingError

LOGGER = logging.getLogger("thinkrec.serve")
SLICE = 256
"""Candidates of one question that are scored in one go, at most."""

ScoreQueries = Callable[[Sequence[Query]], list[np.ndarray]]
"""Queries -> float64 (c,) each."""


@dataclass(eq=False)
class ScoreJob:
    """One question in the queue."""

    query: Query
    deadline: float | None
    """`time.monotonic()` after which nobody waits; None: no limit."""
    future: Future[np.ndarray] = field(default_factory=Future)
    scores: np.ndarray = field(default_factory=lambda: np.zeros(0))
    taken: int = 0
    """Candidates that were handed to the scorer."""
    done: int = 0
    """Candidates that are scored."""

    @property
    def size(self) -> int:
        """Candidates."""
        return len(self.query.candidates)


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
    """Spent scoring."""


class ScoringQueue:
    """Gathers questions and has them scored by one thread."""

    def __init__(
        self,
        score: ScoreQueries,
        *,
        most_waiting: int,
        batch: int,
        longest_wait: float | None = None,
        name: str = "scoring",
    ) -> None:
        """Start the thread.

        Args:
            score: called from that thread alone.
            most_waiting: candidates that may wait; a question that finds more is refused.
            batch: candidates of one batch, at most.
            longest_wait: seconds; a question that would wait longer for its turn, by the speed so far, is refused.
            name: of the thread.
        """
        self._score, self._most_waiting, self._batch = score, most_waiting, batch
        self._longest_wait = longest_wait
        self._jobs: deque[ScoreJob] = deque()
        self._condition = threading.Condition()
        self._waiting = 0
        self._in_work = 0
        self._is_closing = False
        self._speed: float | None = None  # candidates per second, smoothed
        self.counts = QueueCounts()
        self._thread = threading.Thread(target=self._work, name=f"thinkrec-{name}", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Candidates that are not handed to the scorer yet."""
        return self._waiting

    def estimate_wait(self, more: int = 0) -> float:
        """Seconds until what came before and `more` candidates are scored, by the speed so far; 0 without one."""
        return 0.0 if not self._speed else (self._waiting + self._in_work + more) / self._speed

    def submit(self, queries: Sequence[Query], deadline: float | None = None) -> list[ScoreJob]:
        """Take questions, all or none; their futures hold the scores.

        Raises QueueFullError where too much waits or the deadline cannot be met, StoppingError after `close`.
        """
        jobs = [ScoreJob(query, deadline, scores=np.zeros(len(query.candidates))) for query in queries]
        size = sum(job.size for job in jobs)
        with self._condition:
            if self._is_closing:
                raise StoppingError("the service is stopping and takes no new requests; ask another one", 5.0)
            # A question larger than the queue is taken where nothing waits, else it never could be.
            if self._waiting and self._waiting + size > self._most_waiting:
                self.counts.refused += 1
                raise QueueFullError(
                    f"{self._waiting} candidates wait and {self._most_waiting} may; try again later, or ask for fewer",
                    self._suggest_retry(),
                )
            if self._waiting and self._longest_wait is not None and self.estimate_wait() > self._longest_wait:
                self.counts.refused += 1
                raise QueueFullError(
                    f"{self._waiting} candidates wait, which is more than {self._longest_wait:g} seconds of work; try"
                    " again later",
                    self._suggest_retry(),
                )
            if deadline is not None and time.monotonic() + self.estimate_wait(size) > deadline:
                self.counts.refused += 1
                raise QueueFullError(
                    f"{self._waiting} candidates wait, so that the deadline would pass before these {size} are scored; "
                    "try again later, or give more time",
                    self._suggest_retry(),
                )
            for job in jobs:
                if job.size:
                    self._jobs.append(job)
                else:
                    job.future.set_result(job.scores)
            self._waiting += size
            self._condition.notify()
        return jobs

    def cancel(self, jobs: Sequence[ScoreJob]) -> None:
        """Nobody waits for these any more: what is not scored yet is left out."""
        for job in jobs:
            _finish_future(job.future, CancelledRequestError("the request was cancelled"))

    def close(self, timeout: float | None = None) -> bool:
        """Take nothing new, finish what was taken, end the thread; returns whether all was done within `timeout`."""
        with self._condition:
            self._is_closing = True
            self._condition.notify()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    # -- the thread --------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        while (batch := self._take_batch()) is not None:
            if batch:
                self._score_batch(batch)

    def _take_batch(self) -> list[tuple[ScoreJob, slice]] | None:
        """Slices of what waits, each job in turn; None where all is done and the queue closed."""
        with self._condition:
            while not self._jobs:
                if self._is_closing:
                    return None
                self._condition.wait()
            batch: list[tuple[ScoreJob, slice]] = []
            room, now = self._batch, time.monotonic()
            for _ in range(len(self._jobs)):
                if room <= 0:
                    break
                job = self._jobs.popleft()
                if self._drop_job(job, now):
                    continue
                n = min(job.size - job.taken, SLICE, max(room, 1))
                batch.append((job, slice(job.taken, job.taken + n)))
                job.taken += n
                room -= n
                self._waiting -= n
                if job.taken < job.size:
                    self._jobs.append(job)
            self._in_work = self._batch - room if batch else 0
            return batch

    def _drop_job(self, job: ScoreJob, now: float) -> bool:
        """Whether a job left the queue because nobody waits for it."""
        if job.future.done():
            self.counts.cancelled += 1
        elif job.deadline is not None and now > job.deadline:
            self.counts.expired += 1
            _finish_future(
                job.future, DeadlineError("the deadline passed while the request waited", self._suggest_retry())
            )
        else:
            return False
        self._waiting -= job.size - job.taken
        return True

    def _score_batch(self, batch: Sequence[tuple[ScoreJob, slice]]) -> None:
        begun = time.monotonic()
        queries = [replace(job.query, candidates=job.query.candidates[part]) for job, part in batch]
        try:
            results = self._score(queries)
        except Exception:
            # One question must not fail the others: each is asked by itself, and fails by itself.
            LOGGER.warning("a batch of %d questions failed; each is asked by itself", len(batch), exc_info=True)
            results = [self._score_alone(job, query) for (job, _), query in zip(batch, queries, strict=True)]
        for (job, part), values in zip(batch, results, strict=True):
            if values is None:
                continue
            job.scores[part] = values
            job.done += len(values)
            if job.done == job.size:
                _finish_future(job.future, job.scores)
        self._count_batch(batch, time.monotonic() - begun)

    def _score_alone(self, job: ScoreJob, query: Query) -> np.ndarray | None:
        try:
            return self._score([query])[0]
        except Exception as error:
            self.counts.failed += 1
            _finish_future(job.future, error)
            return None

    def _count_batch(self, batch: Sequence[tuple[ScoreJob, slice]], seconds: float) -> None:
        n = sum(part.stop - part.start for _, part in batch)
        self.counts.batches += 1
        self.counts.questions += len(batch)
        self.counts.candidates += n
        self.counts.seconds += seconds
        self._in_work = 0
        speed = n / max(seconds, 1e-6)
        self._speed = speed if self._speed is None else 0.8 * self._speed + 0.2 * speed

    def _suggest_retry(self) -> float:
        return float(min(60, max(1, math.ceil(self.estimate_wait()))))


def _finish_future(future: Future[np.ndarray], outcome: np.ndarray | Exception) -> None:
    """Give a future its result, unless it has one already."""
    try:
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
    except InvalidStateError:  # cancelled or expired in the meantime
        LOGGER.debug("an answer came for a request that nobody waits for")
