"""Gradient boosting on causal features: the baseline that a reasoning recommender has to beat."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field
from sklearn.ensemble import HistGradientBoostingClassifier

from thinkrec.collab import encoder_files
from thinkrec.collab.features import tree_features
from thinkrec.collab.features.query_features import build_query_features
from thinkrec.collab.features.user_subset import sample_users, split_into_user_blocks, take_user_rows
from thinkrec.collab.gradient_boosting import TreeEnsemble
from thinkrec.collab.selection import ModelSelector, select_two_class_rows
from thinkrec.collab.trained_ids import TrainedIds
from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TRAIN, VALID
from thinkrec.data.query import Query
from thinkrec.errors import CheckpointError
from thinkrec.io.config import Config
from thinkrec.io.progress import Progress

BLOCK = 1_000_000
"""Rows whose features are held at once when rows are scored."""


class GradientBoostingConfig(Config):
    """Boosted trees on the features of `thinkrec.collab.features.tree_features`."""

    RENAMED_KEYS: ClassVar = {
        "bags": "n_seeds",
        "leaves": "max_leaves",
        "min_rows": "min_leaf_rows",
        "columns": "feature_fraction",
        "blend": "item_logit_weights",
    }

    kind: Literal["boosting"] = "boosting"
    trees: int = Field(default=300, ge=1)
    """Upper bound on trees per bag; validation chooses how many are kept."""
    n_seeds: int = Field(default=3, ge=1)
    """Models with different seeds whose logits are averaged."""
    lr: float = Field(default=0.05, gt=0)
    """Shrinkage of each tree."""
    max_leaves: int = Field(default=15, ge=2)
    """Leaves per tree."""
    min_leaf_rows: int = Field(default=60, ge=1)
    """Fewest train rows in a leaf."""
    l2: float = Field(default=10.0, ge=0)
    """L2 penalty on leaf values."""
    feature_fraction: float = Field(default=0.5, gt=0, le=1)
    """Share of features that a split may choose from."""
    folds: int = Field(default=10, ge=2)
    """Folds of users for the item statistics of train rows."""
    keyword_strength: float = Field(default=0.003, gt=0)
    """Inverse L2 penalty of the keyword regression among the features."""
    max_train_rows: int | None = Field(default=None, ge=1)
    """Train rows that the trees see, and validation rows that choose how many there are, of whole users drawn by seed;
    null: all. Their features take about 800 bytes a row while they are made. Item statistics are of all train rows."""
    item_logit_weights: tuple[float, ...] = (0.0, 0.1, 0.25, 0.5)
    """Candidate weights of the item-only logit that is added to the trees' logit; validation chooses one."""


