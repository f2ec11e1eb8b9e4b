"""The small computations of a decoder layer in few passes over its activations, with their gradients.

As modules of Transformers they take a pass for every operator, several of them in float32 beside half-precision
products. Here the operators are chosen so that one pass does the work of several, and the backward passes are written
out. Everything is compared with plain autograd in tests.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch.nn import functional as F


def divide_rows(rows: torch.Tensor, mean_square: torch.Tensor, eps: float) -> torch.Tensor:
    """Rows (n, w) / sqrt(mean_square + eps), mean_square float32 (n,), computed in float32 and rounded once.

    Batch normalisation with fixed statistics does this in one pass, where each row counts as a channel.
    """
    mean = torch.zeros_like(mean_square)
    return F.batch_norm(rows[None], mean, mean_square, training=False, momentum=0.0, eps=eps)[0]


def compute_rms_norm(rows: torch.Tensor, weight: torch.Tensor, eps: float, out: torch.Tensor) -> torch.Tensor:
    """Write the root-mean-square norm of rows (n, w), times weight (w,), into out (n, w).

    Returns float32 (n,), the mean squares. Formula: Zhang and Sennrich (2019).
    """
    mean_square = torch.linalg.vector_norm(rows, dim=-1, dtype=torch.float32).square_().div_(rows.shape[-1])
    torch.mul(divide_rows(rows, mean_square, eps), weight, out=out)
    return mean_square


def differentiate_rms_norm(
    grad: torch.Tensor, rows: torch.Tensor, mean_square: torch.Tensor, weight: torch.Tensor, eps: float
) -> torch.Tensor:
    """Gradient (n, w) for the rows: with u = rows / rms and g = weight grad, (g - u mean(g u)) / rms."""
    normed = divide_rows(rows, mean_square, eps)
    weighted = grad * weight
    share = (weighted * normed).sum(-1, keepdim=True, dtype=torch.float32).div_(-rows.shape[-1])
    return divide_rows(weighted.addcmul_(normed, share.to(rows.dtype)), mean_square, eps)


def compute_swiglu(gate: torch.Tensor, up: torch.Tensor, out: torch.Tensor) -> None:
    """Write silu(gate) up into out, all (n, w)."""
    torch.mul(F.silu(gate), up, out=out)


def differentiate_swiglu(grad: torch.Tensor, gate: torch.Tensor, up: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Gradients (n, w) for gate and up."""
    grad_up = F.silu(gate).mul_(grad)
    return torch.ops.aten.silu_backward(grad * up, gate), grad_up


def split_and_rotate(
    joined: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor, heads: int, groups: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Queries (b, h, t, d), keys and values (b, g, t, d) of a joint projection, the first two with rotary embeddings.

    joined (b, t, (h + 2 g) d); cos and sin (b or 1, t, d), whose halves are those of d.
    """
    return cast(tuple[torch.Tensor, torch.Tensor, torch.Tensor], _SplitAndRotate.apply(joined, cos, sin, heads, groups))


class _SplitAndRotate(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, joined: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor, heads: int, groups: int
    ) -> tuple[torch.Tensor, ...]:
        b, t, width = joined.shape
        d = width // (heads + 2 * groups)
        ctx.save_for_backward(cos, sin)
        ctx.sizes = (heads, groups, d)
        parts = joined.view(b, t, -1, d).transpose(1, 2).split([heads, groups, groups], dim=1)
        query, key = (_rotate_halves(part, cos, sin, part.new_empty(part.shape)) for part in parts[:2])
        return query, key, parts[2].contiguous()

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        cos, sin = ctx.saved_tensors
        heads, groups, d = ctx.sizes
        b, _, t, _ = grads[0].shape
        grad = grads[0].new_empty(b, t, heads + 2 * groups, d)
        parts = grad.transpose(1, 2).split([heads, groups, groups], dim=1)
        # The other way round: the angle's sine changes its sign, and sits at the other half of d.
        back = -sin.roll(d // 2, dims=-1)
        for upstream, part in zip(grads[:2], parts[:2], strict=True):
            _rotate_halves(upstream, cos, back, part)
        parts[2].copy_(grads[2])
        return grad.view(b, t, -1), None, None, None, None


def _rotate_halves(part: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
    """Write part cos + (-second half, first half) sin into out; part and out (b, h, t, d). Returns out."""
    half = part.shape[-1] // 2
    cos, sin = cos[:, None], sin[:, None]
    torch.mul(part, cos, out=out)
    out[..., :half].addcmul_(part[..., half:], sin[..., :half], value=-1)
    out[..., half:].addcmul_(part[..., :half], sin[..., half:])
    return out
