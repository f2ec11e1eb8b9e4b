"""Non-personalised baselines: one number per item for all users, and random scores."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from thinkrec.collab import encoder_files
from thinkrec.collab.features.keyword_terms import KeywordRegression, KeywordVocabulary, fit_keyword_regression
from thinkrec.collab.features.past_statistics import compute_logit
from thinkrec.collab.selection import ModelSelector, select_two_class_rows
from thinkrec.collab.trained_ids import TrainedIds, take_rows
from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TRAIN, VALID
from thinkrec.io.config import Config
from thinkrec.io.hashing import hash_text_to_number


class RandomConfig(Config):
    """A random number per row."""

    kind: Literal["random"] = "random"


class ItemBaselineConfig(Config):
    """One number per item from train rows."""

    RENAMED_KEYS: ClassVar = {"strength": "prior_strength"}
    RENAMED_VALUES: ClassVar = {"kind": {"item_prior": "item_baseline"}}

    kind: Literal["item_baseline"] = "item_baseline"
    source: Literal["mean", "keywords", "both"] = "mean"
    """mean: the item's like rate. keywords: logistic regression on its keywords. both: the like rate, drawn towards
    what the keywords say in place of the overall mean."""
    prior_strength: float = Field(default=5.0, gt=0)
    """mean, both: pseudo-rows at the prior that are added to an item's own rows. On ML-1M validation about 2 is best
    for `mean` and 20 for `both` with written keywords."""
    keyword_strength: float = Field(default=0.003, gt=0)
    """keywords, both: inverse L2 penalty of the regression."""


class ItemBaseline:
    """Non-personalised baseline: logit of an item's like rate, the same for every user.

    Items without train rows get the prior alone, and so do items that were not in the data of the fit: the overall
    mean, or the keyword regression's value.
    """

    def __init__(self, config: ItemBaselineConfig | None = None):
        """An unfitted scorer."""
        self.config = config or ItemBaselineConfig()
        self.values: np.ndarray | None = None
        self.terms = KeywordVocabulary(())
        self.guess = KeywordRegression(np.zeros(0), 0.0)
        self.ids = TrainedIds([], [])

    def fit(self, ds: Dataset, *, seed: int, progress: bool = False) -> list[dict[str, Any]]:
        """See `Scorer.fit`: one record. Nothing is random here, so `seed` changes nothing."""
        del seed, progress
        train, valid = select_two_class_rows(ds, TRAIN), select_two_class_rows(ds, VALID)
        data, config = ds.interactions, self.config
        item, label = data.item[train], data.label[train].astype(np.float64)
        # Without terms the regression is the overall mean, which is the prior of `mean`.
        self.terms = (
            KeywordVocabulary(()) if config.source == "mean" else KeywordVocabulary.from_keywords(ds.items.keywords)
        )
        table, self.ids = self.terms.build_matrix(ds.items.keywords), TrainedIds.from_dataset(ds)
        self.guess = fit_keyword_regression(table, item, label, config.keyword_strength)
        self.values = self.guess.predict_logits(table)
        if config.source != "keywords":
            likes = np.bincount(item, weights=label, minlength=len(ds.items))
            count = np.bincount(item, minlength=len(ds.items))
            prior = 1 / (1 + np.exp(-self.values))
            self.values = compute_logit((likes + config.prior_strength * prior) / (count + config.prior_strength))
        return [
            {
                "epoch": 1,
                **ModelSelector.from_labels(data.user[valid], data.label[valid]).compute_metrics(self.score(ds, valid)),
            }
        ]

    def score(self, ds: Dataset, rows: np.ndarray) -> np.ndarray:
        """Logits, float64 (len(rows),)."""
        if self.values is None:
            raise RuntimeError("this item prior has no values yet: call fit, or load a saved one")
        item = ds.interactions.item[rows]
        item_rows = self.ids.find_item_rows(ds)[item]
        logits = take_rows(self.values, item_rows, 0.0)
        is_new = item_rows >= len(self.values)
        if is_new.any():
            logits[is_new] = self.guess.predict_logits(
                self.terms.build_matrix([ds.items.keywords[code] for code in item[is_new]])
            )
        return logits

    def save(self, folder: Path) -> None:
        """See `Scorer.save`."""
        if self.values is None:
            raise RuntimeError("this item prior has no values yet: call fit before save")
        terms = np.frombuffer(json.dumps(self.terms.terms).encode("utf-8", "surrogatepass"), dtype=np.uint8)
        arrays = {
            "values": self.values,
            "terms": terms,
            "weights": self.guess.weights,
            "intercept": np.array([self.guess.intercept]),
        }
        encoder_files.write_scorer(folder, self.config, arrays, self.ids)

    @classmethod
    def load(cls, folder: Path) -> ItemBaseline:
        """See `Scorer.load`."""
        config, arrays = encoder_files.read_scorer(folder, ItemBaselineConfig)
        scorer = cls(config)
        scorer.ids = TrainedIds.load(folder)
        scorer.values = arrays["values"]
        scorer.terms = KeywordVocabulary(
            tuple(json.loads(bytes(arrays["terms"].tolist()).decode("utf-8", "surrogatepass")))
        )
        scorer.guess = KeywordRegression(arrays["weights"], float(arrays["intercept"][0]))
        return scorer


class RandomScorer:
    """A score that knows nothing: a fixed random number per user, item and time, wherever the row stands."""

    def __init__(self, config: RandomConfig | None = None):
        """An unfitted scorer."""
        self.config = config or RandomConfig()
        self.seed = 0

    def fit(self, ds: Dataset, *, seed: int, progress: bool = False) -> list[dict[str, Any]]:
        """See `Scorer.fit`: no records."""
        del ds, progress
        self.seed = seed
        return []

    def score(self, ds: Dataset, rows: np.ndarray) -> np.ndarray:
        """Uniform numbers in [0, 1), float64 (len(rows),); a row's number does not depend on the other rows."""
        data = ds.interactions
        users = np.array([_hash_id(id_) for id_ in ds.user_ids] + [0] * (data.n_users - len(ds.user_ids)), np.uint64)
        items = np.array([_hash_id(id_) for id_ in ds.items.ids], dtype=np.uint64)
        state = _mix_bits(users[data.user[rows]] + np.uint64(self.seed % 2**64))
        for bits in (items[data.item[rows]], data.timestamp[rows].astype(np.uint64)):
            state = _mix_bits(state ^ bits)
        return (state >> np.uint64(11)) / 2.0**53

    def save(self, folder: Path) -> None:
        """See `Scorer.save`."""
        encoder_files.write_scorer(folder, self.config, {"seed": np.array([self.seed], dtype=np.int64)})

    @classmethod
    def load(cls, folder: Path) -> RandomScorer:
        """See `Scorer.load`."""
        config, arrays = encoder_files.read_scorer(folder, RandomConfig)
        scorer = cls(config)
        scorer.seed = int(arrays["seed"][0])
        return scorer


def _hash_id(id_: Any) -> int:
    """A 64-bit number of an id."""
    return hash_text_to_number(str(id_))


def _mix_bits(state: np.ndarray) -> np.ndarray:
    """The finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014), uint64, which spreads every bit over all."""
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))
