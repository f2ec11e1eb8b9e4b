"""Numbers of items as train rows give them, with the ids they are about, so that they can be read for other data."""

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
    """Numbers per item, per table of `ItemStatistics` (the last from all train rows), by the codes of one data set."""

    rate: np.ndarray
    """float64 (folds + 1, n_items): smoothed logit of the like rate."""
    log_count: np.ndarray
    """float64 (folds + 1, n_items): ln(1 + train rows)."""
    keywords: np.ndarray
    """float64 (folds + 1, n_items): logit by keywords alone."""
    best: np.ndarray
    """float64 (folds + 1, n_items): logit of the like rate drawn towards what the keywords say."""
    targets: np.ndarray
    """float64 (folds + 1, n_items, 3): mean, least and greatest like rate over the item's keywords."""


@dataclass(frozen=True, eq=False)
class TargetEncoder:
    """The facts of the items of the fit, the folds of its users, and what is needed to say something of later items."""

    ids: TrainedIds
    fold: np.ndarray
    """int64 (n_users,): the fold of every user; a train row reads the table without it."""
    terms: KeywordVocabulary
    items: ItemTargetEncodings
    """Of the trained items."""
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
        """Count the train rows of `ds`."""
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
            TrainedIds.from_dataset(ds), fold, terms, items,
            np.stack([r.weights for r in regressions]), np.array([r.intercept for r in regressions]),
            np.stack(term_rates), statistics.mean,
        )

    @property
    def n_folds(self) -> int:
        """Number of folds; also the number of the table from all train rows."""
        return len(self.means) - 1

    def find_row_tables(self, ds: Dataset, rows: np.ndarray) -> np.ndarray:
        """int64 (len(rows),): the table that each row of `ds` reads; users who came later are in none of the folds."""
        fold = take_rows(self.fold, self.ids.find_user_rows(ds), self.n_folds)
        return assign_row_tables(ds, rows, fold, self.n_folds)

    def encode_items(self, ds: Dataset) -> ItemTargetEncodings:
        """The facts by the item codes of `ds`.

        An item that came after the fit has no ratings, and what the regression and the like rates of known terms say
        of its keywords.
        """
        return self._item_cache.get_or_compute(ds.items, lambda: self._align_items(ds))

    def _align_items(self, ds: Dataset) -> ItemTargetEncodings:
        places, n = self.ids.find_item_rows(ds), len(self.ids.items)
        if len(places) == n and np.array_equal(places, np.arange(n)):
            return self.items
        fresh = np.flatnonzero(places >= n)
        table = self.terms.build_matrix([ds.items.keywords[code] for code in fresh])
        guess = np.stack(
            [KeywordRegression(w, b).predict_logits(table) for w, b in zip(self.weights, self.intercepts, strict=True)]
        )
        none = np.zeros(len(fresh))
        later = {
            "rate": np.repeat(np.log(self.means / (1 - self.means))[:, None], len(fresh), axis=1),
            "log_count": np.zeros_like(guess),
            "keywords": guess,
            "best": np.stack([_compute_shrunk_logit(none, none, row) for row in guess]),
            "targets": np.stack([_aggregate_term_rates(table, rates) for rates in self.term_rates]),
        }

        def arrange(name: str) -> np.ndarray:
            found = take_rows(np.moveaxis(getattr(self.items, name), 1, 0), places, np.nan)
            found[fresh] = np.moveaxis(later[name], 1, 0)
            return np.moveaxis(found, 0, 1)

        return ItemTargetEncodings(**{name: arrange(name) for name in PER_ITEM})

    def to_arrays(self) -> dict[str, np.ndarray]:
        """All but the ids, by name, for a file; the terms as the bytes of a JSON list."""
        held = {name: getattr(self.items if name in PER_ITEM else self, name) for name in _ARRAYS}
        text = json.dumps([list(self.terms.terms), self.terms.has_single_words])
        return held | {"terms": np.frombuffer(text.encode("utf-8", "surrogatepass"), dtype=np.uint8)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], ids: TrainedIds) -> TargetEncoder:
        """What `arrays` gave. Raises KeyError naming what is not there."""
        terms, words = json.loads(bytes(arrays["terms"].tolist()).decode("utf-8", "surrogatepass"))
        return cls(
            ids=ids, terms=KeywordVocabulary(tuple(terms), words),
            items=ItemTargetEncodings(**{name: arrays[name] for name in PER_ITEM}),
            fold=arrays["fold"], weights=arrays["weights"], intercepts=arrays["intercepts"],
            term_rates=arrays["term_rates"], means=arrays["means"],
        )


def _compute_shrunk_logit(likes: np.ndarray, count: np.ndarray, guess: np.ndarray) -> np.ndarray:
    """float64 (n_items,): logit of the like rate, drawn by 20 rows towards the probability of the logit `guess`."""
    rate = (likes + 20 / (1 + np.exp(-guess))) / (count + 20)
    return np.log(rate / (1 - rate))


def _compute_term_rates(table: sparse.csr_matrix, likes: np.ndarray, count: np.ndarray) -> np.ndarray:
    """float64 (n_terms,): like rate over the rows of all items of a term, drawn by 20 rows towards that of all."""
    mean = (likes.sum() + 1) / (count.sum() + 2)
    return np.asarray((table.T @ likes + 20 * mean) / (table.T @ count + 20))


def _aggregate_term_rates(table: sparse.csr_matrix, rates: np.ndarray) -> np.ndarray:
    """float64 (n_items, 3): mean, min and max over an item's terms of the terms' like rates; NaN without terms."""
    found = np.full((len(table.indptr) - 1, 3), np.nan)
    some = np.flatnonzero(np.diff(table.indptr))
    if len(some):
        starts, values = table.indptr[some], rates[table.indices]
        found[some, 0] = np.add.reduceat(values, starts) / np.diff(table.indptr)[some]
        found[some, 1] = np.minimum.reduceat(values, starts)
        found[some, 2] = np.maximum.reduceat(values, starts)
    return found
