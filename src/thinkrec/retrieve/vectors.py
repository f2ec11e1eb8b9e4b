"""Candidates by a fitted encoder's vectors: the largest inner products with the user's."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from thinkrec.collab.encoder import Encoder
from thinkrec.collab.trained_ids import IdentityCache
from thinkrec.data.dataset import Dataset
from thinkrec.data.query import Query
from thinkrec.retrieve.config import RetrieveConfig
from thinkrec.retrieve.index import VectorIndex, build_index, measure_index_recall


@dataclass(frozen=True, eq=False)
class EncoderVectors:
    """Proposes the items whose vectors have the largest inner product with the user's; biases are not read.

    The encoder has its own files, so that nothing is kept here.
    """

    encoder: Encoder
    config: RetrieveConfig
    _cache: IdentityCache[VectorIndex] = field(default_factory=IdentityCache[VectorIndex], repr=False)

    def get_index(self, ds: Dataset) -> VectorIndex:
        """The index over the items of `ds`, built once."""
        return self._cache.get_or_compute(ds.items, lambda: build_index(self.encoder.encode_items(ds), self.config))

    def propose_items(self, ds: Dataset, query: Query, n: int) -> np.ndarray:
        """See `CandidateSource.propose_items`."""
        seen = np.unique(query.items)
        vector = self.encoder.encode_query(ds, query)
        nearest = self.get_index(ds).search(vector, min(n + len(seen), len(ds.items)))
        return nearest[~np.isin(nearest, seen)][:n]

    def measure_recall(self, ds: Dataset, queries: list[Query], n: int) -> float:
        """See `measure_index_recall`, for the users of `queries`."""
        asked = np.stack([self.encoder.encode_query(ds, query) for query in queries])
        return measure_index_recall(self.get_index(ds), self.encoder.encode_items(ds), asked, n)
