"""Item neighbours: shrunk cosine of the sets of users that liked two items (item-kNN)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from thinkrec.collab.trained_ids import TrainedIds
from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TRAIN
from thinkrec.data.query import Query
from thinkrec.retrieve.config import RetrieveConfig
from thinkrec.retrieve.sources import Arrays, choose_best_unseen

BLOCK = 1024
"""Items whose cosines to all others are held at a time."""


@dataclass(frozen=True, eq=False)
class ItemNeighbours:
    """score(u, v) = sum over the items j that u liked of c(v, j), among the k nearest of j.

    c(v, j) = n_vj / sqrt(n_v n_j) * n_vj / (n_vj + shrinkage), n the train likes of an item, or of both by one user.
    Items without a train like are never proposed.
    """

    ids: TrainedIds
    nearest: np.ndarray
    """int32 (n_items, k): codes of the fit; -1 where there are fewer."""
    cosine: np.ndarray
    """float32 (n_items, k), 0 beside -1."""

    @classmethod
    def train(cls, ds: Dataset, config: RetrieveConfig) -> ItemNeighbours:
        """See `CandidateSource.train`."""
        data, n_items = ds.interactions, len(ds.items)
        liked = (data.split == TRAIN) & (data.label == 1)
        table = sparse.csr_matrix(
            (np.ones(int(liked.sum()), dtype=np.float32), (data.item[liked], data.user[liked])),
            shape=(n_items, data.n_users),
        )
        table.data[:] = 1  # a user who liked an item twice counts once
        count = np.asarray(table.sum(axis=1)).ravel()
        k = min(config.neighbours, max(1, n_items - 1))
        nearest, cosine = np.full((n_items, k), -1, dtype=np.int32), np.zeros((n_items, k), dtype=np.float32)
        others = table.T.tocsr()
        for first in range(0, n_items, BLOCK):
            common = (table[first : first + BLOCK] @ others).tocsr()
            for row in range(common.shape[0]):
                item = first + row
                span = slice(common.indptr[row], common.indptr[row + 1])
                codes, both = common.indices[span], common.data[span]
                codes, both = codes[codes != item], both[codes != item]
                near = both**2 / np.sqrt(count[item] * count[codes]) / (both + config.neighbour_shrinkage)
                best = np.lexsort((codes, -near))[:k]
                nearest[item, : len(best)], cosine[item, : len(best)] = codes[best], near[best]
        return cls(TrainedIds([], ds.items.ids), nearest, cosine)

    def propose_items(self, ds: Dataset, query: Query, n: int) -> np.ndarray:
        """See `CandidateSource.propose_items`; a user without a known like gets nothing."""
        rows = self.ids.find_item_rows(ds)
        liked = rows[query.items[query.labels == 1]]
        liked = liked[liked < len(self.nearest)]
        near, cosine = self.nearest[liked].ravel(), self.cosine[liked].ravel()
        sums = np.bincount(near[near >= 0], weights=cosine[near >= 0], minlength=len(self.nearest) + 1)
        scores = sums[rows]
        return choose_best_unseen(np.where(scores > 0, scores, -np.inf), query.items, n)

    def to_arrays(self) -> Arrays:
        """See `CandidateSource.to_arrays`."""
        return {"nearest": self.nearest, "cosine": self.cosine}

    @classmethod
    def from_arrays(cls, arrays: Arrays, ids: list, config: RetrieveConfig) -> ItemNeighbours:
        """See `CandidateSource.from_arrays`."""
        del config
        return cls(TrainedIds([], ids), arrays["nearest"], arrays["cosine"])
