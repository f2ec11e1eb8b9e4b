"""A model as it answers: with its queue and its lookups, and how a request asks it within a deadline."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from thinkrec.data.query import Query
from thinkrec.engine.workers import count_workers
from thinkrec.serve.catalogue_search import ItemIndex
from thinkrec.serve.errors import DeadlineError
from thinkrec.serve.held_prefixes import HeldPrefixes
from thinkrec.serve.model import ServedModel
from thinkrec.serve.profiles import UserSpace
from thinkrec.serve.scoring_queue import ScoreQueries, ScoringQueue
from thinkrec.serve.timing import note_jobs
from thinkrec.serve.user_search import UserIndex

RETIREMENT = 60.0
"""Seconds for which an old model goes on after a swap."""
BATCH = {"cpu": 64, "other": 320}
"""On a CPU one usual ranking: larger batches compute no faster there, and hold up whoever comes next."""


@dataclass(frozen=True)
class ServiceLimits:
    """How much may wait, and how much one request may ask."""

    most_requests: int = 64
    """Requests under way over HTTP; one beyond gets 503. Each that waits for scores holds a thread."""
    most_waiting: int = 8192
    """Candidates in the queue; a request beyond gets 503."""
    longest_wait: float = 2.0
    """Seconds of work that may wait, by the speed so far; a request beyond gets 503, so that a flood ends soon."""
    lanes: int | None = None
    """Batches scored at the same time; by default as many as the engine has workers, on a CPU one per core."""
    batch: int | None = None
    """Cost of one batch, in candidates (`BatchOrder`); by default `BATCH` of the device."""
    most_candidates: int = 2000
    """Candidates of one ranking; of a larger catalogue those with the best like rate are ranked, and it is said."""
    prefix_bytes: int = 256 << 20
    """Of keys and values of histories that were asked about before, so that returning users pay for candidates alone;
    0: none are kept. A history of ten lines takes about 2 MB with nano (8 kB a token)."""
    reasons_waiting: int = 4
    """Requests that may wait for a reason of the model."""
    deadline: float = 30.0
    """Seconds that a request may take where it gives no other number."""


class LoadedModel:
    """A model with its queue and what is looked up in it; a swap replaces it as a whole."""

    def __init__(self, model: ServedModel, limits: ServiceLimits, score: ScoreQueries | None = None) -> None:
        """Start the threads that score."""
        self.model = model
        self.prefixes = HeldPrefixes(limits.prefix_bytes)
        recommender = model.predictor.recommender
        recommender.prefix_cache = self.prefixes if limits.prefix_bytes else None
        lanes = limits.lanes or max(1, count_workers(recommender))
        cores = torch.get_num_threads()
        if 1 < lanes < cores:
            # Each lane has several cores; the engine's own workers would share few threads among all lanes.
            recommender.max_workers = 0
        self.queue = ScoringQueue(
            score or model.predictor.score_queries,
            most_waiting=limits.most_waiting,
            batch=limits.batch or BATCH.get(recommender.device.type, BATCH["other"]),
            lanes=lanes,
            longest_wait=limits.longest_wait,
            prepare_lane=None if lanes == 1 else lambda: use_cores(cores // lanes),
            count_misses=self.prefixes.count_own_misses,
        )
        # Setting it in one thread also sets what threads to come begin with.
        torch.set_num_threads(cores)
        self._lock = threading.Lock()

    @cached_property
    def index(self) -> ItemIndex:
        """For the search of items."""
        return ItemIndex(self.model)

    @cached_property
    def users(self) -> UserIndex:
        """For the search of users."""
        return UserIndex(self.model)

    @cached_property
    def space(self) -> UserSpace:
        """Vectors of all users."""
        return UserSpace(self.model)

    def prepare(self) -> None:
        """Make the lookups now, instead of within the first request."""
        _ = self.index, self.users, self.space


class QueuedScorer:
    """A `QueryScorer` whose questions go through the queue, with one deadline for all."""

    def __init__(self, loaded: LoadedModel, deadline: float) -> None:
        """`deadline`: `time.monotonic()`."""
        self.loaded, self.deadline = loaded, deadline

    def score_queries(self, queries: Sequence[Query]) -> list[np.ndarray]:
        """float64 (c,) for each query. Raises OverloadedError."""
        jobs = self.loaded.queue.submit(queries, self.deadline)
        try:
            scores = [job.future.result(max(0.0, self.deadline - time.monotonic())) for job in jobs]
            note_jobs(jobs)
            return scores
        except FutureTimeoutError as error:
            raise DeadlineError(
                "the deadline passed before the scores were there; try again later, ask for fewer, or give more time",
                1.0,
            ) from error
        finally:
            self.loaded.queue.cancel([job for job in jobs if not job.future.done()])

    def find_visible_past(self, query: Query, item: int) -> np.ndarray:
        """See `QueryScorer`."""
        return self.loaded.model.predictor.find_visible_past(query, item)


def use_cores(cores: int) -> None:
    """Settle how many cores PyTorch has in this thread."""
    torch.set_num_threads(cores)
    torch.get_num_threads()  # else the thread takes the number over that holds when it first computes


def close_later(old: LoadedModel) -> None:
    """Close the old model `RETIREMENT` seconds from now."""
    # A request that took the old model a moment ago may still hand it questions (reasons, effects). One with a longer
    # deadline that comes back later than this is refused as by a stopping service (503).
    time.sleep(RETIREMENT)
    old.queue.close()
