"""Cross-fitted target encodings of items from train rows, kept with their ids so that they apply to other data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from scipy import sparse

from thinkrec.collab.features.keyword_terms import KeywordRegression, KeywordVocabulary, fit_keyword_regression
from thinkrec.collab.features.past_statistics import ItemStatistics, assign_row_tables, assign_user_folds
from thinkrec.collab.trained_ids import IdentityCache, TrainedIds, take_rows
from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TRAIN

PER_ITEM = ("rate", "log_count", "keywords", "best", "targets")
_ARRAYS = (*PER_ITEM, "fold", "weights", "intercepts", "term_rates", "means")


@dataclass(frozen=True, eq=False)
class ItemTargetEncodings:
    """Target encodings of items per table of `ItemStatistics` (the last from all train rows), by item codes."""

    rate: np.ndarray
    """float64 (folds + 1, n_items): smoothed logit of the like rate."""
    log_count: np.ndarray
    """float64 (folds + 1, n_items): ln(1 + train rows)."""
    keywords: np.ndarray
    """float64 (folds + 1, n_items): logit by keywords alone."""
    best: np.ndarray
    """float64 (folds + 1, n_items): logit of the like rate shrunk towards the keyword regression."""
    targets: np.ndarray
    """float64 (folds + 1, n_items, 3): mean, least and greatest like rate over the item's keywords."""


@dataclass(frozen=True, eq=False)
class TargetEncoder:
    """Target encodings of the items of the fit, the folds of its users, and the regressions that encode later items."""

    ids: TrainedIds
    fold: np.ndarray
    """int64 (n_users,): the fold of every user; a train row reads the table without it."""
    terms: KeywordVocabulary
    items: ItemTargetEncodings
    """Encodings of the trained items."""
    weights: np.ndarray
    """float64 (folds + 1, n_terms): of the keyword regression of each table."""
    intercepts: np.ndarray
    """float64 (folds + 1,)"""
    term_rates: np.ndarray
    """float64 (folds + 1, n_terms): smoothed like rate of every term."""
    means: np.ndarray
    """float64 (folds + 1,): smoothed like rate of the train rows of each table."""
    _item_cache: IdentityCache[ItemTargetEncodings] = field(
        default_factory=IdentityCache[ItemTargetEncodings], repr=False
    )

    @classmethod
    def from_dataset(cls, ds: Dataset, *, folds: int, seed: int, keyword_strength: float) -> TargetEncoder:
        """Fit on the train rows of `ds`."""
        data = ds.interactions
        terms = KeywordVocabulary.from_keywords(ds.items.keywords)
        table, statistics = (
            terms.build_matrix(ds.items.keywords),
            ItemStatistics.from_dataset(ds, folds=folds, seed=seed),
        )
        fold = assign_user_folds(data.n_users, folds, seed)
        regressions: list[KeywordRegression] = []
        keywords, best, targets, term_rates = [], [], [], []
        for k in range(folds + 1):
            used = (data.split == TRAIN) & (fold[data.user] != k)
            item, label = data.item[used], data.label[used].astype(np.float64)
            regressions.append(fit_keyword_regression(table, item, label, keyword_strength))
            guess = regressions[-1].predict_logits(table)
            likes = np.bincount(item, weights=label, minlength=len(ds.items))
            count = np.bincount(item, minlength=len(ds.items))
            keywords.append(guess)
            best.append(_compute_shrunk_logit(likes, count, guess))
            term_rates.append(_compute_term_rates(table, likes, count))
            targets.append(_aggregate_term_rates(table, term_rates[-1]))
        items = ItemTargetEncodings(
            statistics.logit, statistics.log_count, np.stack(keywords), np.stack(best), np.stack(targets)
        )
        return cls(
            TrainedIds.from_dataset(ds),
            fold,
            terms,
            items,
            np.stack([r.weights for r in regressions]),
            np.array([r.intercept for r in regressions]),
            np.stack(term_rates),
            statistics.mean,
        )

    @property
    def n_folds(self) -> int:
        """Number of folds; also the number of the table from all train rows."""
        return len(self.means) - 1

    def find_row_tables(self, ds: Dataset, rows: np.ndarray) -> np.ndarray:
        """The table that each row of `ds` reads, int64 (len(rows),); users who came later are in none of the folds."""
        fold = take_rows(self.fold, self.ids.find_user_rows(ds), self.n_folds)
        return assign_row_tables(ds, rows, fold, self.n_folds)

    def encode_items(self, ds: Dataset) -> ItemTargetEncodings:
        """Target encodings by the item codes of `ds`.

        An item that came after the fit has no ratings; it has the values of the regression and of the like rates of
        known terms for its keywords.
        """
        return self._item_cache.get_or_compute(ds.items, lambda: self._align_items(ds))

    def _align_items(self, ds: Dataset) -> ItemTargetEncodings:
        rows, n = self.ids.find_item_rows(ds), len(self.ids.items)
        if len(rows) == n and np.array_equal(rows, np.arange(n)):
            return self.items
        new_items = np.flatnonzero(rows >= n)
        table = self.terms.build_matrix([ds.items.keywords[code] for code in new_items])
        keyword_logits = np.stack(
            [KeywordRegression(w, b).predict_logits(table) for w, b in zip(self.weights, self.intercepts, strict=True)]
        )
        zeros = np.zeros(len(new_items))
        of_new_items = {
            "rate": np.repeat(np.log(self.means / (1 - self.means))[:, None], len(new_items), axis=1),
            "log_count": np.zeros_like(keyword_logits),
            "keywords": keyword_logits,
            "best": np.stack([_compute_shrunk_logit(zeros, zeros, logits) for logits in keyword_logits]),
            "targets": np.stack([_aggregate_term_rates(table, rates) for rates in self.term_rates]),
        }

        def arrange(name: str) -> np.ndarray:
            aligned = take_rows(np.moveaxis(getattr(self.items, name), 1, 0), rows, np.nan)
            aligned[new_items] = np.moveaxis(of_new_items[name], 1, 0)
            return np.moveaxis(aligned, 0, 1)

        return ItemTargetEncodings(**{name: arrange(name) for name in PER_ITEM})

    def to_arrays(self) -> dict[str, np.ndarray]:
        """All but the ids, by name, for a file; the terms as the bytes of a JSON list."""
        arrays = {name: getattr(self.items if name in PER_ITEM else self, name) for name in _ARRAYS}
        text = json.dumps([list(self.terms.terms), self.terms.has_single_words])
        return arrays | {"terms": np.frombuffer(text.encode("utf-8", "surrogatepass"), dtype=np.uint8)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], ids: TrainedIds) -> TargetEncoder:
        """Restore what `to_arrays` gave. Raises KeyError naming what is not there."""
        terms, words = json.loads(bytes(arrays["terms"].tolist()).decode("utf-8", "surrogatepass"))
        return cls(
            ids=ids,
            terms=KeywordVocabulary(tuple(terms), words),
            items=ItemTargetEncodings(**{name: arrays[name] for name in PER_ITEM}),
            fold=arrays["fold"],
            weights=arrays["weights"],
            intercepts=arrays["intercepts"],
            term_rates=arrays["term_rates"],
            means=arrays["means"],
        )


