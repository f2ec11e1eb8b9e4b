"""Vectors for items that came after the training, predicted from their keywords by ridge regression."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import spsolve

from thinkrec.collab.encoder import Encoder
from thinkrec.collab.features.keyword_terms import KeywordVocabulary
from thinkrec.collab.trained_ids import IdentityCache
from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TRAIN
from thinkrec.data.query import Query


@dataclass(frozen=True, eq=False)
class VectorRegression:
    """vector = mean + terms @ weights, fitted on the items with train rows, each weighing as its number of rows."""

    terms: KeywordVocabulary
    mean: np.ndarray
    """float64 (dim,)"""
    weights: np.ndarray
    """float64 (n_terms, dim)"""

    @classmethod
    def fit(cls, ds: Dataset, vectors: np.ndarray, *, penalty: float = 10.0) -> VectorRegression:
        """`vectors`: float32 (n_items of `ds`, dim) of a fitted encoder. `penalty`: pseudo-rows at no effect."""
        data = ds.interactions
        count = np.bincount(data.item[data.split == TRAIN], minlength=len(ds.items)).astype(np.float64)
        terms = KeywordVocabulary.from_keywords(ds.items.keywords)
        mean = count @ vectors / max(1.0, count.sum())
        if not terms.terms:
            return cls(terms, mean, np.zeros((0, vectors.shape[1])))
        table = terms.build_matrix(ds.items.keywords)
        weighted = sparse.csr_matrix(table.T @ sparse.diags(count))
        n_terms = len(terms.terms)
        left = sparse.csc_matrix(weighted @ table + penalty * sparse.identity(n_terms))
        weights = spsolve(left, np.asarray(weighted @ (vectors - mean)))
        return cls(terms, mean, np.asarray(weights).reshape(n_terms, -1))

    def predict_vectors(self, keywords: list[tuple[str, ...]]) -> np.ndarray:
        """float32 (len(keywords), dim); the mean where no keyword is known."""
        return np.asarray(self.mean + self.terms.build_matrix(keywords) @ self.weights, dtype=np.float32)


@dataclass(frozen=True, eq=False)
class NewItemEncoder:
    """A fitted encoder whose items that came after the training have predicted vectors; all else is as it was."""

    encoder: Encoder
    regression: VectorRegression
    trained: frozenset[str]
    """Ids of the items of the training, as text."""
    _cache: IdentityCache[np.ndarray] = field(default_factory=IdentityCache[np.ndarray], repr=False)

    @classmethod
    def from_training(cls, encoder: Encoder, trained: Dataset) -> NewItemEncoder:
        """Fit the regression on the vectors of the training's items."""
        regression = VectorRegression.fit(trained, encoder.encode_items(trained))
        return cls(encoder, regression, frozenset(map(str, trained.items.ids)))

    @property
    def dim(self) -> int:
        """Length of the vectors."""
        return self.encoder.dim

    def encode_items(self, ds: Dataset) -> np.ndarray:
        """See `Encoder.encode_items`."""

        def compute() -> np.ndarray:
            vectors = np.array(self.encoder.encode_items(ds))
            new = [code for code, id_ in enumerate(ds.items.ids) if str(id_) not in self.trained]
            if new:
                vectors[new] = self.regression.predict_vectors([ds.items.keywords[code] for code in new])
            return vectors

        return self._cache.get_or_compute(ds.items, compute)

    def encode_users(self, ds: Dataset, rows: np.ndarray) -> np.ndarray:
        """See `Encoder.encode_users`."""
        return self.encoder.encode_users(ds, rows)

    def encode_query(self, ds: Dataset, query: Query) -> np.ndarray:
        """See `Encoder.encode_query`."""
        return self.encoder.encode_query(ds, query)

    def score(self, ds: Dataset, rows: np.ndarray) -> np.ndarray:
        """The encoder's scores; those of new items by the inner product with their predicted vectors.

        Biases of users stay in: the score of the mean vector is replaced by that of the predicted one.
        """
        scores, item = np.array(self.encoder.score(ds, rows)), ds.interactions.item[rows]
        moved = self.encode_items(ds) - self.encoder.encode_items(ds)
        changed = np.flatnonzero(np.abs(moved[item]).sum(axis=1) > 0)
        users = self.encoder.encode_users(ds, rows[changed]).astype(np.float64)
        scores[changed] += np.einsum("nd,nd->n", users, moved[item[changed]].astype(np.float64))
        return scores

    def fit(self, ds: Dataset, *, seed: int, progress: bool = False) -> list[dict[str, Any]]:
        """Not for this class: it wraps an encoder that is fitted. Raises RuntimeError."""
        raise RuntimeError("NewItemEncoder wraps a fitted encoder; fit that one")

    def save(self, folder: Any) -> None:
        """Not for this class: the regression is fitted again in a moment. Raises RuntimeError."""
        raise RuntimeError("NewItemEncoder keeps nothing of its own; save the encoder")

    @classmethod
    def load(cls, folder: Any) -> NewItemEncoder:
        """Not for this class. Raises RuntimeError."""
        raise RuntimeError("NewItemEncoder keeps nothing of its own; load the encoder")
