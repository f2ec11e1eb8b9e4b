"""The two numbers that choose a model on validation rows."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

from thinkrec.data.dataset import Dataset
from thinkrec.data.rows import SPLITS
from thinkrec.errors import DataError


def rows_of_both_classes(ds: Dataset, split: int) -> np.ndarray:
    """int64 (m,): the row numbers of a split. Raises DataError if its labels are not of both classes."""
    rows = ds.interactions.rows(split)
    present = np.unique(ds.interactions.label[rows]).tolist()
    if present != [0, 1]:
        raise DataError(
            f"split {SPLITS[split]!r} has {len(rows)} rows with labels {present}: a collaborative model needs labels 0"
            " and 1 in it. Check the label threshold and the dates that cut the splits."
        )
    return rows


def auc(label: np.ndarray, score: np.ndarray) -> float:
    """Area under the ROC curve by ranks, ties counted half. NaN if only one class is present."""
    positive = label == 1
    n_pos = int(positive.sum())
    n_neg = len(label) - n_pos
    if n_pos == 0 or n_neg == 0:
        return float("nan")
    return float((rankdata(score)[positive].sum() - n_pos * (n_pos + 1) / 2) / (n_pos * n_neg))


def uauc(user: np.ndarray, label: np.ndarray, score: np.ndarray) -> float:
    """Unweighted mean of the AUC of each user who has both classes. NaN if there is no such user."""
    by = np.argsort(user, kind="stable")
    cuts = np.flatnonzero(np.diff(user[by])) + 1
    values = [auc(label[part], score[part]) for part in np.split(by, cuts)]
    kept = [value for value in values if not np.isnan(value)]
    return float(np.mean(kept)) if kept else float("nan")


def quality(user: np.ndarray, label: np.ndarray, score: np.ndarray) -> dict[str, float]:
    """`auc`, `uauc` and `selection` = AUC/4 + UAUC/3, the weighting ThinkRec's authors select by."""
    both = {"auc": auc(label, score), "uauc": uauc(user, label, score)}
    within = 0.0 if np.isnan(both["uauc"]) else both["uauc"]
    return {**both, "selection": both["auc"] / 4 + within / 3}