def _compute_shrunk_logit(likes: np.ndarray, count: np.ndarray, guess: np.ndarray) -> np.ndarray:
    """Logit of the like rate, shrunk by 20 rows towards the probability of the logit `guess`, float64 (n_items,)."""
    rate = (likes + 20 / (1 + np.exp(-guess))) / (count + 20)
    return np.log(rate / (1 - rate))


def _compute_term_rates(table: sparse.csr_matrix, likes: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Like rate over the rows of all items of a term, shrunk by 20 rows towards that of all, float64 (n_terms,)."""
    mean = (likes.sum() + 1) / (count.sum() + 2)
    return np.asarray((table.T @ likes + 20 * mean) / (table.T @ count + 20))


def _aggregate_term_rates(table: sparse.csr_matrix, rates: np.ndarray) -> np.ndarray:
    """Mean, min and max over an item's terms of the terms' like rates, float64 (n_items, 3); NaN without terms."""
    aggregates = np.full((len(table.indptr) - 1, 3), np.nan)
    with_terms = np.flatnonzero(np.diff(table.indptr))
    if len(with_terms):
        starts, values = table.indptr[with_terms], rates[table.indices]
        aggregates[with_terms, 0] = np.add.reduceat(values, starts) / np.diff(table.indptr)[with_terms]
        aggregates[with_terms, 1] = np.minimum.reduceat(values, starts)
        aggregates[with_terms, 2] = np.maximum.reduceat(values, starts)
    return aggregates
