"""Model selection on validation rows: one criterion per model, by the metrics that are defined there."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.stats import rankdata

from thinkrec.data.columns import DataWarning
from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import SPLITS
from thinkrec.errors import DataError


def select_two_class_rows(ds: Dataset, split: int) -> np.ndarray:
    """Row numbers of a split, int64 (m,). Raises DataError if its labels are not of both classes."""
    rows = ds.interactions.get_split_rows(split)
    present = np.unique(ds.interactions.label[rows]).tolist()
    if present != [0, 1]:
        raise DataError(
            f"split {SPLITS[split]!r} has {len(rows)} rows with labels {present}: a collaborative model needs labels 0"
            " and 1 in it. Check the label threshold and the dates that cut the splits."
        )
    return rows


def compute_auc(label: np.ndarray, score: np.ndarray) -> float:
    """Area under the ROC curve by ranks, ties counted half. NaN if only one class is present."""
    positive = label == 1
    n_pos = int(positive.sum())
    n_neg = len(label) - n_pos
    if n_pos == 0 or n_neg == 0:
        return float("nan")
    return float((rankdata(score)[positive].sum() - n_pos * (n_pos + 1) / 2) / (n_pos * n_neg))


def compute_uauc(user: np.ndarray, label: np.ndarray, score: np.ndarray) -> float:
    """Unweighted mean of the AUC of each user who has both classes. NaN if there is no such user."""
    by = np.argsort(user, kind="stable")
    cuts = np.flatnonzero(np.diff(user[by])) + 1
    values = [compute_auc(label[rows], score[rows]) for rows in np.split(by, cuts)]
    defined = [value for value in values if not np.isnan(value)]
    return float(np.mean(defined)) if defined else float("nan")


def compute_cross_entropy(label: np.ndarray, score: np.ndarray) -> float:
    """Mean binary cross-entropy of logits (n,), in nats."""
    return float(np.mean(np.logaddexp(0.0, score) - label * score))


Criterion = Literal["AUC / 4 + UAUC / 3", "AUC", "cross-entropy"]
"""What a state is selected by: the weighting of ThinkRec's authors where both are defined, else AUC, else the loss."""


@dataclass(frozen=True, eq=False)
class ModelSelector:
    """Measures the states of one model on the same validation rows.

    The criterion follows from the rows and not from the scores, so that the values of all states compare.
    """

    user: np.ndarray | None
    """(n,): the user of each row; None where UAUC is not part of the criterion."""
    label: np.ndarray
    """(n,): 0 or 1."""
    criterion: Criterion
    fallback_reason: str | None
    """Why the criterion is not the usual one; None where it is."""

    @classmethod
    def from_labels(cls, user: np.ndarray | None, label: np.ndarray) -> ModelSelector:
        """Choose the criterion. Raises DataError if there are no rows."""
        n, classes = len(label), np.unique(label)
        if not n:
            raise DataError("there are no validation rows, and models are selected on them; check the split")
        if len(classes) < 2:
            return cls(
                user,
                label,
                "cross-entropy",
                f"all {n:,} validation rows have label {classes[0]}, so that AUC is not defined",
            )
        if user is None:
            return cls(user, label, "AUC", None)
        positive, negative = (np.unique(user[label == value]) for value in classes[::-1])
        if not len(np.intersect1d(positive, negative)):
            return cls(
                user,
                label,
                "AUC",
                f"none of the {len(np.unique(user)):,} users has liked and disliked rows"
                f" among the {n:,} validation rows, so that UAUC is not defined",
            )
        return cls(user, label, "AUC / 4 + UAUC / 3", None)

    def warn_fallback(self, what: str) -> None:
        """Say as a DataWarning that `what` is selected otherwise than usual, where it is."""
        if self.fallback_reason is not None:
            warnings.warn(
                f"{what} selected by validation {self.criterion}: {self.fallback_reason}", DataWarning, stacklevel=2
            )

    def compute_metrics(self, score: np.ndarray) -> dict[str, float]:
        """Metrics `auc`, `uauc` (where there are users), `valid_loss` and `value`, the criterion (higher is better).

        A metric that is not defined is NaN; if a score is not finite, all are: no comparison prefers such a state.
        """
        if not np.isfinite(score).all():
            return dict.fromkeys(("auc", *([] if self.user is None else ["uauc"]), "valid_loss", "value"), float("nan"))
        metrics = {"auc": compute_auc(self.label, score)}
        if self.user is not None:
            metrics["uauc"] = compute_uauc(self.user, self.label, score)
        metrics["valid_loss"] = compute_cross_entropy(self.label, score)
        if self.criterion == "cross-entropy":
            value = -metrics["valid_loss"]
        else:
            value = metrics["auc"] if self.criterion == "AUC" else metrics["auc"] / 4 + metrics["uauc"] / 3
        return {**metrics, "value": value}
