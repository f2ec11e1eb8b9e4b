"""Ranking metrics on parts of the rows: cold users and items, short and long pasts, rare and popular items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TRAIN
from thinkrec.errors import DataError
from thinkrec.evaluate.metrics.bootstrap import bootstrap_metrics, compute_interval
from thinkrec.evaluate.metrics.calibration import compute_expected_calibration_error

PAST_EDGES = (1, 10, 50, 200)
"""Visible earlier rows of the user from which the next slice begins."""
ITEM_EDGES = (1, 10, 30, 100)
"""Train rows of the item from which the next slice begins."""
METRICS = ("auc", "uauc", "ndcg")


@dataclass(frozen=True, eq=False)
class RowSlice:
    """Some of the rows that are judged."""

    group: str
    """What the rows are parted by."""
    name: str
    mask: np.ndarray
    """bool (n,)."""


def build_slices(
    ds: Dataset, rows: np.ndarray, past_edges: Sequence[int] = PAST_EDGES, item_edges: Sequence[int] = ITEM_EDGES
) -> list[RowSlice]:
    """All rows, and the parts of three divisions; parts without rows are left out.

    Args:
        ds: with train rows.
        rows: int64 (n,): the row numbers judged.
        past_edges: ascending numbers of earlier rows that a row may see (`Interactions.past`), above 0.
        item_edges: likewise, of train rows of the row's item.

    Raises DataError for edges that do not ascend from 1 on.
    """
    data = ds.interactions
    train = data.split == TRAIN
    per_user = np.bincount(data.user[train], minlength=data.n_users)[data.user[rows]]
    per_item = np.bincount(data.item[train], minlength=len(ds.items))[data.item[rows]]
    past = data.past.count_visible_rows(rows)
    slices = [RowSlice("all", "all rows", np.ones(len(rows), dtype=bool))]
    slices += _divide_rows("user", per_user, (1,), ("no train row", "train rows"))
    slices += _divide_rows("earlier rows", past, past_edges)
    slices += _divide_rows("train rows of the item", per_item, item_edges)
    return [part for part in slices if part.mask.any()]


def _divide_rows(
    group: str, counts: np.ndarray, edges: Sequence[int], names: Sequence[str] | None = None
) -> list[RowSlice]:
    if not edges or edges[0] < 1 or any(a >= b for a, b in pairwise(edges)):
        raise DataError(f"edges {','.join(map(str, edges))} of {group}: give ascending whole numbers from 1 on")
    bounds = [0, *edges, None]
    names = names or [_name_range(low, high) for low, high in pairwise(bounds)]
    which = np.searchsorted(np.asarray(edges), counts, side="right")
    return [RowSlice(group, name, which == n) for n, name in enumerate(names)]


def _name_range(low: int, high: int | None) -> str:
    if high is None:
        return f"{low} and more"
    return str(low) if high == low + 1 else f"{low} to {high - 1}"


def measure_slices(
    slices: Sequence[RowSlice],
    user: np.ndarray,
    label: np.ndarray,
    scores: Mapping[str, np.ndarray],
    *,
    k: int = 5,
    draws: int = 1000,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """One entry per slice and model, as JSON values; all rows are (n,) arrays in one order.

    Each has group, slice, model, rows, users, users_in_uauc, like_rate, ece, and per metric `value`, `low`, `high`, a
    95 % interval over draws of the slice's users; None where a metric is not defined (a slice of one class). ECE takes
    1 / (1 + exp(-score)) for the probability of a like. NDCG counts a user's rows inside the slice alone.
    """
    entries = []
    for part in slices:
        y, who = label[part.mask], user[part.mask]
        for model, all_scores in scores.items():
            s = all_scores[part.mask].astype(np.float64)
            sample = bootstrap_metrics(who, y, s, k=k, draws=draws, seed=seed)
            estimates = {name: compute_interval(sample, name) for name in METRICS}
            entries.append(
                {
                    "group": part.group,
                    "slice": part.name,
                    "model": model,
                    "rows": len(y),
                    "users": len(np.unique(who)),
                    "users_in_uauc": int((~np.isnan(sample.per_user.auc)).sum()),
                    "like_rate": float(y.mean()),
                    "ece": compute_expected_calibration_error(y, 1 / (1 + np.exp(-np.clip(s, -60, 60)))),
                    **{
                        name: {"value": _drop_nan(one.value), "low": _drop_nan(one.low), "high": _drop_nan(one.high)}
                        for name, one in estimates.items()
                    },
                }
            )
    return entries


def _drop_nan(value: float | None) -> float | None:
    return None if value is None or np.isnan(value) else float(value)
