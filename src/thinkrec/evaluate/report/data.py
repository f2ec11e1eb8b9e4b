"""The contents of a report as plain values. Every part may be absent; its section is then left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from thinkrec.evaluate.metrics.calibration import ReliabilityCurve
from thinkrec.evaluate.report.user_map import UserMap
from thinkrec.evaluate.results import RankingResults
from thinkrec.score.answers import HistoryItem


@dataclass(frozen=True)
class LearningCurve:
    """One line of a learning-curve panel."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    """Same length as x. Values that are not finite interrupt the line."""


@dataclass(frozen=True)
class CurvePanel:
    """The learning curves of one stage that share a scale."""

    stage: str
    y_label: str
    """What is measured, with its unit or policy: "training loss", "validation AUC"."""
    curves: tuple[LearningCurve, ...]
    x_label: str = "step"
    selected_x: float | None = None
    """Where on the x axis the kept checkpoint lies."""


@dataclass(frozen=True)
class ExplainedRecommendation:
    """One recommendation with its reason."""

    user: str
    history: tuple[HistoryItem, ...]
    """Oldest first, as the model saw it."""
    target: str
    probability: float
    """Predicted probability of a like, 0..1."""
    gate: tuple[tuple[str, float], ...]
    """(adapter name, weight), the global adapter first, then the experts in order; weights sum to 1."""
    reason: str
    liked: bool | None = None
    """The true label, if known."""
    region: str = ""
    """What the gate did: "single expert", "fuse" or "global"."""
    writer: str = "model"
    """Who wrote the reason: model, rules, or plain (the rules, with nothing shared to argue from)."""


@dataclass(frozen=True)
class ReportData:
    """Everything a report shows. Any text may hold any character; it is escaped when the page is written."""

    title: str = "ThinkRec run"
    summary: str = ""
    """A sentence or two under the title; blank lines separate paragraphs."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """Run facts in the order to show: recipe, seed, hardware, duration, data."""
    results: RankingResults | None = None
    calibration: Mapping[str, ReliabilityCurve] = field(default_factory=dict)
    """Model name -> its reliability curve."""
    curve_panels: tuple[CurvePanel, ...] = ()
    user_map: UserMap | None = None
    recommendations: tuple[ExplainedRecommendation, ...] = ()
