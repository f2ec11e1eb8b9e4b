"""One question on its way through the scoring queue: how much it asks, in which slices, how long it took."""

from __future__ import annotations

import logging
import math
import time
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass, field

import numpy as np

from thinkrec.data.query import Query

LOGGER = logging.getLogger("thinkrec.serve")
QUESTION = 10
"""What a slice costs beside its candidates, in candidates: with nano 3 where its history is held, 20 where not."""


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
    submitted: float = field(default_factory=time.monotonic)
    begun: float | None = None
    """When the first slice was handed to the scorer."""
    ended: float | None = None
    company: int = 0
    """Questions of the largest batch that one of its slices was in, this one included."""
    misses: int = 0
    """Prefixes of its batches that had to be computed."""

    @property
    def size(self) -> int:
        """Candidates."""
        return len(self.query.candidates)

    def count_next(self, most: int) -> int:
        """Candidates of the next slice: the rest in even parts that cost at most `most` each."""
        rest = self.size - self.taken
        return math.ceil(rest / math.ceil(rest / max(1, most - QUESTION)))

    def count_cost(self, most: int) -> int:
        """What the candidates that were not handed to the scorer cost, in slices of at most `most`."""
        rest = self.size - self.taken
        return rest + QUESTION * math.ceil(rest / max(1, most - QUESTION))

    def finish(self, outcome: np.ndarray | Exception) -> None:
        """Give the future its result, unless it has one already."""
        self.ended = time.monotonic()
        try:
            if isinstance(outcome, Exception):
                self.future.set_exception(outcome)
            else:
                self.future.set_result(outcome)
        except InvalidStateError:  # cancelled or expired in the meantime
            LOGGER.debug("an answer came for a request that nobody waits for")
