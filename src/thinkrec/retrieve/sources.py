"""The protocol of candidate sources, and what they share."""

from __future__ import annotations

from typing import Protocol, Self

import numpy as np

from thinkrec.data.dataset import Dataset
from thinkrec.data.query import Query
from thinkrec.retrieve.config import RetrieveConfig

Arrays = dict[str, np.ndarray]
"""What a source keeps, by name, for a safetensors file."""


class CandidateSource(Protocol):
    """Proposes items for a user, from what it learned of the train rows of one data set.

    It may be asked about other data: what it learned of an item is found by the item's id.
    """

    @classmethod
    def train(cls, ds: Dataset, config: RetrieveConfig) -> Self:
        """Learn from the train rows of `ds`; no other row is read."""
        ...

    def propose_items(self, ds: Dataset, query: Query, n: int) -> np.ndarray:
        """int64 (at most n,): item codes of `ds`, best first, none of the query's past."""
        ...

    def to_arrays(self) -> Arrays:
        """What was learned."""
        ...

    @classmethod
    def from_arrays(cls, arrays: Arrays, ids: list, config: RetrieveConfig) -> Self:
        """What `to_arrays` gave, with the item ids of the training."""
        ...


def choose_best_unseen(scores: np.ndarray, seen: np.ndarray, n: int) -> np.ndarray:
    """int64 (at most n,): places of the largest finite `scores`, largest first, without the places `seen`.

    Equal scores keep the order of the catalogue.
    """
    scores = np.array(scores, dtype=np.float64)
    scores[seen] = -np.inf
    n = min(n, int(np.isfinite(scores).sum()))
    if n == 0:
        return np.zeros(0, dtype=np.int64)
    # Everything that ties with the last place comes along, so that ties do not hang on the partition.
    last = np.partition(scores, len(scores) - n)[len(scores) - n]
    places = np.flatnonzero(scores >= last)
    return places[np.argsort(-scores[places], kind="stable")][:n]
