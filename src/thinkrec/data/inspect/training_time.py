"""A rough figure of how long training takes, from the texts of the items and measured speeds; no model is loaded."""

from __future__ import annotations

from dataclasses import dataclass

from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TRAIN

SPEEDS = {"nano": 13_650, "smollm2": 490}
"""Tokens per second of training, on two cores of a Xeon: docs/results/speed.md, 29 and 30 November 2026."""
SOURCE = "docs/results/speed.md: two cores of a Xeon"
HISTORY, KEYWORDS, STAGES, STRIDE = 10, 4, 3, 8
"""The recipe `demo`: lines of history, keywords of each, stages of one epoch, every eighth train row."""
_LETTERS_PER_TOKEN = 4
_TOKENS_OF_LINE, _TOKENS_AROUND = 6, 40


@dataclass(frozen=True)
class TrainingTime:
    """Tokens that the recipe `demo` reads on these data, and how long that takes."""

    tokens: int
    seconds: dict[str, float]
    """By backbone."""

    def to_json(self) -> dict[str, object]:
        """As plain values."""
        return {"tokens": self.tokens, "seconds": self.seconds, "speeds_from": SOURCE}


def estimate_training_time(ds: Dataset) -> TrainingTime:
    """Tokens of all stages of `demo`, at four letters a token, and seconds at the measured speeds.

    Baselines, scoring and reasons are not counted. Prompts of train rows: min(history, rows before it) lines, at the
    mean length of an item's title and first keywords.
    """
    items = ds.items
    letters = sum(
        len(title) + sum(len(word) + 2 for word in words[:KEYWORDS])
        for title, words in zip(items.titles, items.keywords, strict=True)
    )
    per_line = letters / len(items) / _LETTERS_PER_TOKEN + _TOKENS_OF_LINE
    table = ds.interactions
    rows = (table.split == TRAIN).nonzero()[0]
    lines = (rows - table.start[table.user[rows]]).clip(0, HISTORY) + 1
    tokens = int(STAGES / STRIDE * (lines * per_line + _TOKENS_AROUND).sum())
    return TrainingTime(tokens, {name: round(tokens / speed, 1) for name, speed in SPEEDS.items()})
