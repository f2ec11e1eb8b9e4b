"""From collaborative vectors to the backbone's embedding space."""

from __future__ import annotations

import torch
from torch import nn


class Projector(nn.Module):
    """Linear(d, 10 d), ReLU, Linear(10 d, hidden), shared by users and items (ThinkRec paper, following CoLLM).

    Inputs are standardised with buffers that `calibrate` fits, and the output is multiplied by one learned scale, so
    that a fresh projector already gives vectors as long as the backbone's token embeddings: with far longer or shorter
    ones the first steps of training are spent on the length alone.
    """

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, dim: int, hidden: int, widen: int = 10):
        super().__init__()
        self.dim, self.hidden, self.widen = dim, hidden, widen
        self.layers = nn.Sequential(nn.Linear(dim, widen * dim), nn.ReLU(), nn.Linear(widen * dim, hidden))
        self.scale = nn.Parameter(torch.ones(()))
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("std", torch.ones(dim))

    def shape(self) -> dict[str, int]:
        """The arguments that build a projector of this shape."""
        return {"dim": self.dim, "hidden": self.hidden, "widen": self.widen}

    @torch.no_grad()
    def calibrate(self, vectors: torch.Tensor, token_norm: float) -> Projector:
        """Fit the standardisation on `vectors` (m, d), users and items together, and set the scale.

        Afterwards the outputs for these vectors have length `token_norm` on average. A dimension that never varies
        is only centred. Returns self.
        """
        vectors = vectors.to(self.mean)
        self.mean.copy_(vectors.mean(0))
        std = vectors.std(0, unbiased=False)
        self.std.copy_(torch.where(std > 1e-6 * std.max().clamp_min(1e-12), std, torch.ones_like(std)))
        self.scale.fill_(1.0)
        self.scale.fill_(token_norm / float(self(vectors).norm(dim=-1).mean().clamp_min(1e-12)))
        return self

    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        """(m, d) -> (m, hidden)."""
        return self.scale * self.layers((vectors - self.mean) / self.std)


def token_norm(embedding: nn.Module) -> float:
    """Average length of a backbone's token embeddings, weight (V, hidden)."""
    weight = embedding.weight
    assert isinstance(weight, torch.Tensor)
    return float(weight.detach().float().norm(dim=1).mean())
