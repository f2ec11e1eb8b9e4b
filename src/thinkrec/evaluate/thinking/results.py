"""Quality of scores that were read behind plans, beside what they cost and beside the one-pass score."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from thinkrec.errors import DataError
from thinkrec.evaluate.metrics.bootstrap import (
    METRICS,
    BootstrapResult,
    Estimate,
    PairedDifference,
    bootstrap_metrics,
    compute_interval,
    compute_paired_difference,
)
from thinkrec.evaluate.metrics.ranking import Denominator, describe_policies
from thinkrec.io.files import to_json_value, write_json

SCHEMA = "thinkrec-thinking/1"


@dataclass(frozen=True, eq=False)
class ScoredSystem:
    """One way to score the same rows, and its cost."""

    scores: np.ndarray
    """float64 (n,)."""
    samples: int
    """Plans behind each of which the score was read, a row; 0: none."""
    tokens_read: float
    """Tokens that the model reads for a row and did not write itself: prompts, and plans that were given to it."""
    tokens_written: float
    """Tokens of the plans that it writes for a row."""
    seconds: float | None = None
    """Seconds a row; None where they were not measured."""


@dataclass(frozen=True)
class ThinkingRow:
    """One line of the table."""

    metrics: dict[str, Estimate]
    """auc, uauc, ndcg and map, with intervals over users."""
    differences: dict[str, PairedDifference] | None
    """To the reference, on the same draws of users; None for the reference itself."""
    samples: int
    tokens_read: float
    tokens_written: float
    seconds: float | None


@dataclass(frozen=True)
class ThinkingResults:
    """All lines of the table, on the same rows."""

    rows: dict[str, ThinkingRow]
    """System -> its line, in the order of the table."""
    reference: str
    n_rows: int
    n_users: int
    k: int
    """Cut-off of NDCG and MAP."""
    policies: dict[str, str]
    """Metric -> how it is counted."""
    draws: int
    seed: int
    level: float
    diagnosis: dict[str, float]
    """What was measured of the plans themselves."""


def evaluate_thinking(
    user: np.ndarray,
    label: np.ndarray,
    systems: Mapping[str, ScoredSystem],
    *,
    reference: str,
    diagnosis: Mapping[str, float],
    k: int = 5,
    denominator: Denominator = "all",
    draws: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> ThinkingResults:
    """Metrics of every system with bootstrap intervals over users, and paired differences to the reference.

    Args:
        user: (n,), whose rows they are.
        label: (n,), 1 liked, 0 not.
        systems: name -> its scores of these rows.
        reference: the system that the others are compared with.
        diagnosis: handed on as it is.
        k: cut-off of NDCG and MAP.
        denominator: of MAP (`evaluate.metrics.ranking`).
        draws: of users, the same for every system.
        seed: of the draws.
        level: of the intervals.

    Raises:
        DataError: where a system has another number of scores, or the reference is none of them.
    """
    if reference not in systems:
        raise DataError(f"thinking: no system is called {reference!r}; there are: {', '.join(systems)}")
    for name, system in systems.items():
        if len(system.scores) != len(label):
            raise DataError(f"thinking: {len(system.scores)} scores of {name!r} for {len(label)} rows; give one a row")
    samples = {
        name: bootstrap_metrics(user, label, system.scores, k=k, denominator=denominator, draws=draws, seed=seed)
        for name, system in systems.items()
    }
    base = samples[reference]
    return ThinkingResults(
        rows={
            name: _build_row(system, samples[name], base if name != reference else None, level)
            for name, system in systems.items()
        },
        reference=reference,
        n_rows=len(label),
        n_users=len(np.unique(user)),
        k=k,
        policies=describe_policies(k, denominator),
        draws=draws,
        seed=seed,
        level=level,
        diagnosis=dict(diagnosis),
    )


def _build_row(
    system: ScoredSystem, sample: BootstrapResult, base: BootstrapResult | None, level: float
) -> ThinkingRow:
    differences = None
    if base is not None:
        differences = {metric: compute_paired_difference(sample, base, metric, level=level) for metric in METRICS}
    return ThinkingRow(
        metrics={metric: compute_interval(sample, metric, level=level) for metric in METRICS},
        differences=differences,
        samples=system.samples,
        tokens_read=system.tokens_read,
        tokens_written=system.tokens_written,
        seconds=system.seconds,
    )


def write_thinking(path: Path, results: ThinkingResults, provenance: Mapping[str, Any]) -> None:
    """Write a JSON file: the results, and under "provenance" whence they are."""
    values = to_json_value(dataclasses.asdict(results))
    write_json(path, {"schema": SCHEMA, **values, "provenance": dict(provenance)})
