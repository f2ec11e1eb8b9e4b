"""The results of a comparison as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from thinkrec.evaluate.metrics.bootstrap import Estimate, PairedDifference

Kind = Literal["model", "impersonal", "ceiling", "published"]
"""impersonal: one number per item for all. ceiling: knows what no model can. published: from a paper, not rerun."""

RANKED = ("model", "impersonal")
"""Kinds that compete for the best value."""


@dataclass(frozen=True)
class ResultRow:
    """One line of a results table."""

    name: str
    kind: Kind
    estimates: dict[str, Estimate]
    """Metric (METRICS) -> estimate. A metric may be missing."""
    tied: float | None = None
    """Share, 0..1, of the users in UAUC with a liked and a not liked row of equal scores; None where not known."""


@dataclass(frozen=True)
class ModelComparison:
    """`name` minus `against`, per metric."""

    name: str
    against: str
    pairs: dict[str, PairedDifference]


@dataclass(frozen=True)
class RankingResults:
    """Rows, paired differences, and what has to be known to read them."""

    rows: tuple[ResultRow, ...]
    comparisons: tuple[ModelComparison, ...]
    policies: dict[str, str]
    """Metric -> how it is counted."""
    n_rows: int
    n_users: int
    n_users_uauc: int
    """Users with both classes, over whom UAUC is a mean."""
    n_users_ranked: int
    """Users with more than one row, over whom NDCG and MAP are means."""
    k: int
    draws: int
    seed: int
    level: float
    """Share of draws inside an interval, such as 0.95."""
    remarks: tuple[str, ...] = ()
    """Sentences on what was left out, to stand first under the table."""
