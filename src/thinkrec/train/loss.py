"""The two losses of training. How a row mixes them is written in its weights, which the prompt renderer sets."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional as F

from thinkrec.engine.batch import Batch


@dataclass(frozen=True, eq=False)
class Losses:
    """Scalars, averaged over the rows of a batch, weights included."""

    rec: torch.Tensor
    """Binary cross-entropy of the scores."""
    think: torch.Tensor
    """Cross-entropy of the verdict and the reason."""

    @property
    def total(self) -> torch.Tensor:
        """What to differentiate."""
        return self.rec + self.think


def compute_losses(scores: torch.Tensor, token_logits: torch.Tensor, batch: Batch, rows: int | None = None) -> Losses:
    """L_rec from scores (q,) and L_think from token logits (p, V), by the batch's labels and weights.

    A row's loss is sum_i answer_weight_i BCE_i + sum_j token_weight_j CE_j. With weights that sum to .9 and .1 on a
    rating row, to .1 and .9 on a reasoning row, it is the joint objective of the ThinkRec paper. The result is the sum
    over rows divided by `rows`: by default those of this batch; give those of the whole step to accumulate gradients.
    """
    n = len(batch) if rows is None else rows
    rec = F.binary_cross_entropy_with_logits(scores.float(), batch.answer_label, batch.answer_weight, reduction="sum")
    token_losses = F.cross_entropy(token_logits.float(), batch.token_target, reduction="none")
    return Losses(rec=rec / n, think=(token_losses * batch.token_weight).sum() / n)
