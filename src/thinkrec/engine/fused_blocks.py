"""The three parts of a fused decoder layer as functions with gradients: norm and projection, output, feed-forward."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch

from thinkrec.engine.joint_projection import JointProjection
from thinkrec.engine.layer_math import (
    compute_rms_norm,
    compute_swiglu,
    differentiate_rms_norm,
    differentiate_swiglu,
)


def project_normed(
    projection: JointProjection, rows: torch.Tensor, weight: torch.Tensor, eps: float, spread: torch.Tensor | None
) -> torch.Tensor:
    """Norm of rows (n, width) through a projection of one block, (n, out).

    weight (width,) and `eps` are the norm's; `spread`: as `JointProjection.fill_middle` takes it.
    """
    parameters = projection.list_parameters()
    return cast(torch.Tensor, _NormedProjection.apply(rows, weight, eps, projection, spread, *parameters))


class _NormedProjection(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows, weight, eps, projection, spread, *_parameters) -> torch.Tensor:
        wide, mean_square = _normalise_into(projection, rows, weight, eps, spread)
        ctx.save_for_backward(rows, weight, mean_square, wide)
        ctx.rest = eps, projection, spread
        return projection.multiply(wide)[0]

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        rows, weight, mean_square, wide = ctx.saved_tensors
        eps, projection, spread = ctx.rest
        grad, adapters = projection.differentiate(grads, wide, spread)
        return (differentiate_rms_norm(grad, rows, mean_square, weight, eps), None, None, None, None, *adapters)


def multiply_onto(
    projection: JointProjection, residual: torch.Tensor, rows: torch.Tensor, spread: torch.Tensor | None
) -> torch.Tensor:
    """What residual + projection(rows) gives, (n, out)."""
    return cast(
        torch.Tensor, _ResidualProjection.apply(residual, rows, projection, spread, *projection.list_parameters())
    )


class _ResidualProjection(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, residual, rows, projection, spread, *_parameters) -> torch.Tensor:
        wide = projection.make_input(len(rows))
        wide[:, : projection.in_features] = rows
        projection.fill_middle(wide, spread)
        ctx.save_for_backward(wide)
        ctx.rest = projection, spread
        return projection.multiply_onto(residual, wide)

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        projection, spread = ctx.rest
        grad, adapters = projection.differentiate(grads, *ctx.saved_tensors, spread)
        return (grads[0], grad, None, None, *adapters)


def compute_feed_forward(
    gate_up: JointProjection,
    down: JointProjection,
    rows: torch.Tensor,
    weight: torch.Tensor,
    eps: float,
    spreads: Sequence[torch.Tensor | None],
) -> torch.Tensor:
    """What rows + down(silu(gate(norm(rows))) up(norm(rows))) gives, (n, width); arguments as of `project_normed`."""
    parameters = (*gate_up.list_parameters(), *down.list_parameters())
    return cast(torch.Tensor, _FeedForward.apply(rows, weight, eps, gate_up, down, *spreads, *parameters))


class _FeedForward(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows, weight, eps, gate_up, down, spread, down_spread, *_parameters) -> torch.Tensor:
        wide, mean_square = _normalise_into(gate_up, rows, weight, eps, spread)
        gate, up = gate_up.multiply(wide)
        activated = down.make_input(len(rows))
        compute_swiglu(gate, up, activated[:, : down.in_features])
        down.fill_middle(activated, down_spread)
        ctx.save_for_backward(rows, weight, mean_square, wide, gate, up, activated)
        ctx.rest = eps, gate_up, down, spread, down_spread
        return down.multiply_onto(rows, activated)

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        rows, weight, mean_square, wide, gate, up, activated = ctx.saved_tensors
        eps, gate_up, down, spread, down_spread = ctx.rest
        grad, down_adapters = down.differentiate(grads, activated, down_spread)
        grad, adapters = gate_up.differentiate(differentiate_swiglu(grad, gate, up), wide, spread)
        grad = differentiate_rms_norm(grad, rows, mean_square, weight, eps).add_(grads[0])
        return (grad, None, None, None, None, None, None, *adapters, *down_adapters)


def _normalise_into(
    projection: JointProjection, rows: torch.Tensor, weight: torch.Tensor, eps: float, spread: torch.Tensor | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """The input of a projection, (n, in + k), from the norm of rows (n, in); and the rows' mean squares."""
    wide = projection.make_input(len(rows))
    mean_square = compute_rms_norm(rows, weight, eps, wide[:, : projection.in_features])
    projection.fill_middle(wide, spread)
    return wide, mean_square
