"""What a user's whole past says about an item: earlier labels, weighed by the keywords their items share with it.

A prompt shows the last few rows of a user; this is one number for all of them: nearest-neighbour regression of the
labels' residuals on the cosine of keyword vectors, drawn towards 0 where the past holds nothing alike.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import sparse

from thinkrec.collab.features.item_neighbours import rarity, unit_terms
from thinkrec.collab.features.keyword_terms import KeywordTerms
from thinkrec.collab.features.past_statistics import range_sums, user_blocks
from thinkrec.collab.trained_ids import Latest
from thinkrec.data.dataset import Dataset

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
    _unit: Latest[sparse.csr_matrix] = field(default_factory=Latest[sparse.csr_matrix], repr=False)

    @classmethod
    def of(cls, ds: Dataset) -> PastVotes:
        """From the items' keywords; no label is read."""
        terms = KeywordTerms.of(ds.items.keywords)
        return cls(terms, rarity(terms.table(ds.items.keywords)))

    def unit(self, ds: Dataset) -> sparse.csr_matrix:
        """float32 CSR (n_items of `ds`, n_terms): rows of unit length, rare terms weighing more.

        Items that came after the fit have the terms of their keywords that were known then.
        """
        return self._unit.of(ds.items, lambda: unit_terms(self.terms.table(ds.items.keywords), self.idf))

    def rows(self, ds: Dataset, expected: np.ndarray) -> np.ndarray:
        """float64 (n,): the vote on every row's item by the user's visible rows strictly before the row.

        expected: float64 (n,), chance that anybody likes the row's item.
        """
        data, past, unit = ds.interactions, ds.interactions.past, self.unit(ds)
        item, residual = data.item[past.row], (data.label - expected)[past.row]
        blocks = user_blocks(past.owner, np.diff(unit.indptr)[item])
        parts = [_vote(unit, past.owner[part], item[part], residual[part]) for part in blocks]
        return (np.concatenate(parts) if parts else np.zeros(0))[past.end]

    def candidates(self, ds: Dataset, past: np.ndarray, residual: np.ndarray, items: np.ndarray) -> np.ndarray:
        """float64 (len(items),): the vote on item codes of `ds` by past item codes (k,) with residuals (k,)."""
        unit = self.unit(ds)
        seen, asked = unit[past], unit[items]
        alike = asked @ np.asarray(seen.sum(axis=0)).ravel()
        return asked @ (seen.T @ residual) / (alike + STRENGTH)


def _vote(terms: sparse.csr_matrix, owner: np.ndarray, item: np.ndarray, residual: np.ndarray) -> np.ndarray:
    """float64 (m,): the vote on the item of entries of the visible past, those of whole users, by the entries before.

    terms: `PastVotes.unit`. owner: whose past an entry belongs to.
    """
    n = len(item)
    columns = int(terms.indices.max(initial=0)) + 1
    widths = np.diff(terms.indptr)[item].astype(np.int64)
    place = np.repeat(np.arange(n), widths)
    at = np.arange(len(place)) - np.repeat(np.cumsum(widths) - widths, widths) + terms.indptr[item[place]]
    # Sorted by (whose past, term, place), the earlier rows that share a term are the entries just before.
    key = owner[place] * columns + terms.indices[at]
    by = np.lexsort((place, key))
    key, place, weight = key[by], place[by], terms.data[at][by].astype(np.float64)
    if not len(key):
        return np.zeros(n)
    fresh = np.concatenate([[True], key[1:] != key[:-1]])
    begin = np.maximum.accumulate(np.where(fresh, np.arange(len(key)), 0))

    def over_past(values: np.ndarray) -> np.ndarray:
        sums = range_sums(values, begin, np.arange(len(key)))
        return np.bincount(place, weights=weight * sums, minlength=n)

    return over_past(weight * residual[place]) / (over_past(weight) + STRENGTH)
