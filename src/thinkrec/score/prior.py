"""One number per item on top of the model's score.

Training asks for the label, and much of a label is the user's recent mood: it tells generous rows from harsh ones, but
it blurs the order of items for one user. How much the item itself should count for is therefore chosen
on validation, by the value that stages are selected by (AUC / 4 + UAUC / 3).
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from thinkrec.io.config import Config


class ScorePriorConfig(Config):
    """What is added to the score: `weight` times the logit of the item's like rate, less that of all train rows."""

    source: Literal["mean", "both"] = "mean"
    """mean: the item's own like rate. both: the like rate drawn towards what its keywords say."""
    weight: float = Field(gt=0)
    """On the scale of the score, a logit itself."""
