"""One number per item, nothing personal: the bar that a recommender has to clear before it is called personal."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from thinkrec.collab import files
from thinkrec.collab.keywords import keyword_logit, keyword_table
from thinkrec.collab.selection import Selector, rows_of_both_classes
from thinkrec.collab.statistics import logit
from thinkrec.data.dataset import Dataset
from thinkrec.data.rows import TRAIN, VALID
from thinkrec.errors import DataError


class RandomConfig(BaseModel):
    """A random number per row."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["random"] = "random"


class ItemPriorConfig(BaseModel):
    """One number per item from train rows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["item_prior"] = "item_prior"
    source: Literal["mean", "keywords", "both"] = "mean"
    """mean: the item's like rate. keywords: logistic regression on its keywords. both: the like rate, drawn towards
    what the keywords say in place of the overall mean."""
    strength: float = Field(default=5.0, gt=0)
    """mean, both: pseudo-rows at the prior that are added to an item's own rows. On ML-1M validation about 2 is best
    for `mean` and 20 for `both` with written keywords."""
    keyword_strength: float = Field(default=0.003, gt=0)
    """keywords, both: inverse L2 penalty of the regression."""


def item_prior(
    ds: Dataset, item: np.ndarray, label: np.ndarray, config: ItemPriorConfig, table: Any = None
) -> np.ndarray:
    """float64 (n_items,): the logit per item from (item, label) rows. `table`: `keyword_table(ds)` if at hand."""
    if config.source == "mean":
        prior = np.full(len(ds.items), (label.sum() + 1) / (len(label) + 2))
    else:
        table = keyword_table(ds) if table is None else table
        guess = keyword_logit(table, item, label, config.keyword_strength)
        if config.source == "keywords":
            return guess
        prior = 1 / (1 + np.exp(-guess))
    likes = np.bincount(item, weights=label, minlength=len(ds.items))
    count = np.bincount(item, minlength=len(ds.items))
    return logit((likes + config.strength * prior) / (count + config.strength))


class ItemPrior:
    """The same score for every user. Items without train rows get the prior alone."""

    def __init__(self, config: ItemPriorConfig | None = None):
        self.config = config or ItemPriorConfig()
        self.values: np.ndarray | None = None

    def fit(self, ds: Dataset, *, seed: int, progress: bool = False) -> list[dict[str, Any]]:
        """See `Scorer.fit`: one record. Nothing is random here, so `seed` changes nothing."""
        del seed, progress
        train, valid = rows_of_both_classes(ds, TRAIN), rows_of_both_classes(ds, VALID)
        data = ds.interactions
        self.values = item_prior(ds, data.item[train], data.label[train].astype(np.float64), self.config)
        return [{"epoch": 1, **Selector.of(data.user[valid], data.label[valid]).measure(self.score(ds, valid))}]

    def score(self, ds: Dataset, rows: np.ndarray) -> np.ndarray:
        """float64 (len(rows),): logits."""
        if self.values is None:
            raise RuntimeError("this item prior has no values yet: call fit, or load a saved one")
        if len(self.values) != len(ds.items):
            raise DataError(
                f"the data has {len(ds.items)} items, but the prior was fitted on {len(self.values)}. Fit it again."
            )
        return self.values[ds.interactions.item[rows]]

    def save(self, folder: Path) -> None:
        """See `Scorer.save`."""
        if self.values is None:
            raise RuntimeError("this item prior has no values yet: call fit before save")
        files.write(folder, self.config, {"values": self.values})

    @classmethod
    def load(cls, folder: Path) -> ItemPrior:
        """See `Scorer.load`."""
        config, arrays = files.read(folder, ItemPriorConfig)
        found = cls(config)
        found.values = arrays["values"]
        return found


class Random:
    """A score that knows nothing: a fixed random number per row of the incoming table."""

    def __init__(self, config: RandomConfig | None = None):
        self.config = config or RandomConfig()
        self.seed = 0

    def fit(self, ds: Dataset, *, seed: int, progress: bool = False) -> list[dict[str, Any]]:
        """See `Scorer.fit`: no records."""
        del ds, progress
        self.seed = seed
        return []

    def score(self, ds: Dataset, rows: np.ndarray) -> np.ndarray:
        """float64 (len(rows),): uniform in [0, 1); a row keeps its number whichever rows are asked together."""
        return np.random.default_rng(self.seed).random(len(ds.interactions))[rows]

    def save(self, folder: Path) -> None:
        """See `Scorer.save`."""
        files.write(folder, self.config, {"seed": np.array([self.seed], dtype=np.int64)})

    @classmethod
    def load(cls, folder: Path) -> Random:
        """See `Scorer.load`."""
        config, arrays = files.read(folder, RandomConfig)
        found = cls(config)
        found.seed = int(arrays["seed"][0])
        return found
