"""A linear layer with low-rank adapters that are mixed with their own weights for every row, or token, of a batch."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch
from pydantic import Field
from torch import nn

from thinkrec.io.config import Config

ALL_LINEAR = "all-linear"
"""As the only target: every linear layer of the decoder layers."""


class LoRAConfig(Config):
    """Shape of the adapters. Defaults: ThinkRec paper, implementation details."""

    rank: int = Field(default=8, ge=1)
    """Rank r of each adapter."""
    alpha: float = Field(default=16.0, gt=0)
    """Numerator of the scale s = alpha / rank."""
    dropout: float = Field(default=0.05, ge=0, lt=1)
    """Dropout on the adapter's input while training."""
    targets: tuple[str, ...] = Field(default=("q_proj", "v_proj"), min_length=1)
    """Names of the linear modules, inside every decoder layer, that get adapters; `[all-linear]`: all of them."""
    layers: float | tuple[int, ...] = 1.0
    """Which decoder layers hold adapters at all: the last fraction of the layers (rounded up), or their numbers counted
    from 0. Below the lowest of them nothing is learned, so that training computes no gradients there."""
    expert_layers: float | tuple[int, ...] = 0.25
    """Which of these layers hold experts, in the same way: the fraction is of all layers of the backbone."""
    fusion: Literal["exact", "linear"] = "exact"
    """How a row's experts are fused. exact: sum_k w_k s B_k A_k. linear: what the authors' released code does (PEFT's
    combination of that name), s (sum_k sqrt(w_k) B_k) (sum_k sqrt(w_k) A_k), which has cross terms B_j A_k. Both are
    the same where one adapter answers alone."""


class MultiLoRAConfig(LoRAConfig):
    """Shape and number of the adapters."""

    n_experts: int = Field(default=3, ge=0)
    """Experts per layer that holds any; 0 leaves the global adapter alone."""


class Routing(threading.local):
    """The weights that every adapter of one model uses now, by row or by token; each thread has its own.

    Outside `use_weights`, `weights` is None: the global adapter alone.
    """

    weights: torch.Tensor | None = None

    @contextmanager
    def use_weights(self, weights: torch.Tensor | None) -> Iterator[None]:
        """Route with `weights` until the block ends: (b, 1 + n), (1, 1 + n) for all rows, or (b, t, 1 + n) by token."""
        before, self.weights = self.weights, weights
        try:
            yield
        finally:
            self.weights = before

    def __deepcopy__(self, memo: dict) -> Routing:
        """A routing of its own: a copied model must not follow the weights that the original is given."""
        return Routing()


