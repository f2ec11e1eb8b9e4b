"""Score composition (late fusion): the model's score, the same from a batch state, a scorer's and the item's logit.

A model that reads a user's latest ratings moves with each of them. That lifts AUC, for the next rating resembles the
last ones, and it blurs the order of one user's rows, which were scored behind different pasts. So the composed score
adds the same model's score from a *batch state*: the past as of the first of the user's rows in the row's split, as a
nightly batch would rank them. For a question about the present both states are the same.

    score = scale * (s(now) + w_1 s(batch) + w_2 c(now) + w_3 q(item)) + offset

with s the model, c a scorer and q the item's logit.

All weights are at least 0, so that no weight can reward what earlier labels of the evaluated rows give away
(docs/results/ceiling.md). Weights, scale and offset are fitted on validation rows (`composition_fit`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field

from thinkrec.collab import ScorerConfig
from thinkrec.errors import CheckpointError
from thinkrec.io.config import Config
from thinkrec.io.files import write_json

Part = Literal["model", "batch", "scorer", "item"]
COMPOSITION = "composition.json"


class CompositionConfig(Config):
    """What is added to the model's score, with weights that validation rows choose."""

    batch_state: bool = True
    """Whether the model is also asked from the user's state at the first of their rows in the split."""
    scorer: ScorerConfig | None = None
    """A scorer whose logit is added, such as {kind: boosting}; null: none."""
    item: Literal["mean", "both"] | None = "both"
    """The item's logit that is added, as in `score_prior.source`; null: none."""
    min_auc: float | None = Field(default=None, gt=0.5, lt=1)
    """Choose the weights with the best UAUC among those with at least this AUC on validation rows. null: choose them by
    AUC / 4 + UAUC / 3, as states are."""

    def list_parts(self) -> tuple[Part, ...]:
        """The parts that are weighed, the model first."""
        asked: dict[Part, bool] = {
            "model": True,
            "batch": self.batch_state,
            "scorer": self.scorer is not None,
            "item": self.item is not None,
        }
        return tuple(part for part, is_asked in asked.items() if is_asked)


@dataclass(frozen=True)
class ScoreParts:
    """A score as a sum, for people: base + item + user + personal = score."""

    base: float
    """The score of an average item for an average user."""
    item: float
    """What anybody would say of the item."""
    user: float
    """How generous the user is, over the whole past and of late: the same for all items asked about at a time."""
    personal: float
    """The rest: what this user thinks of this item."""


@dataclass(frozen=True)
class ScoreComposition:
    """Weights of the parts, the calibration of their sum, and how it is split for people."""

    weights: dict[str, float]
    """Part -> weight >= 0."""
    scale: float
    """> 0; with `offset` it makes the sum a calibrated logit, and changes no order."""
    offset: float
    base: float
    """With the slopes: least squares of the composed score on item logit and past residuals, validation rows."""
    item_slope: float
    user_slopes: tuple[float, float]
    """Of the mean residual of the whole past and of the last ten rows (`SlotEncoder`)."""

    def combine(self, parts: Mapping[str, np.ndarray]) -> np.ndarray:
        """float64 (n,): the composed score of rows whose parts, (n,) each, are given; parts of weight 0 may lack."""
        total = sum((weight * parts[name] for name, weight in self.weights.items() if weight), np.zeros(()))
        return self.scale * np.asarray(total, dtype=np.float64) + self.offset

    def split_scores(self, scores: np.ndarray, item_logits: np.ndarray, residuals: np.ndarray) -> list[ScoreParts]:
        """Scores (n,) as sums.

        `item_logits` (n,): of the items, less that of all rows; `residuals` (2,): of the user.
        """
        user = float(np.dot(self.user_slopes, residuals))
        items = self.item_slope * item_logits
        return [
            ScoreParts(self.base, float(item), user, float(score - self.base - item - user))
            for score, item in zip(scores, items, strict=True)
        ]

    def save(self, folder: Path) -> None:
        """Write `composition.json`."""
        write_json(folder / COMPOSITION, asdict(self))

    @classmethod
    def load(cls, folder: Path) -> ScoreComposition:
        """Read what `save` wrote. Raises CheckpointError where it is not whole."""
        try:
            values: dict[str, Any] = json.loads((folder / COMPOSITION).read_text(encoding="utf-8"))
            return cls(**{**values, "user_slopes": tuple(values["user_slopes"])})
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CheckpointError(f"{folder} holds no whole {COMPOSITION}; run the recipe again") from error
