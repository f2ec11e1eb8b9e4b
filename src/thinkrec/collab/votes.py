"""What a user's whole past says about an item: earlier labels, weighed by the keywords their items share with it.

A prompt shows the last few rows of a user; this is one number for all of them: nearest-neighbour regression of the
labels' residuals on the cosine of keyword vectors, drawn towards 0 where the past holds nothing alike.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import sparse

from thinkrec.collab.keywords import KeywordTerms
from thinkrec.collab.similar import rarity, unit_terms
from thinkrec.collab.statistics import range_sums
from thinkrec.data.dataset import Dataset, Items

STRENGTH = 1.0
"""Sum of cosines at which a vote counts half."""


@dataclass(frozen=True, eq=False)
class PastVotes:
    """vote(u, v) = sum_j cos(v, j) r_j / (STRENGTH + sum_j cos(v, j)) over the user's earlier rows j.

    r_j = label_j - expected_j. Both sums are inner products of v's keyword vector with a sum over the past, so no
    item-by-item table is made.
    """

    terms: KeywordTerms
    """Of the catalogue of the fit."""
    idf: np.ndarray
    """float64 (n_terms,): how rare they were there."""
    _last: dict[str, tuple[Items, sparse.csr_matrix]] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, ds: Dataset) -> PastVotes:
        """From the items' keywords; no label is read."""
        terms = KeywordTerms.of(ds.items.keywords)
        return cls(terms, rarity(terms.table(ds.items.keywords)))

    def unit(self, ds: Dataset) -> sparse.csr_matrix:
        """float32 CSR (n_items of `ds`, n_terms): rows of unit length, rare terms weighing more.

        Items that came after the fit have the terms of their keywords that were known then.
        """
        last = self._last.get("unit")
        if last is None or last[0] is not ds.items:
            last = self._last["unit"] = (ds.items, unit_terms(self.terms.table(ds.items.keywords), self.idf))
        return last[1]

    def rows(self, ds: Dataset, expected: np.ndarray) -> np.ndarray:
        """float64 (n,): the vote on every row's item by the user's rows strictly before the row.

        expected: float64 (n,), chance that anybody likes the row's item.
        """
        data, terms = ds.interactions, self.unit(ds)
        columns = int(terms.indices.max(initial=0)) + 1
        widths = np.diff(terms.indptr)[data.item].astype(np.int64)
        row = np.repeat(np.arange(len(data)), widths)
        at = np.arange(len(row)) - np.repeat(np.cumsum(widths) - widths, widths) + terms.indptr[data.item[row]]
        # Sorted by (user, term, row), the earlier rows that share a term are the entries just before.
        key = data.user[row].astype(np.int64) * columns + terms.indices[at]
        by = np.lexsort((row, key))
        key, row, weight = key[by], row[by], terms.data[at][by].astype(np.float64)
        if not len(key):
            return np.zeros(len(data))
        fresh = np.concatenate([[True], key[1:] != key[:-1]])
        begin = np.maximum.accumulate(np.where(fresh, np.arange(len(key)), 0))

        def over_past(values: np.ndarray) -> np.ndarray:
            past = range_sums(values, begin, np.arange(len(key)))
            return np.bincount(row, weights=weight * past, minlength=len(data))

        residual = data.label - expected
        return over_past(weight * residual[row]) / (over_past(weight) + STRENGTH)

    def candidates(self, ds: Dataset, past: np.ndarray, residual: np.ndarray, items: np.ndarray) -> np.ndarray:
        """float64 (len(items),): the vote on item codes of `ds` by past item codes (k,) with residuals (k,)."""
        unit = self.unit(ds)
        seen, asked = unit[past], unit[items]
        alike = asked @ np.asarray(seen.sum(axis=0)).ravel()
        return asked @ (seen.T @ residual) / (alike + STRENGTH)
