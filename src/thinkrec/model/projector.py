"""From collaborative vectors to the backbone's embedding space."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

VARIATION = 0.3
"""Length of what differs between two fresh outputs, in average token embeddings."""
PART = 1024
"""Vectors that calibration projects at once: some 40 MB at width 4,096."""


class Projector(nn.Module):
    """centre + scale * Linear(10 d, hidden)(ReLU(Linear(d, 10 d))), shared by users and items.

    The two layers are those of the ThinkRec paper, following CoLLM. Inputs are standardised with buffers that
    `calibrate` fits. A fresh projector gives a verdict that is still open, the point halfway between the embeddings of
    Yes and No, plus a small part that depends on the vector. So the attention that reads the verdicts of the history
    finds the slots from the first step on; started at the mean token, the user's slot was not read at all
    (docs/design.md, "Slots").
    """

    mean: torch.Tensor
    std: torch.Tensor
    centre: torch.Tensor

    def __init__(self, dim: int, hidden: int, widen: int = 10):
        """From vectors of `dim` to embeddings of `hidden` numbers, over `widen` * `dim`; `calibrate` comes next."""
        super().__init__()
        self.dim, self.hidden, self.widen = dim, hidden, widen
        self.layers = nn.Sequential(nn.Linear(dim, widen * dim), nn.ReLU(), nn.Linear(widen * dim, hidden))
        self.scale = nn.Parameter(torch.ones(()))
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("std", torch.ones(dim))
        self.register_buffer("centre", torch.zeros(hidden))

    def get_config(self) -> dict[str, int]:
        """The arguments that build a projector of this shape."""
        return {"dim": self.dim, "hidden": self.hidden, "widen": self.widen}

    @torch.no_grad()
    def calibrate(
        self, vectors: torch.Tensor, embedding: torch.Tensor, verdicts: Sequence[int], variation: float = VARIATION
    ) -> Projector:
        """Fit the standardisation on `vectors` (m, d), users and items together, the centre and the scale.

        `embedding`: the backbone's token embeddings (V, hidden). `verdicts`: the ids of Yes and No. Afterwards outputs
        for these vectors lie `variation` times the average token's length from the centre, on average. A dimension
        that never varies is only centred. Returns self.
        """
        vectors = vectors.to(self.mean)
        self.mean.copy_(vectors.mean(0))
        std = vectors.std(0, unbiased=False)
        self.std.copy_(torch.where(std > 1e-6 * std.max().clamp_min(1e-12), std, torch.ones_like(std)))
        self.centre.copy_(embedding[list(verdicts)].to(self.mean).mean(0))
        self.scale.fill_(1.0)
        # An output has the width of the backbone, and its hidden layer more: a part at a time, whatever is given.
        lengths = torch.cat([(self(part) - self.centre).norm(dim=-1) for part in vectors.split(PART)])
        tokens = torch.cat([part.to(self.mean).norm(dim=1) for part in embedding.split(PART)])
        self.scale.fill_(variation * float(tokens.mean() / lengths.mean().clamp_min(1e-12)))
        return self

    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        """(m, d) -> (m, hidden)."""
        return self.centre + self.scale * self.layers((vectors - self.mean) / self.std)
