"""Popularity, the item prior, and the prior with the user's taste in keywords: a number per item."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace

import numpy as np

from thinkrec.collab.features.keyword_terms import KeywordRegression, KeywordVocabulary, fit_keyword_regression
from thinkrec.collab.features.neighbourhood import NeighbourhoodResidual
from thinkrec.collab.features.past_statistics import compute_logit
from thinkrec.collab.trained_ids import IdentityCache, TrainedIds, take_rows
from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TRAIN
from thinkrec.data.query import Query
from thinkrec.retrieve.config import RetrieveConfig
from thinkrec.retrieve.sources import Arrays, choose_best_unseen


@dataclass(frozen=True, eq=False)
class Popularity:
    """The number of an item's train likes; items without any are never proposed."""

    ids: TrainedIds
    likes: np.ndarray
    """float32 (n_items,)"""

    @classmethod
    def train(cls, ds: Dataset, config: RetrieveConfig) -> Popularity:
        """See `CandidateSource.train`."""
        del config
        data = ds.interactions
        liked = data.item[(data.split == TRAIN) & (data.label == 1)]
        likes = np.bincount(liked, minlength=len(ds.items)).astype(np.float32)
        return cls(TrainedIds([], ds.items.ids), likes)

    def propose_items(self, ds: Dataset, query: Query, n: int) -> np.ndarray:
        """See `CandidateSource.propose_items`."""
        likes = take_rows(self.likes, self.ids.find_item_rows(ds), 0.0)
        return choose_best_unseen(np.where(likes > 0, likes, -np.inf), query.items, n)

    def to_arrays(self) -> Arrays:
        """See `CandidateSource.to_arrays`."""
        return {"likes": self.likes}

    @classmethod
    def from_arrays(cls, arrays: Arrays, ids: list, config: RetrieveConfig) -> Popularity:
        """See `CandidateSource.from_arrays`."""
        del config
        return cls(TrainedIds([], ids), arrays["likes"])


@dataclass(frozen=True, eq=False)
class ItemPrior:
    """Logit of an item's like rate, drawn towards a regression on its keywords; the regression alone for new items.

    With a `weight` above 0 the user's neighbourhood residual for the item is added (`NeighbourhoodResidual`), so that
    items whose keywords the user liked come before others. Every item of the catalogue can be proposed.
    """

    ids: TrainedIds
    values: np.ndarray
    """float64 (n_items,): logits of the items of the fit."""
    guess: KeywordRegression
    residual: NeighbourhoodResidual
    weight: float = 0.0
    _cache: IdentityCache[np.ndarray] = field(default_factory=IdentityCache[np.ndarray], repr=False)

    @classmethod
    def train(cls, ds: Dataset, config: RetrieveConfig) -> ItemPrior:
        """See `CandidateSource.train`."""
        data = ds.interactions
        train = data.split == TRAIN
        item, label = data.item[train], data.label[train].astype(np.float64)
        residual = NeighbourhoodResidual.from_dataset(ds)
        table = residual.terms.build_matrix(ds.items.keywords)
        guess = fit_keyword_regression(table, item, label, 0.003)
        prior = 1 / (1 + np.exp(-guess.predict_logits(table)))
        likes = np.bincount(item, weights=label, minlength=len(ds.items))
        count = np.bincount(item, minlength=len(ds.items))
        rate = (likes + config.prior_strength * prior) / (count + config.prior_strength)
        ids = TrainedIds([], ds.items.ids)
        return cls(ids, compute_logit(rate), guess, residual)

    def compute_logits(self, ds: Dataset) -> np.ndarray:
        """float64 (n_items of `ds`,): what anybody's liking of each item is expected to be."""

        def compute() -> np.ndarray:
            rows = self.ids.find_item_rows(ds)
            logits, is_new = take_rows(self.values, rows, 0.0), rows >= len(self.values)
            if is_new.any():
                words = [ds.items.keywords[code] for code in np.flatnonzero(is_new)]
                logits[is_new] = self.guess.predict_logits(self.residual.terms.build_matrix(words))
            return logits

        return self._cache.get_or_compute(ds.items, compute)

    def propose_items(self, ds: Dataset, query: Query, n: int) -> np.ndarray:
        """See `CandidateSource.propose_items`."""
        scores = self.compute_logits(ds)
        if self.weight and len(query.items):
            left = query.labels - 1 / (1 + np.exp(-scores[query.items]))
            every = np.arange(len(ds.items))
            taste = self.residual.compute_candidate_residuals(ds, query.items, left, every)
            scores = scores + self.weight * taste
        return choose_best_unseen(scores, query.items, n)

    def to_arrays(self) -> Arrays:
        """See `CandidateSource.to_arrays`."""
        terms = json.dumps(self.residual.terms.terms).encode("utf-8", "surrogatepass")
        return {
            "values": self.values,
            "weights": self.guess.weights,
            "intercept": np.array([self.guess.intercept]),
            "idf": self.residual.idf,
            "terms": np.frombuffer(terms, dtype=np.uint8),
        }

    @classmethod
    def from_arrays(cls, arrays: Arrays, ids: list, config: RetrieveConfig) -> ItemPrior:
        """See `CandidateSource.from_arrays`."""
        del config
        terms = KeywordVocabulary(tuple(json.loads(arrays["terms"].tobytes().decode("utf-8", "surrogatepass"))))
        guess = KeywordRegression(arrays["weights"], float(arrays["intercept"][0]))
        residual = NeighbourhoodResidual(terms, arrays["idf"])
        return cls(TrainedIds([], ids), arrays["values"], guess, residual)

    def with_taste(self, weight: float) -> ItemPrior:
        """The same, with the user's neighbourhood residual weighed so much."""
        return replace(self, weight=weight, _cache=IdentityCache())
