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
from thinkrec.collab.statistics import range_sums, user_blocks
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
        """float64 (n,): the vote on every row's item by the user's rows strictly before the row.

        expected: float64 (n,), chance that anybody likes the row's item.
        """
        data = ds.interactions
        blocks = user_blocks(ds, np.diff(self.terms.indptr)[data.item])
        residual = data.label - expected
        parts = [self._rows(data.user[part], data.item[part], residual[part]) for part in blocks]
        return np.concatenate(parts) if parts else np.zeros(0)

    def _rows(self, user: np.ndarray, item: np.ndarray, residual: np.ndarray) -> np.ndarray:
        """`rows` of some users."""
        terms, n = self.terms, len(item)
        columns = int(terms.indices.max(initial=0)) + 1
        widths = np.diff(terms.indptr)[item].astype(np.int64)
        row = np.repeat(np.arange(n), widths)
        at = np.arange(len(row)) - np.repeat(np.cumsum(widths) - widths, widths) + terms.indptr[item[row]]
        # Sorted by (user, term, row), the earlier rows that share a term are the entries just before.
        key = user[row].astype(np.int64) * columns + terms.indices[at]
        by = np.lexsort((row, key))
        key, row, weight = key[by], row[by], terms.data[at][by].astype(np.float64)
        if not len(key):
            return np.zeros(n)
        fresh = np.concatenate([[True], key[1:] != key[:-1]])
        begin = np.maximum.accumulate(np.where(fresh, np.arange(len(key)), 0))

        def over_past(values: np.ndarray) -> np.ndarray:
            sums = range_sums(values, begin, np.arange(len(key)))
            return np.bincount(row, weights=weight * sums, minlength=n)

        return over_past(weight * residual[row]) / (over_past(weight) + STRENGTH)

    def candidates(self, past: np.ndarray, residual: np.ndarray, items: np.ndarray) -> np.ndarray:
        """float64 (len(items),): the vote on item codes by past item codes (k,) with residuals (k,)."""
        seen, asked = self.terms[past], self.terms[items]
        alike = asked @ np.asarray(seen.sum(axis=0)).ravel()
        return asked @ (seen.T @ residual) / (alike + STRENGTH)
