"""Keywords of items as a sparse table, and what they say about an item that nobody has rated."""

from __future__ import annotations

import re

import numpy as np
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from thinkrec.collab.statistics import logit
from thinkrec.data.dataset import Dataset

_WORD = re.compile(r"[^\W_]+")


def keyword_table(ds: Dataset, *, words: bool = True) -> sparse.csr_matrix:
    """float64 CSR (n_items, n_terms), 1 where the item has the keyword.

    Written phrases seldom repeat, so with `words` the single words of a phrase are terms as well. Terms of fewer
    than two items are left out: nothing can be learned from them about another item.
    """
    codes: dict[str, int] = {}
    rows: list[int] = []
    columns: list[int] = []
    for item, phrases in enumerate(ds.items.keywords):
        terms = {phrase.lower() for phrase in phrases}
        if words:
            terms |= {f"{word} *" for phrase in phrases for word in _WORD.findall(phrase.lower()) if len(word) > 2}
        for term in sorted(terms):
            rows.append(item)
            columns.append(codes.setdefault(term, len(codes)))
    table = sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(ds.items), len(codes)))
    common = np.flatnonzero(np.asarray(table.sum(axis=0)).ravel() >= 2)
    return sparse.csr_matrix(table[:, common])


def keyword_logit(table: sparse.csr_matrix, item: np.ndarray, label: np.ndarray, strength: float) -> np.ndarray:
    """float64 (n_items,): logit of liking by keywords alone, from logistic regression on (item, label) rows.

    strength: inverse of the L2 penalty (scikit-learn's C). Rows of an item are pooled into two weighted ones. With no
    terms, or labels of one class, every item gets the smoothed mean.
    """
    n_items = len(table.indptr) - 1
    if table.nnz == 0 or len(np.unique(label)) < 2:
        return np.full(n_items, logit(np.array((label.sum() + 1) / (len(label) + 2))))
    likes = np.bincount(item, weights=label, minlength=n_items)
    dislikes = np.bincount(item, minlength=n_items) - likes
    up, down = np.flatnonzero(likes), np.flatnonzero(dislikes)
    model = LogisticRegression(C=strength, max_iter=300)
    model.fit(
        sparse.vstack([table[up], table[down]]),
        np.repeat([1, 0], [len(up), len(down)]),
        sample_weight=np.concatenate([likes[up], dislikes[down]]),
    )
    return model.decision_function(table)
