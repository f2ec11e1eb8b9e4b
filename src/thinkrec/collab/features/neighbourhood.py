"""What a user's whole past says about an item: earlier labels, weighed by the keywords their items share with it.

A prompt shows the last few rows of a user; this is one number for all of them: nearest-neighbour regression of the
labels' residuals on the cosine of keyword vectors, drawn towards 0 where the past holds nothing alike.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import sparse

from thinkrec.collab.features.item_neighbours import build_tfidf_matrix, compute_idf
from thinkrec.collab.features.keyword_terms import KeywordVocabulary
from thinkrec.collab.features.past_statistics import compute_range_sums, split_user_blocks
from thinkrec.collab.trained_ids import IdentityCache
from thinkrec.data.dataset import Dataset

STRENGTH = 1.0
"""Sum of cosines at which a vote counts half."""


@dataclass(frozen=True, eq=False)
class NeighbourhoodResidual:
    """vote(u, v) = sum_j cos(v, j) r_j / (STRENGTH + sum_j cos(v, j)) over the user's earlier rows j.

    r_j = label_j - expected_j. Both sums are inner products of v's keyword vector with a sum over the past, so no
    item-by-item table is made.
    """

    terms: KeywordVocabulary
    """Of the catalogue of the fit."""
    idf: np.ndarray
    """float64 (n_terms,): how rare they were there."""
    _vector_cache: IdentityCache[sparse.csr_matrix] = field(
        default_factory=IdentityCache[sparse.csr_matrix], repr=False
    )

    @classmethod
    def from_dataset(cls, ds: Dataset) -> NeighbourhoodResidual:
        """From the items' keywords; no label is read."""
        terms = KeywordVocabulary.from_keywords(ds.items.keywords)
        return cls(terms, compute_idf(terms.build_matrix(ds.items.keywords)))

    def build_item_vectors(self, ds: Dataset) -> sparse.csr_matrix:
        """float32 CSR (n_items of `ds`, n_terms): rows of unit length, rare terms weighing more.

        Items that came after the fit have the terms of their keywords that were known then.
        """
        return self._vector_cache.get_or_compute(
            ds.items, lambda: build_tfidf_matrix(self.terms.build_matrix(ds.items.keywords), self.idf)
        )

    def compute_row_residuals(self, ds: Dataset, expected: np.ndarray) -> np.ndarray:
        """float64 (n,): the vote on every row's item by the user's visible rows strictly before the row.

        expected: float64 (n,), chance that anybody likes the row's item.
        """
        data, past, unit = ds.interactions, ds.interactions.past, self.build_item_vectors(ds)
        item, residual = data.item[past.row], (data.label - expected)[past.row]
        blocks = split_user_blocks(past.owner, np.diff(unit.indptr)[item])
        parts = [_compute_block_residuals(unit, past.owner[part], item[part], residual[part]) for part in blocks]
        return (np.concatenate(parts) if parts else np.zeros(0))[past.end]

    def compute_past_residuals(self, ds: Dataset, items: np.ndarray, residual: np.ndarray) -> np.ndarray:
        """float64 (k,): the vote on every entry of one past by the entries before it; item codes (k,), residuals (k,)."""
        return _compute_block_residuals(
            self.build_item_vectors(ds), np.zeros(len(items), dtype=np.int64), items, residual
        )

    def compute_candidate_residuals(
        self, ds: Dataset, past: np.ndarray, residual: np.ndarray, items: np.ndarray
    ) -> np.ndarray:
        """float64 (len(items),): the vote on item codes of `ds` by past item codes (k,) with residuals (k,)."""
        unit = self.build_item_vectors(ds)
        seen, asked = unit[past], unit[items]
        alike = asked @ np.asarray(seen.sum(axis=0)).ravel()
        return asked @ (seen.T @ residual) / (alike + STRENGTH)


def _compute_block_residuals(
    terms: sparse.csr_matrix, owner: np.ndarray, item: np.ndarray, residual: np.ndarray
) -> np.ndarray:
    """float64 (m,): the vote on the item of entries of the visible past, those of whole users, by the entries before.

    terms: `NeighbourhoodResidual.build_item_vectors`. owner: whose past an entry belongs to.
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
        sums = compute_range_sums(values, begin, np.arange(len(key)))
        return np.bincount(place, weights=weight * sums, minlength=n)

    return over_past(weight * residual[place]) / (over_past(weight) + STRENGTH)
