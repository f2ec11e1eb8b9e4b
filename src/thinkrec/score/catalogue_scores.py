"""Scores of many items for many users by a fitted scorer; of an encoder by its vectors, where these are the score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import cast

import numpy as np

from thinkrec.collab.encoder import Encoder, Scorer
from thinkrec.data.dataset import Dataset
from thinkrec.data.query import Query
from thinkrec.score.candidates import score_candidates

TOLERANCE = 1e-3
"""Largest deviation, in standard deviations of a user's scores, up to which vectors stand for the score."""
PROBED = 3
"""Users whose scores are computed both ways before vectors are trusted."""


@dataclass(eq=False)
class CatalogueScorer:
    """Scores candidates for users, up to a constant per user, which changes no ranking.

    An encoder's score is the inner product of two vectors plus a number per item and one per user. The numbers per item
    are the plain scores of one user less the products; on `PROBED` other users both ways are compared, and where they
    differ by more than `TOLERANCE` the plain way answers for all.
    """

    scorer: Scorer
    ds: Dataset
    _items: np.ndarray | None = field(default=None, init=False, repr=False)
    """float64 (n_items, dim): item vectors, where they are trusted."""
    _bias: np.ndarray = field(default_factory=lambda: np.zeros(0), init=False, repr=False)
    _is_probed: bool = field(default=False, init=False, repr=False)

    def score_queries(self, queries: Sequence[Query]) -> list[np.ndarray]:
        """float64 (c,) for each query: the scores of its candidates, up to a constant per query."""
        # One user alone could not tell whether vectors give the scores of another.
        if not self._is_probed and len(queries) > 1:
            self._probe_vectors(queries)
        if self._items is None:
            return [score_candidates(self.scorer, self.ds, query) for query in queries]
        return [self._score_by_vectors(query) for query in queries]

    @property
    def uses_vectors(self) -> bool:
        """Whether vectors answer, once queries were asked."""
        return self._items is not None

    def _score_by_vectors(self, query: Query) -> np.ndarray:
        assert self._items is not None
        user = cast(Encoder, self.scorer).encode_query(self.ds, query).astype(np.float64)
        return self._items[query.candidates] @ user + self._bias[query.candidates]

    def _probe_vectors(self, queries: Sequence[Query]) -> None:
        self._is_probed = True
        if not isinstance(self.scorer, Encoder):
            return
        every = np.arange(len(self.ds.items))
        probes = [replace(query, candidates=every) for query in queries[: 1 + PROBED]]
        self._items, self._bias = self.scorer.encode_items(self.ds).astype(np.float64), np.zeros(len(every))
        plain = [score_candidates(self.scorer, self.ds, query) for query in probes]
        self._bias = plain[0] - self._score_by_vectors(probes[0])
        for query, scores in zip(probes[1:], plain[1:], strict=True):
            left = self._score_by_vectors(query) - scores
            if np.abs(left - left.mean()).max() > TOLERANCE * max(float(scores.std()), 1e-12):
                self._items = None
                return
