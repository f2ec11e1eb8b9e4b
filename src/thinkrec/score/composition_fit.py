"""Fits a score composition on validation rows: weights by search, calibration by logistic regression."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from thinkrec.collab.selection import ModelSelector
from thinkrec.score.composition import ScoreComposition

GRID = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)
"""Weights that are tried; the model's own is 1."""
STARTS = (0.0, 0.5)
"""Weights of the other parts where a search starts."""
ROUNDS = 5
SHORTFALL_COST = 10.0
"""What a missing unit of AUC costs in units of UAUC, where a least AUC is asked for."""


def fit_composition(
    parts: Mapping[str, np.ndarray],
    user: np.ndarray,
    label: np.ndarray,
    item_logits: np.ndarray,
    residuals: np.ndarray,
    *,
    min_auc: float | None = None,
    seed: int = 0,
) -> tuple[ScoreComposition, dict[str, Any]]:
    """Choose weights, calibrate their sum, and find how it splits into item, user and person.

    Args:
        parts: part -> (n,) scores of validation rows; `model` among them.
        user: (n,) users of the rows.
        label: (n,) 0 or 1, of both classes.
        item_logits: (n,), less that of all rows.
        residuals: (n, 2) of the user's past, see `ScoreComposition.user_slopes`.
        min_auc: see `CompositionConfig.min_auc`.
        seed: draws the halves of users of the held-out figures.

    Returns:
        The composition, and what is worth knowing of the choice: metrics of every part alone and of the composed score,
        and `held_out`, where each half of the users is scored by weights that the other half chose.
    """
    every = np.ones(len(label), dtype=bool)
    weights = choose_weights(parts, user, label, every, min_auc)
    total = _add_parts(parts, weights)
    scale, offset = fit_calibration(total, label)
    composed = scale * total + offset
    design = np.column_stack([np.ones(len(label)), item_logits, residuals])
    slopes = np.linalg.lstsq(design, composed, rcond=None)[0]
    composition = ScoreComposition(
        weights, scale, offset, float(slopes[0]), float(slopes[1]), (float(slopes[2]), float(slopes[3]))
    )
    return composition, {
        "n_rows": len(label),
        "alone": {name: _measure_ranking(scores, user, label) for name, scores in parts.items()},
        "composed": _measure_ranking(composed, user, label),
        "held_out": _measure_held_out(parts, user, label, min_auc, seed),
    }


def choose_weights(
    parts: Mapping[str, np.ndarray], user: np.ndarray, label: np.ndarray, rows: np.ndarray, min_auc: float | None
) -> dict[str, float]:
    """Weights of the parts, from GRID, by coordinate ascent from every one of STARTS on the rows of a mask.

    The model's own weight stays 1. Of equal ones the first that was tried counts.
    """
    value = _build_objective(user[rows], label[rows], min_auc)
    seen = {name: scores[rows] for name, scores in parts.items()}
    others = [name for name in parts if name != "model"]
    best: tuple[float, dict[str, float]] = (-np.inf, {})
    for start in STARTS:
        weights = {name: 1.0 if name == "model" else start for name in parts}
        reached = value(_add_parts(seen, weights))
        for _ in range(ROUNDS):
            before = dict(weights)
            for name in others:
                for weight in GRID:
                    trial = {**weights, name: weight}
                    if (score := value(_add_parts(seen, trial))) > reached + 1e-9:
                        reached, weights = score, trial
            if weights == before:
                break
        if reached > best[0]:
            best = (reached, weights)
    return best[1]


def fit_calibration(total: np.ndarray, label: np.ndarray) -> tuple[float, float]:
    """Scale > 0 and offset of a logistic regression of labels on one score (n,) (Platt, 1999).

    Where the fitted slope is not above 0, or the score does not vary, it is (1, 0): the order of rows never turns.
    """
    spread = float(total.std())
    if spread <= 0:
        return 1.0, 0.0
    model = LogisticRegression(C=1e6).fit(((total - total.mean()) / spread)[:, None], label)
    scale = float(model.coef_[0, 0]) / spread
    return (scale, float(model.intercept_[0]) - scale * float(total.mean())) if scale > 0 else (1.0, 0.0)


def _build_objective(user: np.ndarray, label: np.ndarray, min_auc: float | None) -> Callable[[np.ndarray], float]:
    selector = ModelSelector.from_labels(user, label)

    def value(scores: np.ndarray) -> float:
        metrics = selector.compute_metrics(scores)
        if min_auc is None or selector.fallback_reason is not None:
            return metrics["value"]
        return metrics["uauc"] - SHORTFALL_COST * max(0.0, min_auc - metrics["auc"])

    return value


def _add_parts(parts: Mapping[str, np.ndarray], weights: Mapping[str, float]) -> np.ndarray:
    return np.sum([weight * parts[name] for name, weight in weights.items()], axis=0)


def _measure_ranking(scores: np.ndarray, user: np.ndarray, label: np.ndarray) -> dict[str, float]:
    metrics = ModelSelector.from_labels(user, label).compute_metrics(scores)
    return {name: metrics[name] for name in ("auc", "uauc") if name in metrics}


def _measure_held_out(
    parts: Mapping[str, np.ndarray], user: np.ndarray, label: np.ndarray, min_auc: float | None, seed: int
) -> list[dict[str, float]]:
    """Metrics of either half of the users under the weights of the other; a half of one class alone is left out."""
    distinct, code = np.unique(user, return_inverse=True)
    half = np.random.default_rng(seed).permutation(np.arange(len(distinct)) % 2)[code]
    measured = []
    for k in (0, 1):
        chosen, judged = half != k, half == k
        if any(len(np.unique(label[rows])) < 2 for rows in (chosen, judged)):
            continue
        weights = choose_weights(parts, user, label, chosen, min_auc)
        total = _add_parts({name: scores[judged] for name, scores in parts.items()}, weights)
        measured.append({**_measure_ranking(total, user[judged], label[judged]), "weights": weights})
    return measured