class MultiLoRALinear(nn.Module):
    """A frozen linear layer plus 1 + n low-rank adapters: y = base(x) + s * (((drop(x) A^T) * w_row) B^T).

    With the A's stacked to ((1 + n) r, in) and the B's to (out, (1 + n) r) this equals adding the dense matrix
    sum_k w_k s B_k A_k to the base weight, for each row its own (ThinkRec paper, user-wise expert fusion).
    Slot 0 is the global adapter. A layer without experts uses it with weight 1 for every row.
    """

    def __init__(self, base: nn.Linear, config: MultiLoRAConfig, n_experts: int, routing: Routing):
        """Adapters that change nothing yet, their B's being zero."""
        super().__init__()
        self.base = base
        self.rank = config.rank
        self.scale = config.alpha / config.rank
        self.fusion = config.fusion
        self.n_experts = n_experts
        self.routing = routing
        self.dropout = nn.Dropout(config.dropout)
        self.merged_weight: torch.Tensor | None = None
        """While `AdapterSet.merge_global_adapter` lasts: the base weight with the global adapter in it, (out, in)."""
        n = n_experts
        # Half-precision backbones still train their adapters in float32: AdamW steps of 1e-4 vanish in bfloat16.
        new = {"device": base.weight.device, "dtype": torch.float32}
        self.global_a = nn.Parameter(torch.empty(self.rank, base.in_features, **new))
        self.global_b = nn.Parameter(torch.zeros(base.out_features, self.rank, **new))
        self.expert_a = nn.Parameter(torch.empty(n * self.rank, base.in_features, **new)) if n else None
        self.expert_b = nn.Parameter(torch.zeros(base.out_features, n * self.rank, **new)) if n else None
        nn.init.kaiming_uniform_(self.global_a, a=math.sqrt(5))
        if self.expert_a is not None:
            nn.init.kaiming_uniform_(self.expert_a, a=math.sqrt(5))
        base.requires_grad_(False)

    @property
    def weight(self) -> torch.Tensor:
        """The frozen weight (out, in), for code that looks at a linear layer's own."""
        return self.base.weight

    @property
    def bias(self) -> torch.Tensor | None:
        """The frozen bias, if there is one."""
        return self.base.bias

    @property
    def n_adapters(self) -> int:
        """1 + n."""
        return 1 + self.n_experts

    @property
    def is_trainable(self) -> bool:
        """Whether any of its adapters does."""
        return self.global_a.requires_grad or (self.expert_a is not None and self.expert_a.requires_grad)

    def stack_adapters(self) -> tuple[torch.Tensor, torch.Tensor]:
        """A (slots * r, in) and B (out, slots * r), global slot first."""
        if self.expert_a is None or self.expert_b is None:
            return self.global_a, self.global_b
        return torch.cat([self.global_a, self.expert_a]), torch.cat([self.global_b, self.expert_b], dim=1)

    def get_adapter(self, k: int) -> tuple[torch.Tensor, torch.Tensor]:
        """A (r, in) and B (out, r) of slot k; the global ones where this layer holds no experts."""
        if k == 0 or self.expert_a is None or self.expert_b is None:
            return self.global_a, self.global_b
        part = slice((k - 1) * self.rank, k * self.rank)
        return self.expert_a[part], self.expert_b[:, part]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(b, ..., in) -> (b, ..., out)."""
        weights = self.routing.weights if self.n_experts else None
        dense = self.merged_weight
        if weights is None and dense is not None:
            return nn.functional.linear(x, dense, self.base.bias)
        y = self.base(x)
        # Where nothing is learned, noise on the input would only blur what the layers above learn from.
        inner = self.dropout(x) if self.is_trainable else x
        # Held in float32, multiplied in the format of what comes in: the other way round, x in float32 would be copied.
        if weights is None:
            return self._add_low_rank(y, inner @ self.global_a.to(x.dtype).T, self.global_b.to(x.dtype))
        by_token = weights.ndim == 3 and weights.shape[:2] == x.shape[:2]
        if weights.shape[-1] != self.n_adapters or not (
            by_token or (weights.ndim == 2 and len(weights) in (1, x.shape[0]))
        ):
            raise RuntimeError(
                f"routing weights of shape {tuple(weights.shape)} for a batch of {x.shape[0]} rows and"
                f" {self.n_adapters} slots; give one row of weights per batch row, one for all, or one per token"
            )
        a, b = (part.to(x.dtype) for part in self.stack_adapters())
        weights = weights.to(inner.dtype)
        routed = weights if by_token else weights.view(len(weights), *[1] * (x.ndim - 2), -1)
        return self._add_low_rank(y, self._mix_slots(inner @ a.T, routed), b)

    def _mix_slots(self, middle: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """From x A^T (b, ..., slots * r) to what B takes, by weights (b or 1, ..., slots); see `LoRAConfig.fusion`."""
        if self.fusion == "exact":
            return middle * weights.repeat_interleave(self.rank, dim=-1)
        roots = weights.sqrt()[..., None]
        mixed = (middle.unflatten(-1, (self.n_adapters, self.rank)) * roots).sum(-2, keepdim=True)
        return (mixed * roots).flatten(-2)

    def _add_low_rank(self, y: torch.Tensor, middle: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """Give y + s * middle B^T, in one multiplication that adds where the formats allow it."""
        if y.dtype == b.dtype and not torch.is_autocast_enabled(y.device.type):
            flat = torch.addmm(y.flatten(0, -2), middle.flatten(0, -2), b.T, alpha=self.scale)
            return flat.view_as(y)
        return y + (self.scale * (middle @ b.T)).to(y.dtype)
