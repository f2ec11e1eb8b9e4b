"""Neighbourhood residuals (item-kNN): residuals of the user's earlier rows, weighted by similarity to an item."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import ArpackError, svds
from sklearn.utils.extmath import randomized_svd

from thinkrec.data.dataset import Dataset

REACH, RANK, CHUNK = 100, 16, 4096
CELLS = 4_000_000
"""Most similarities that are held at once: those of a few items to all, 16 MB."""


def compute_idf(terms: sparse.csr_matrix) -> np.ndarray:
    """Inverse document frequency, ln(n_items / items with the term) + .1, float64 (n_terms,)."""
    frequency = np.asarray(terms.sum(axis=0)).ravel()
    return np.log((len(terms.indptr) - 1) / np.maximum(1, frequency)) + 0.1


def build_tfidf_matrix(terms: sparse.csr_matrix, idf: np.ndarray) -> sparse.csr_matrix:
    """TF-IDF vectors of items, float32 CSR (n_items, n_terms): rows of length 1, terms weighted by `idf` (n_terms,)."""
    weighted = sparse.csr_matrix(terms @ sparse.diags(idf))
    norm = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
    scaled = sparse.csr_matrix(sparse.diags(1 / np.maximum(norm, 1e-9)) @ weighted)
    return sparse.csr_matrix(scaled, dtype=np.float32)


def compute_item_factors(ds: Dataset, expected: np.ndarray, used: np.ndarray) -> np.ndarray:
    """Item factors from residuals, float64 (n_items, rank <= RANK).

    They are the right singular vectors, times the root of the singular values, of the user-by-item matrix of residuals
    of the `used` (bool, n) rows. `expected`: float64 (n_items,), chance of liking; a residual is label - expected.
    """
    data = ds.interactions
    shape = (data.n_users, len(ds.items))
    values = data.label[used] - expected[data.item[used]]
    residual = sparse.csr_matrix((values, (data.user[used], data.item[used])), shape=shape, dtype=np.float64)
    rank = min(RANK, min(shape) - 1)
    if rank < 1 or residual.nnz == 0:
        return np.zeros((shape[1], 1))
    start = np.ones(min(shape))
    try:
        _, sizes, right = svds(residual, k=rank, v0=start)
    except ArpackError:
        # Where hardly two users share an item, all singular values are alike and the iteration finds no direction.
        _, sizes, right = randomized_svd(residual, rank, random_state=0)
    return (right * np.sqrt(sizes)[:, None]).T


def compute_neighbour_residuals(
    ds: Dataset, unit: sparse.csr_matrix, expected: np.ndarray, table: np.ndarray, factors: np.ndarray
) -> dict[str, np.ndarray]:
    """Neighbourhood residuals by feature name, float64 (n,) each, and their total weight.

    Each is a similarity-weighted mean of the residuals label - expected over the user's last REACH visible rows
    strictly before a row: `vote_terms*` weigh by the cosine of terms, `vote_factors` by factors of train residuals.
    The factors of a train row leave out the users of its fold.

    Args:
        ds: the data set.
        unit: TF-IDF vectors of its items, see `build_tfidf_matrix`.
        expected: float64 (folds + 1, n_items), chance of liking by each table of `past_statistics.ItemStatistics`.
        table: int64 (n,), the table that each row reads, see `past_statistics.assign_row_tables`.
        factors: float64 (folds + 1, n_items, rank), see `compute_item_factors`.
    """
    data, visible = ds.interactions, ds.interactions.past
    n = len(data)
    residual = data.label - expected[table, data.item]
    names = ("vote_terms", "vote_terms_sharp", "vote_terms_weight", "vote_nearest", "vote_factors")
    features = {name: np.full(n, np.nan) for name in names}

    def get_past_rows(chunk: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Row numbers of the visible rows before each row, latest first, and which exist, (chunk, REACH) each."""
        entries = visible.end[chunk][:, None] - 1 - np.arange(REACH)
        inside = entries >= visible.begin[chunk][:, None]
        return visible.row[np.where(inside, entries, 0)], inside

    for chunk, cosine, first in _iterate_item_cosines(data.item, unit):
        entries, inside = get_past_rows(chunk)
        past = np.where(inside, residual[entries], 0.0)
        similarity = np.where(inside, cosine[data.item[chunk][:, None] - first, data.item[entries]], 0.0)
        for name, votes in compute_votes(similarity, past, inside).items():
            features[name][chunk] = votes
    for k in np.unique(table):
        rows = np.flatnonzero(table == k)
        for begin in range(0, len(rows), CHUNK):
            chunk = rows[begin : begin + CHUNK]
            entries, inside = get_past_rows(chunk)
            past = np.where(inside, residual[entries], 0.0)
            product = np.einsum("nd,npd->np", factors[k][data.item[chunk]], factors[k][data.item[entries]])
            features["vote_factors"][chunk] = compute_factor_votes(product, past, inside)
    return features


def compute_votes(similarity: np.ndarray, past: np.ndarray, inside: np.ndarray) -> dict[str, np.ndarray]:
    """The `vote_terms*` and `vote_nearest` of rows, float64 (n,) each, by name.

    Args:
        similarity: float32 (n, REACH), cosines of the row's item to those of the past, latest first; 0 where none is.
        past: float64 (n, REACH), residuals of the past; 0 where there is none.
        inside: bool (n, REACH), where there is one.
    """
    sharpened = similarity**3
    nearest = similarity.argmax(axis=1)
    return {
        "vote_terms": (similarity * past).sum(1) / (similarity.sum(1) + 0.5),
        "vote_terms_sharp": (sharpened * past).sum(1) / (sharpened.sum(1) + 0.05),
        "vote_terms_weight": similarity.sum(1),
        "vote_nearest": np.where(inside.any(axis=1), past[np.arange(len(past)), nearest], np.nan),
    }


def compute_factor_votes(product: np.ndarray, past: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """`vote_factors`, float64 (n,): residuals weighted by `product` (n, REACH), the inner products of factors."""
    return np.where(inside, product * past, 0.0).sum(1) / np.sqrt(inside.sum(1) + 1.0)


def _iterate_item_cosines(item: np.ndarray, unit: sparse.csr_matrix) -> Iterator[tuple[np.ndarray, np.ndarray, int]]:
    """Yield all rows by their item, at most CHUNK at a time.

    Yields (row numbers, cosines of some items to all, float32 (k, n_items), the code of the first of these items).
    A table of all items by all would take 14 GB at 60,000 items.
    """
    n_items = len(unit.indptr) - 1
    step = max(1, CELLS // max(1, n_items))
    transposed = sparse.csr_matrix(unit.T)
    order = np.argsort(item, kind="stable")
    edges = np.searchsorted(item[order], np.arange(0, n_items + step, step))
    for number, (begin, end) in enumerate(pairwise(edges)):
        if begin == end:
            continue
        first = number * step
        cosine = (unit[first : first + step] @ transposed).toarray()
        for start in range(begin, end, CHUNK):
            yield order[start : min(end, start + CHUNK)], cosine, first
