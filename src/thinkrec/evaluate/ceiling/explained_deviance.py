"""How much of the labels' deviance item, user, time and personal taste explain, one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression

from thinkrec.evaluate.metrics.ranking import compute_auc, compute_uauc


@dataclass(frozen=True)
class ExplainedDeviance:
    """What a logistic regression on the terms so far reaches on rows that it was not fitted on."""

    term: str
    """The term that came last."""
    deviance: float
    """Share of the deviance of the constant that is explained, 1 - D / D_0 (McFadden, 1974)."""
    auc: float
    uauc: float


def measure_explained_deviance(
    terms: Mapping[str, tuple[np.ndarray, np.ndarray]],
    fit_label: np.ndarray,
    user: np.ndarray,
    label: np.ndarray,
) -> list[ExplainedDeviance]:
    """Add the terms one by one and measure after each.

    Args:
        terms: name -> values on the rows of the fit (m, k) and on the judged rows (n, k), in the order in which they
            are added; what a term adds depends on those before it.
        fit_label: (m,) 0 or 1, of both classes.
        user: (n,) of the judged rows.
        label: (n,) 0 or 1.
    """
    base = np.log(fit_label.mean() / (1 - fit_label.mean()))
    null, rows = _compute_deviance(np.full(len(label), base), label), []
    fitted, judged = np.zeros((len(fit_label), 0)), np.zeros((len(label), 0))
    for name, (seen, unseen) in terms.items():
        fitted, judged = np.column_stack([fitted, seen]), np.column_stack([judged, unseen])
        centre, spread = fitted.mean(axis=0), np.maximum(fitted.std(axis=0), 1e-9)
        model = LogisticRegression(C=1.0, max_iter=1000).fit((fitted - centre) / spread, fit_label)
        scores = model.decision_function((judged - centre) / spread)
        share = 1 - _compute_deviance(scores, label) / null
        rows.append(ExplainedDeviance(name, share, compute_auc(label, scores), compute_uauc(user, label, scores)))
    return rows


def _compute_deviance(logits: np.ndarray, label: np.ndarray) -> float:
    return float(np.mean(np.logaddexp(0.0, logits) - label * logits))
