"""What `ThinkRec` answers: places of a ranking, and explained answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from thinkrec.evaluate.report_data import Past


@dataclass(frozen=True)
class Ranked:
    """One place of a ranking."""

    item: Any
    """Original item id."""
    title: str
    score: float
    """logit(Yes) - logit(No), or what the recipe's `model.score` says."""
    probability: float
    """Of a like, 0..1: the sigmoid of the score."""
    reason: str | None = None
    """Where `reasons` are asked for; opens with the verdict that the score implies."""
    writer: str | None = None
    """Who wrote it: model, rules, or plain (the rules, with nothing shared to argue from)."""


@dataclass(frozen=True)
class Explanation:
    """One answer with its reason."""

    item: Any
    """Original item id."""
    title: str
    verdict: str
    """Yes where the score is above 0, else No."""
    score: float
    """logit(Yes) - logit(No), or what the recipe's `model.score` says."""
    probability: float
    """Of a like, 0..1: the sigmoid of the score."""
    reason: str
    """Opens with the verdict."""
    history: tuple[Past, ...]
    """What the model saw of the past, oldest first."""
    gate: tuple[tuple[str, float], ...]
    """(adapter, weight): the global one first, then the experts; weights sum to 1."""
    writer: str = "model"
    """Who wrote the reason: model, rules, or plain (the rules, with nothing shared to argue from)."""
