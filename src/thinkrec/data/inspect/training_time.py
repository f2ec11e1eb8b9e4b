"""A rough figure of how long training takes, from the texts of the items and measured speeds; no model is loaded."""

from __future__ import annotations

from dataclasses import dataclass

from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TRAIN

SPEEDS = {"nano": 13_650, "smollm2": 490}
"""Tokens per second of training, on two cores of a Xeon: docs/results/speed.md, 29 and 30 November 2026."""
SOURCE = "docs/results/speed.md: two cores of a Xeon"
_LETTERS_PER_TOKEN = 4
_TOKENS_OF_LINE, _TOKENS_AROUND = 6, 40


@dataclass(frozen=True)
class TrainingPlan:
    """What decides how many tokens a recipe trains on; by default the recipe `demo`."""

    history: int = 10
    """Lines of history in a prompt."""
    keywords: int = 4
    """Keywords of a line."""
    passes: float = 3 / 8
    """Times that a train row is read, over all stages: three of one epoch, each with every eighth row."""


DEMO_PLAN = TrainingPlan()


@dataclass(frozen=True)
class TrainingTime:
    """Tokens that a recipe reads on these data, and how long that takes."""

    tokens: int
    seconds: dict[str, float]
    """By backbone."""

    def to_json(self) -> dict[str, object]:
        """As plain values."""
        return {"tokens": self.tokens, "seconds": self.seconds, "speeds_from": SOURCE}


def estimate_training_time(ds: Dataset, plan: TrainingPlan = DEMO_PLAN) -> TrainingTime:
    """Tokens of all stages, at four letters a token, and seconds at the measured speeds.

    Baselines, scoring and reasons are not counted. Prompts of train rows: min(history, rows before it) lines, at the
    mean length of an item's title and first keywords.
    """
    items = ds.items
    letters = sum(
        len(title) + sum(len(word) + 2 for word in words[: plan.keywords])
        for title, words in zip(items.titles, items.keywords, strict=True)
    )
    per_line = letters / len(items) / _LETTERS_PER_TOKEN + _TOKENS_OF_LINE
    table = ds.interactions
    rows = (table.split == TRAIN).nonzero()[0]
    lines = (rows - table.start[table.user[rows]]).clip(0, plan.history) + 1
    tokens = int(plan.passes * (lines * per_line + _TOKENS_AROUND).sum())
    return TrainingTime(tokens, {name: round(tokens / speed, 1) for name, speed in SPEEDS.items()})


def format_seconds(seconds: float) -> str:
    """A rough length of time: "40 s", "3 min", "2.5 h"."""
    if seconds < 1:
        return "under 1 s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
