"""Neighbourhood residual of a user's whole past for an item: item-kNN over keyword vectors.

A prompt shows the last few rows of a user; this is one number for all of them: nearest-neighbour regression of the
labels' residuals on the cosine of keyword vectors, shrunk towards 0 where the past holds nothing similar.
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
"""Sum of cosines at which a residual is shrunk to half."""


@dataclass(frozen=True, eq=False)
class NeighbourhoodResidual:
    """residual(u, v) = sum_j cos(v, j) r_j / (STRENGTH + sum_j cos(v, j)) over the user's earlier rows j.

    r_j = label_j - expected_j. Both sums are inner products of v's keyword vector with a sum over the past, so no
    item-by-item table is made.
    """

    terms: KeywordVocabulary
    """Terms of the catalogue of the fit."""
    idf: np.ndarray
    """float64 (n_terms,): their inverse document frequency there."""
    _vector_cache: IdentityCache[sparse.csr_matrix] = field(
        default_factory=IdentityCache[sparse.csr_matrix], repr=False
    )

    @classmethod
    def from_dataset(cls, ds: Dataset) -> NeighbourhoodResidual:
        """Fit on the items' keywords; no label is read."""
        terms = KeywordVocabulary.from_keywords(ds.items.keywords)
        return cls(terms, compute_idf(terms.build_matrix(ds.items.keywords)))

    def build_item_vectors(self, ds: Dataset) -> sparse.csr_matrix:
        """TF-IDF vectors of unit length, float32 CSR (n_items of `ds`, n_terms).

        Items that came after the fit have the terms of their keywords that were known then.
        """
        return self._vector_cache.get_or_compute(
            ds.items, lambda: build_tfidf_matrix(self.terms.build_matrix(ds.items.keywords), self.idf)
        )

    def compute_row_residuals(self, ds: Dataset, expected: np.ndarray) -> np.ndarray:
        """Neighbourhood residual of every row's item, float64 (n,), over the user's visible rows before the row.

        `expected`: float64 (n,), chance that anybody likes the row's item.
        """
        data, past, unit = ds.interactions, ds.interactions.past, self.build_item_vectors(ds)
        item, residual = data.item[past.row], (data.label - expected)[past.row]
        blocks = split_user_blocks(past.owner, np.diff(unit.indptr)[item])
        per_block = [
            _compute_block_residuals(unit, past.owner[block], item[block], residual[block]) for block in blocks
        ]
        return (np.concatenate(per_block) if per_block else np.zeros(0))[past.end]

    def compute_past_residuals(self, ds: Dataset, items: np.ndarray, residual: np.ndarray) -> np.ndarray:
        """float64 (k,): the residual of every entry of one past by the entries before it, from codes and residuals."""
        return _compute_block_residuals(
            self.build_item_vectors(ds), np.zeros(len(items), dtype=np.int64), items, residual
        )

    def compute_candidate_residuals(
        self, ds: Dataset, past: np.ndarray, residual: np.ndarray, items: np.ndarray
    ) -> np.ndarray:
        """Neighbourhood residual of item codes of `ds`, float64 (len(items),).

        `past`: item codes (k,) of the user's rows; `residual`: label - expected (k,) of them.
        """
        unit = self.build_item_vectors(ds)
        past_vectors, candidate_vectors = unit[past], unit[items]
        similarity = candidate_vectors @ np.asarray(past_vectors.sum(axis=0)).ravel()
        return candidate_vectors @ (past_vectors.T @ residual) / (similarity + STRENGTH)


def _compute_block_residuals(
    terms: sparse.csr_matrix, owner: np.ndarray, item: np.ndarray, residual: np.ndarray
) -> np.ndarray:
    """Neighbourhood residual of the item of each entry of the visible past over the entries before it, float64 (m,).

    The entries are those of whole users. `terms`: `NeighbourhoodResidual.build_item_vectors`. `owner`: see
    `VisiblePast.owner`.
    """
    n = len(item)
    columns = int(terms.indices.max(initial=0)) + 1
    widths = np.diff(terms.indptr)[item].astype(np.int64)
    entry = np.repeat(np.arange(n), widths)
    position = np.arange(len(entry)) - np.repeat(np.cumsum(widths) - widths, widths) + terms.indptr[item[entry]]
    # Sorted by (owner, term, entry), the earlier rows that share a term are the entries just before.
    key = owner[entry] * columns + terms.indices[position]
    order = np.lexsort((entry, key))
    key, entry, weight = key[order], entry[order], terms.data[position][order].astype(np.float64)
    if not len(key):
        return np.zeros(n)
    starts_run = np.concatenate([[True], key[1:] != key[:-1]])
    begin = np.maximum.accumulate(np.where(starts_run, np.arange(len(key)), 0))

    def sum_over_past(values: np.ndarray) -> np.ndarray:
        sums = compute_range_sums(values, begin, np.arange(len(key)))
        return np.bincount(entry, weights=weight * sums, minlength=n)

    return sum_over_past(weight * residual[entry]) / (sum_over_past(weight) + STRENGTH)
