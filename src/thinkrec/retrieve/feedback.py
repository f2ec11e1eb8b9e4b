"""Which items to ask a ranker about next, by what it said of others: kernel ridge regression on its own scores.

For one user a ranker's score is a function of the item alone. A few hundred scores tell it well enough to say where the
best of the others are, which no generator that knows likes alone can: a ranker has a taste of its own. That the scores
of a costly ranker should choose what it sees next is the idea of adaptive re-ranking (MacAvaney, Tonellotto, Macdonald,
CIKM 2022); here a regression takes the place of their graph of neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from thinkrec.data.dataset import Dataset
from thinkrec.retrieve.generator import CandidateGenerator
from thinkrec.retrieve.item_scores import ItemPrior
from thinkrec.retrieve.sources import choose_best_unseen
from thinkrec.retrieve.vectors import EncoderVectors

WEIGHT = 0.5
"""Of the prior and of the vectors beside the keywords, whose vectors have length 1."""
RIDGE = 0.3


@dataclass(frozen=True, eq=False)
class ScoreFeedback:
    """Items by keywords, prior and encoder vector; k(i, j) = (1 + x_i . x_j) ** 2, so that pairs of keywords count."""

    keywords: sparse.csr_matrix
    """float32 (n_items, n_terms): TF-IDF vectors of unit length."""
    dense: np.ndarray
    """float32 (n_items, d): weighted prior and vectors."""

    @classmethod
    def from_generator(cls, generator: CandidateGenerator, ds: Dataset) -> ScoreFeedback:
        """Features of the items of `ds` from what the generator's sources know."""
        columns = [np.zeros((len(ds.items), 1))]
        keywords = sparse.csr_matrix((len(ds.items), 1), dtype=np.float32)
        for source in generator.sources.values():
            if isinstance(source, ItemPrior) and len(columns) == 1:
                keywords = source.residual.build_item_vectors(ds)
                prior = source.compute_logits(ds)
                columns.append(WEIGHT * ((prior - prior.mean()) / max(1e-9, prior.std()))[:, None])
            if isinstance(source, EncoderVectors):
                vectors = source.encoder.encode_items(ds)
                vectors = vectors - vectors.mean(axis=0)
                lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
                columns.append(WEIGHT * vectors / np.maximum(1e-9, lengths))
        return cls(keywords, np.concatenate(columns, axis=1).astype(np.float32))

    def compute_kernel(self, items: np.ndarray) -> np.ndarray:
        """float32 (n_items, len(items)): the kernel of all items with some."""
        products = np.asarray((self.keywords @ self.keywords[items].T).todense()) + self.dense @ self.dense[items].T
        return (1 + products) ** 2

    def predict_scores(self, asked: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """float64 (n_items,): what the ranker would say of every item, by its `scores` of the codes `asked`."""
        kernel = self.compute_kernel(asked).astype(np.float64)
        mean = scores.mean()
        weights = np.linalg.solve(kernel[asked] + RIDGE * np.eye(len(asked)), scores - mean)
        return kernel @ weights + mean

    def choose_items(self, asked: np.ndarray, scores: np.ndarray, seen: np.ndarray, n: int) -> np.ndarray:
        """int64 (at most n,): the items predicted best that are neither `asked` yet nor `seen`."""
        return choose_best_unseen(self.predict_scores(asked, scores), np.concatenate([asked, seen]), n)
