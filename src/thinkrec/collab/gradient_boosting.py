"""Boosted trees as plain arrays, so that they can be saved without pickle and applied without scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier


@dataclass(frozen=True)
class TreeEnsemble:
    """The nodes of all trees in one row of arrays (n_nodes,); the score is `baseline` plus one leaf of each tree."""

    feature: np.ndarray
    """int64: column that the node looks at."""
    threshold: np.ndarray
    """float64: at most this goes left."""
    missing_left: np.ndarray
    """bool: NaN goes left."""
    left: np.ndarray
    """int64: node number of the left child; a leaf is its own child."""
    right: np.ndarray
    """int64: node number of the right child."""
    value: np.ndarray
    """float64: what a leaf adds."""
    root: np.ndarray
    """int64 (n_trees,): node number of each tree's first node."""
    baseline: np.ndarray
    """float64 (1,)"""

    @classmethod
    def from_models(cls, models: Sequence[HistGradientBoostingClassifier], n_trees: int) -> TreeEnsemble:
        """The mean of binary models' decision functions, each cut after its first `n_trees` trees."""
        node_tables: list[np.ndarray] = []
        roots, offsets, total = [], [], 0
        for model in models:
            for (tree,) in model._predictors[:n_trees]:  # scikit-learn offers no public view of the nodes
                roots.append(total)
                offsets.append(np.full(len(tree.nodes), total))
                node_tables.append(tree.nodes)
                total += len(tree.nodes)
        nodes, offset = np.concatenate(node_tables), np.concatenate(offsets)
        leaf, itself = nodes["is_leaf"].astype(bool), np.arange(total)
        return cls(
            feature=np.where(leaf, 0, nodes["feature_idx"]).astype(np.int64),
            threshold=nodes["num_threshold"].astype(np.float64),
            missing_left=nodes["missing_go_to_left"].astype(bool),
            left=np.where(leaf, itself, nodes["left"] + offset).astype(np.int64),
            right=np.where(leaf, itself, nodes["right"] + offset).astype(np.int64),
            value=nodes["value"] / len(models),
            root=np.array(roots, dtype=np.int64),
            baseline=np.mean([np.ravel(model._baseline_prediction) for model in models], axis=0),
        )

    def fix_features(self, values: np.ndarray) -> TreeEnsemble:
        """The same trees where some features are known to have one value in all rows: nodes on these are gone.

        `values`: float64 (n_features,), the value of such features; infinite for those that vary.
        """
        value = values[self.feature]
        is_known = ~np.isinf(value) & (self.left != np.arange(len(self.left)))
        goes_left = np.where(np.isnan(value), self.missing_left, value <= self.threshold)
        chosen = np.where(goes_left, self.left, self.right)
        target = np.arange(len(self.left))
        while is_known[target].any():
            target = np.where(is_known[target], chosen[target], target)
        return replace(self, left=target[self.left], right=target[self.right], root=target[self.root])

    def score(self, features: np.ndarray) -> np.ndarray:
        """Logits, float64 (n,), from features (n, n_features)."""
        total = np.full(len(features), self.baseline[0])
        rows = np.arange(len(features))
        for root in self.root:
            node = np.full(len(features), root)
            while True:
                values = features[rows, self.feature[node]]
                goes_left = np.where(np.isnan(values), self.missing_left[node], values <= self.threshold[node])
                following = np.where(goes_left, self.left[node], self.right[node])
                if np.array_equal(following, node):
                    break
                node = following
            total += self.value[node]
        return total

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The arrays by name, for a file."""
        return {field.name: getattr(self, field.name) for field in fields(self)}
