"""Which questions are scored next, and how many at once. No threads and no clock: tests run it on a made-up one.

Batches of one row each, in the order of arrival. What waits is shared among the lanes (threads that score) that are
free, so that none stands idle beside one that took everything; a question that is longer than a batch is taken in
even slices, and goes behind the others after each, so that a whole catalogue does not hold up fifty candidates.

A batch is answered when it ends, and a lane cannot be interrupted: a batch that is no longer than one usual request is
what keeps a request that comes a moment later from waiting for several.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable

from thinkrec.serve.score_job import QUESTION, ScoreJob

Batch = list[tuple[ScoreJob, slice]]
"""Slices of questions, each question once."""


class BatchOrder:
    """What waits; whoever uses it sees to it that one thread at a time does."""

    def __init__(self, most: int, drop: Callable[[ScoreJob, float], bool]) -> None:
        """`most`: cost of a batch, in candidates (`QUESTION`); `drop`: whether nobody waits for a job at a time."""
        self.most, self._drop = most, drop
        self._jobs: deque[ScoreJob] = deque()
        self.candidates = 0
        """That are not handed out yet."""
        self.cost = 0
        """Of these, with what their slices cost."""

    def __len__(self) -> int:
        """Jobs with candidates that are not handed out yet."""
        return len(self._jobs)

    def add(self, job: ScoreJob) -> None:
        """Put a job behind the others."""
        self._jobs.append(job)
        self.candidates += job.size - job.taken
        self.cost += job.count_cost(self.most)

    def take(self, now: float, free: int = 1) -> Batch:
        """The next batch, empty where nobody waits; `free`: lanes without work, the asking one included."""
        room = min(self.most, math.ceil(self.cost / max(1, free)))
        batch: Batch = []
        again: list[ScoreJob] = []
        while self._jobs:
            job = self._jobs[0]
            if self._drop(job, now):
                self._remove_first()
                continue
            n = job.count_next(self.most)
            # Whoever is next in turn is not overtaken by one that would still fit.
            if batch and n + QUESTION > room:
                break
            self._remove_first()
            batch.append((job, slice(job.taken, job.taken + n)))
            job.taken, room = job.taken + n, room - n - QUESTION
            if job.taken < job.size:
                again.append(job)
        for job in again:
            self.add(job)
        return batch

    def _remove_first(self) -> None:
        job = self._jobs.popleft()
        self.candidates -= job.size - job.taken
        self.cost -= job.count_cost(self.most)
