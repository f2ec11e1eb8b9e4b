"""Calibration of several models on the same rows, as JSON values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from thinkrec.evaluate.metrics.bootstrap import Estimate
from thinkrec.evaluate.metrics.equal_mass import Calibration, measure_calibration
from thinkrec.io.progress import Progress

ESTIMATES = ("error", "offset", "slope")
"""The figures of an entry that have an interval."""


def measure_calibrations(
    user: np.ndarray,
    label: np.ndarray,
    scores: Mapping[str, np.ndarray],
    *,
    bins: int = 10,
    draws: int = 1000,
    seed: int = 0,
    progress: bool = False,
) -> list[dict[str, Any]]:
    """One entry per model; all rows are (n,) arrays in one order, scores are log-odds of a like.

    Each has model, rows, users, like_rate, `error` (ECE), `offset` and `slope` with `value`, `low`, `high`, the
    `floor` of the error, and `bins`: predicted, observed, low, high, rows. None where a figure is not defined.
    """
    entries = []
    with Progress("calibration", len(scores), shown=progress, unit="models") as bar:
        for model, score in scores.items():
            result = measure_calibration(user, label, score, bins=bins, draws=draws, seed=seed)
            entries.append(
                {
                    "model": model,
                    "rows": len(label),
                    "users": len(np.unique(user)),
                    "like_rate": float(np.mean(label)),
                    **{name: _to_plain(getattr(result, name)) for name in ESTIMATES},
                    "floor": result.floor,
                    "bins": _list_bins(result),
                }
            )
            bar.advance(1)
    return entries


def _list_bins(result: Calibration) -> list[dict[str, float | int]]:
    curve = result.curve
    columns = (curve.predicted, curve.observed, result.low, result.high, curve.count)
    return [
        {"predicted": float(p), "observed": float(o), "low": float(low), "high": float(high), "rows": int(n)}
        for p, o, low, high, n in zip(*columns, strict=True)
    ]


def _to_plain(one: Estimate) -> dict[str, float | None]:
    values = {"value": one.value, "low": one.low, "high": one.high}
    return {key: None if v is None or math.isnan(v) else float(v) for key, v in values.items()}
