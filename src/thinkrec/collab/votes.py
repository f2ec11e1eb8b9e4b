"""What a user's whole past says about an item: earlier labels, weighed by the keywords their items share with it.

A prompt shows the last few rows of a user; this is one number for all of them: nearest-neighbour regression of the
labels' residuals on the cosine of keyword vectors, drawn towards 0 where the past holds nothing alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from thinkrec.collab.keywords import keyword_table
from thinkrec.collab.similar import unit_terms
from thinkrec.data.dataset import Dataset

STRENGTH = 1.0
"""Sum of cosines at which a vote counts half."""


@dataclass(frozen=True, eq=False)
class PastVotes:
    """vote(u, v) = sum_j cos(v, j) r_j / (STRENGTH + sum_j cos(v, j)) over the user's earlier rows j.

    r_j = label_j - expected_j. Both sums are inner products of v's keyword vector with a sum over the past, so no
    item-by-item table is made.
    """

    terms: sparse.csr_matrix
    """float32 CSR (n_items, n_terms): rows of unit length, rare terms weighing more."""

    @classmethod
    def of(cls, ds: Dataset) -> PastVotes:
        """From the items' keywords; no label is read."""
        return cls(unit_terms(keyword_table(ds)))

    def rows(self, ds: Dataset, expected: np.ndarray) -> np.ndarray:
        """float64 (n,): the vote on every row's item by the user's visible rows strictly before the row.

        expected: float64 (n,), chance that anybody likes the row's item.
        """
        data, past, terms = ds.interactions, ds.interactions.past, self.terms
        columns = int(terms.indices.max(initial=0)) + 1
        item = data.item[past.row]
        widths = np.diff(terms.indptr)[item].astype(np.int64)
        place = np.repeat(np.arange(len(item)), widths)
        at = np.arange(len(place)) - np.repeat(np.cumsum(widths) - widths, widths) + terms.indptr[item[place]]
        # Sorted by (whose past, term, place), the earlier rows that share a term are the entries just before.
        key = past.owner[place] * columns + terms.indices[at]
        by = np.lexsort((place, key))
        key, place, weight = key[by], place[by], terms.data[at][by].astype(np.float64)
        if not len(key):
            return np.zeros(len(data))
        fresh = np.concatenate([[True], key[1:] != key[:-1]])
        begin = np.maximum.accumulate(np.where(fresh, np.arange(len(key)), 0))

        def over_past(values: np.ndarray) -> np.ndarray:
            total = np.concatenate([[0.0], np.cumsum(values)])
            return np.bincount(place, weights=weight * (total[:-1] - total[begin]), minlength=len(item))

        residual = (data.label - expected)[past.row]
        return (over_past(weight * residual[place]) / (over_past(weight) + STRENGTH))[past.end]

    def candidates(self, past: np.ndarray, residual: np.ndarray, items: np.ndarray) -> np.ndarray:
        """float64 (len(items),): the vote on item codes by past item codes (k,) with residuals (k,)."""
        seen, asked = self.terms[past], self.terms[items]
        alike = asked @ np.asarray(seen.sum(axis=0)).ravel()
        return asked @ (seen.T @ residual) / (alike + STRENGTH)
