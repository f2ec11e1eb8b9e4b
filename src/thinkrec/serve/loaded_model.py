"""A model as it answers: with its queue and its lookups, and how a request asks it within a deadline."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from thinkrec.data.query import Query
from thinkrec.engine.prefix_cache import PrefixCache
from thinkrec.serve.catalogue_search import ItemIndex
from thinkrec.serve.errors import DeadlineError
from thinkrec.serve.model import ServedModel
from thinkrec.serve.profiles import UserSpace
from thinkrec.serve.scoring_queue import ScoreQueries, ScoringQueue


@dataclass(frozen=True)
class ServiceLimits:
    """How much may wait, and how much one request may ask."""

    most_requests: int = 64
    """Requests under way over HTTP; one beyond gets 503. Each that waits for scores holds a thread."""
    most_waiting: int = 8192
    """Candidates in the queue; a request beyond gets 503."""
    longest_wait: float = 2.0
    """Seconds of work that may wait, by the speed so far; a request beyond gets 503, so that a flood ends soon."""
    batch: int = 256
    """Candidates of one batch."""
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
        """Start the model's scoring thread."""
        self.model = model
        self.prefixes = PrefixCache(limits.prefix_bytes)
        model.predictor.recommender.prefix_cache = self.prefixes if limits.prefix_bytes else None
        self.queue = ScoringQueue(
            score or model.predictor.score_queries,
            most_waiting=limits.most_waiting,
            batch=limits.batch,
            longest_wait=limits.longest_wait,
        )
        self._lock = threading.Lock()

    @cached_property
    def index(self) -> ItemIndex:
        """For the search of items."""
        return ItemIndex(self.model)

    @cached_property
    def space(self) -> UserSpace:
        """Vectors of all users."""
        return UserSpace(self.model)

    def prepare(self) -> None:
        """Make the lookups now, instead of within the first request."""
        _ = self.index, self.space


class QueuedScorer:
    """A `QueryScorer` whose questions go through the queue, with one deadline for all."""

    def __init__(self, loaded: LoadedModel, deadline: float) -> None:
        """`deadline`: `time.monotonic()`."""
        self.loaded, self.deadline = loaded, deadline

    def score_queries(self, queries: Sequence[Query]) -> list[np.ndarray]:
        """float64 (c,) for each query. Raises OverloadedError."""
        jobs = self.loaded.queue.submit(queries, self.deadline)
        try:
            return [job.future.result(max(0.0, self.deadline - time.monotonic())) for job in jobs]
        except FutureTimeoutError as error:
            raise DeadlineError("the deadline passed before the scores were there", 1.0) from error
        finally:
            self.loaded.queue.cancel([job for job in jobs if not job.future.done()])

    def find_visible_past(self, query: Query, item: int) -> np.ndarray:
        """See `QueryScorer`."""
        return self.loaded.model.predictor.find_visible_past(query, item)


def close_later(old: LoadedModel) -> None:
    """Close the old model a minute from now."""
    # A request that took the old model a moment ago may still hand it questions (reasons, effects). One with a longer
    # deadline that comes back later than this is refused as by a stopping service (503).
    time.sleep(60)
    old.queue.close()