class GradientBoosting:
    """logit(like) = mean of the bags' trees + w * (logit of the item's like rate drawn towards its keywords).

    The number of trees and w are those with the best AUC/4 + UAUC/3 on validation rows (`selection.ModelSelector`).
    What the features take from train rows is kept with the trees, by id; the rest of a row's features is its user's
    past in the data that are scored. An item that was not in the data of the fit counts as one without ratings.
    """

    def __init__(self, config: GradientBoostingConfig | None = None):
        """An unfitted scorer."""
        self.config = config or GradientBoostingConfig()
        self.trees: TreeEnsemble | None = None
        self.learned: tree_features.FeatureStatistics | None = None
        self.weight = 0.0

    def fit(self, ds: Dataset, *, seed: int, progress: bool = False) -> list[dict[str, Any]]:
        """See `Scorer.fit`: one record per tenth tree and per blend weight that was compared.

        The first says of how many rows the trees are, out of how many, and the seed where rows were drawn.
        """
        n_train, n_valid = (len(select_two_class_rows(ds, split)) for split in (TRAIN, VALID))
        config, most, drawn = self.config, self.config.max_train_rows, {}
        self.learned = tree_features.FeatureStatistics.from_dataset(
            ds, folds=config.folds, seed=seed, keyword_strength=config.keyword_strength
        )
        if most is not None and max(n_train, n_valid) > most:
            ds, _ = take_user_rows(ds, sample_users(ds, most, (TRAIN, VALID), seed))
            drawn = {"seed": seed, "of_train_rows": n_train, "of_valid_rows": n_valid}
        train, valid, data = select_two_class_rows(ds, TRAIN), select_two_class_rows(ds, VALID), ds.interactions
        drawn = {"train_rows": len(train), "valid_rows": len(valid), **drawn}
        table = tree_features.build_features(ds, self.learned)
        options: dict[str, Any] = {
            "learning_rate": config.lr,
            "max_iter": config.trees,
            "max_leaf_nodes": config.max_leaves,
            "min_samples_leaf": config.min_leaf_rows,
            "l2_regularization": config.l2,
            "max_features": config.feature_fraction,
            "early_stopping": False,  # scikit-learn would stop on train rows; the stage is chosen on validation below
        }
        # scikit-learn cannot cut a column without any number, such as years where no title has one; no tree needs it.
        seen = table.values[train]
        seen[:, np.isnan(seen).all(axis=0)] = 0.0
        models, staged = [], np.zeros((config.trees, len(valid)))
        with Progress("boosting", config.n_seeds, shown=progress) as bar:
            for bag in range(config.n_seeds):
                model = HistGradientBoostingClassifier(**options, random_state=seed * 1000 + bag).fit(
                    seen, data.label[train]
                )
                models.append(model)
                for stage, values in enumerate(model.staged_decision_function(table.values[valid])):
                    staged[stage] += np.ravel(values) / config.n_seeds
                bar.advance(1)

        item = self._get_item_logit(table, valid)
        selector = ModelSelector.from_labels(data.user[valid], data.label[valid])
        selector.warn_fallback("the number of trees is")

        def record(n: int, weight: float) -> dict[str, Any]:
            return {"epoch": n, "weight": weight, **selector.compute_metrics(staged[n - 1] + weight * item)}

        stages = sorted({*range(10, config.trees + 1, 10), config.trees})
        records = [record(n, 0.0) for n in stages]
        n = max(records, key=lambda entry: entry["value"])["epoch"]
        blended = [record(n, weight) for weight in config.item_logit_weights]
        self.weight = max(blended, key=lambda entry: entry["value"])["weight"]
        self.trees = TreeEnsemble.from_models(models, n)
        return [records[0] | drawn, *records[1:], *blended]

    @staticmethod
    def _get_item_logit(table: tree_features.FeatureTable, rows: np.ndarray) -> np.ndarray:
        return table.values[rows, table.names.index("item_best")]

    def score(self, ds: Dataset, rows: np.ndarray) -> np.ndarray:
        """Logits, float64 (len(rows),)."""
        if self.trees is None or self.learned is None:
            raise RuntimeError("this boosting has no trees yet: call fit, or load a saved one")
        scores = np.empty(len(rows))
        for users in split_into_user_blocks(ds, rows, BLOCK):
            part, part_rows = (ds, None) if len(ds.interactions) <= BLOCK else take_user_rows(ds, users)
            table = tree_features.build_features(part, self.learned)
            places = np.flatnonzero(users[ds.interactions.user[rows]])
            asked = rows[places] if part_rows is None else np.searchsorted(part_rows, rows[places])
            scores[places] = self.trees.score(table.values[asked]) + self.weight * self._get_item_logit(table, asked)
        return scores

    def score_query(self, ds: Dataset, query: Query) -> np.ndarray:
        """Logits of a query's candidates, float64 (c,); see `QueryScorer.score_query`."""
        if self.trees is None or self.learned is None:
            raise RuntimeError("this boosting has no trees yet: call fit, or load a saved one")
        if not len(query.candidates):
            return np.zeros(0)
        table, shared = build_query_features(ds, self.learned, query)
        values = np.array([shared[name][0] if name in shared else np.inf for name in table.names])
        every = np.arange(len(query.candidates))
        return self.trees.fix_features(values).score(table.values) + self.weight * self._get_item_logit(table, every)

    def save(self, folder: Path) -> None:
        """See `Scorer.save`."""
        if self.trees is None or self.learned is None:
            raise RuntimeError("this boosting has no trees yet: call fit before save")
        learned = {f"learned.{name}": array for name, array in self.learned.to_arrays().items()}
        own = {"weight": np.array([self.weight])}
        encoder_files.write_scorer(
            folder, self.config, self.trees.to_arrays() | own | learned, self.learned.target_encoder.ids
        )

    @classmethod
    def load(cls, folder: Path) -> GradientBoosting:
        """See `Scorer.load`."""
        config, arrays = encoder_files.read_scorer(folder, GradientBoostingConfig)
        scorer = cls(config)
        scorer.weight = float(arrays.pop("weight")[0])
        learned = {name: arrays.pop(name) for name in list(arrays) if name.startswith("learned.")}
        named = {name.removeprefix("learned."): array for name, array in learned.items()}
        try:
            scorer.learned = tree_features.FeatureStatistics.from_arrays(named, TrainedIds.load(folder))
        except KeyError as error:
            raise CheckpointError(f"{folder} lacks {error} beside its trees. Fit the scorer again.") from error
        scorer.trees = TreeEnsemble(**arrays)
        return scorer
