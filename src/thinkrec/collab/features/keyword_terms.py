"""Keywords of items as a sparse item-by-term matrix, and a regression of liking on them for items without ratings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from thinkrec.collab.features.past_statistics import compute_logit

_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class KeywordVocabulary:
    """The terms of a catalogue: what a column of its keyword table means, for this catalogue and for later items.

    Written phrases seldom repeat, so with `has_single_words` the single words of a phrase are terms as well. Terms of
    fewer than two items are left out: nothing can be learned from them about another item.
    """

    terms: tuple[str, ...]
    """In order of first appearance; a single word ends with " *"."""
    has_single_words: bool = True

    @classmethod
    def from_keywords(cls, keywords: Iterable[Sequence[str]], *, words: bool = True) -> KeywordVocabulary:
        """The vocabulary of the keywords of every item; `words`: whether single words are terms as well."""
        counts: dict[str, int] = {}
        for phrases in keywords:
            for term in _extract_terms(phrases, words):
                counts[term] = counts.get(term, 0) + 1
        return cls(tuple(term for term, count in counts.items() if count >= 2), words)

    def build_matrix(self, keywords: Sequence[Sequence[str]]) -> sparse.csr_matrix:
        """Item-by-term matrix, float64 CSR (len(keywords), n_terms), 1 where the item has the term."""
        codes = {term: code for code, term in enumerate(self.terms)}
        rows: list[int] = []
        columns: list[int] = []
        for item, phrases in enumerate(keywords):
            term_codes = [codes[term] for term in _extract_terms(phrases, self.has_single_words) if term in codes]
            rows += [item] * len(term_codes)
            columns += term_codes
        return sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(keywords), len(codes)))


def _extract_terms(phrases: Sequence[str], words: bool) -> list[str]:
    terms = {phrase.lower() for phrase in phrases}
    if words:
        terms |= {f"{word} *" for phrase in phrases for word in _WORD.findall(phrase.lower()) if len(word) > 2}
    return sorted(terms)


@dataclass(frozen=True, eq=False)
class KeywordRegression:
    """logit(like) of an item = intercept + sum of the weights of its terms."""

    weights: np.ndarray
    """float64 (n_terms,)"""
    intercept: float

    def predict_logits(self, table: sparse.csr_matrix) -> np.ndarray:
        """Logits of the items in `table` (n_items, n_terms), float64 (n_items,)."""
        return np.asarray(table @ self.weights).ravel() + self.intercept


def fit_keyword_regression(
    table: sparse.csr_matrix, item: np.ndarray, label: np.ndarray, strength: float
) -> KeywordRegression:
    """Logistic regression of liking on the terms of items, from (item, label) rows.

    `strength`: inverse of the L2 penalty (scikit-learn's C). Rows of an item are pooled into two weighted ones. With no
    terms, or labels of one class, every item gets the smoothed mean.
    """
    n_items, n_terms = cast(tuple[int, int], table.shape)
    if table.nnz == 0 or len(np.unique(label)) < 2:
        return KeywordRegression(
            np.zeros(n_terms), float(compute_logit(np.array((label.sum() + 1) / (len(label) + 2))))
        )
    likes = np.bincount(item, weights=label, minlength=n_items)
    dislikes = np.bincount(item, minlength=n_items) - likes
    up, down = np.flatnonzero(likes), np.flatnonzero(dislikes)
    model = LogisticRegression(C=strength, max_iter=300)
    model.fit(
        sparse.vstack([table[up], table[down]]),
        np.repeat([1, 0], [len(up), len(down)]),
        sample_weight=np.concatenate([likes[up], dislikes[down]]),
    )
    return KeywordRegression(np.ravel(model.coef_).astype(np.float64), float(np.ravel(model.intercept_)[0]))
