"""How one stage of training runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from thinkrec.engine.parts import TRAINABLE_PARTS
from thinkrec.io.config import Config


def _check_part_name(name: str) -> str:
    if name not in TRAINABLE_PARTS:
        raise ValueError(f"there is no part `{name}`; parts that train are {', '.join(TRAINABLE_PARTS)}")
    return name


Part = Annotated[str, AfterValidator(_check_part_name)]
"""Name of a part that trains (`thinkrec.engine.parts.TRAINABLE_PARTS`)."""


class StageConfig(Config):
    """Optimiser, schedule and selection of one stage."""

    RENAMED_KEYS: ClassVar = {
        "stride": "subsample_stride",
        "checks": "evals_per_epoch",
        "valid_rows": "max_valid_rows",
        "recompute": "gradient_checkpointing",
        "clip": "max_grad_norm",
        "warmup": "warmup_steps",
    }

    train: tuple[Part, ...]
    """Which parts learn (global, experts, projector, soft_prompt); everything else is frozen."""
    epochs: int = Field(default=1, ge=1)
    """Passes; see `subsample_stride` for what a pass is."""
    subsample_stride: int = Field(default=1, ge=1)
    """A pass takes every `subsample_stride`-th row of each user, from another offset each time. With `history_loss`
    > 0 a prompt teaches the labels in its history too, so that a stride of about half the history wastes none."""
    history_loss: float = Field(default=0.0, ge=0)
    """Weight of each label in the shown history as a training answer of its own (the target weighs 1; together they
    weigh what the row's rating loss weighs). Its own past is all that stands before it, so one prompt teaches up to
    `prompt.history` + 1 causal predictions. The user's vector stands below the history: only the target can teach its
    use."""
    reason_share: float | None = Field(default=None, ge=0, lt=1)
    """Share of reasoning rows among all rows of this stage; null: `reasons.share`."""
    lr: float = Field(default=1e-4, gt=0)
    """Peak learning rate."""
    weight_decay: float = Field(default=1e-3, ge=0)
    """AdamW's weight decay."""
    warmup_steps: int = Field(default=200, ge=0)
    """Steps of linear warm-up (at most a fifth of all steps); cosine to zero afterwards."""
    batch_tokens: int = Field(default=4096, ge=64)
    """Padded tokens per step, of all processes together."""
    max_grad_norm: float = Field(default=1.0, gt=0)
    """Largest gradient norm."""
    evals_per_epoch: int = Field(default=2, ge=1)
    """How often a pass is interrupted to score validation rows; the best state is kept, the one before training
    included: by AUC / 4 + UAUC / 3, by AUC where no user has both classes there, by the loss where nobody has."""
    max_valid_rows: int = Field(default=2000, ge=1)
    """At most this many validation rows per check (whole users, drawn by seed)."""
    gradient_checkpointing: bool = False
    """Gradient checkpointing: compute activations a second time in the backward pass instead of holding them; less
    memory, about a third more time."""
    cache_gb: float = Field(default=4.0, ge=0)
    """Where rows come back (`epochs` > `subsample_stride`) and the lowest layers are frozen, what those give is kept in
    a file of at most this size instead of being computed again."""
    save_steps: int = Field(default=50, ge=1)
    """State is written every so many steps, to go on after a crash."""
    soft_labels: Path | None = None
    """Table of scores of train rows (order, user_id, item_id, score), as `thinkrec evaluate thinking --scores` and
    `thinkrec predict` write it: the sigmoid of a row's score takes the place of its label in rating rows. Rows without
    a score keep their label. Refused where the table is about other data or other splits."""
    soft_label_weight: float = Field(default=1.0, gt=0, le=1)
    """How much of a rating row's target its score makes up; the rest stays the label."""
    weights: Path | None = None
    """Folder of weights that were trained before, as `thinkrec weights` writes it: the stage takes its parts from
    there and trains nothing; all keys above but `train` are then without effect. Refused where they are of another
    backbone or of adapters of another shape."""
