"""The parts of a fused layer against autograd through their formulas."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from thinkrec.engine.fused_blocks import compute_feed_forward, multiply_onto, project_normed
from thinkrec.engine.joint_projection import JointProjection

EPS = 0.3


def join(*linears: nn.Linear, blocks: list[int]) -> JointProjection:
    """A refreshed joint projection of frozen layers."""
    for linear in linears:
        linear.requires_grad_(False)
    joint = JointProjection(linears, blocks)
    joint.refresh(is_merged=False)
    return joint


def normalise(rows: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    return weight * rows / (rows.square().mean(-1, keepdim=True) + EPS).sqrt()


def assert_same(mine: torch.Tensor, theirs: torch.Tensor, leaves: list[torch.Tensor]) -> None:
    torch.testing.assert_close(mine, theirs)
    probe = torch.randn_like(mine)
    for ours, right in zip(
        torch.autograd.grad(mine, leaves, probe), torch.autograd.grad(theirs, leaves, probe), strict=True
    ):
        torch.testing.assert_close(ours, right)


def test_a_norm_and_a_projection() -> None:
    torch.manual_seed(0)
    first, second = nn.Linear(8, 5, bias=False), nn.Linear(8, 3, bias=False)
    rows, weight = torch.randn(6, 8, requires_grad=True), torch.randn(8)
    mine = project_normed(join(first, second, blocks=[2]), rows, weight, EPS, None)
    assert_same(mine, torch.cat([x(normalise(rows, weight)) for x in (first, second)], 1), [rows])


def test_a_projection_onto_a_residual() -> None:
    torch.manual_seed(0)
    linear, rows, residual = nn.Linear(8, 5), torch.randn(6, 8, requires_grad=True), torch.randn(6, 5)
    residual.requires_grad_()
    assert_same(
        multiply_onto(join(linear, blocks=[1]), residual, rows, None), residual + linear(rows), [rows, residual]
    )


def test_the_feed_forward_network_with_its_residual() -> None:
    torch.manual_seed(0)
    gate, up, down = (nn.Linear(*sizes, bias=False) for sizes in ((8, 12), (8, 12), (12, 8)))
    rows, weight = torch.randn(6, 8, requires_grad=True), torch.randn(8)
    joints = join(gate, up, blocks=[1, 1]), join(down, blocks=[1])
    mine = compute_feed_forward(*joints, rows, weight, EPS, (None, None))
    normed = normalise(rows, weight)
    assert_same(mine, rows + down(F.silu(gate(normed)) * up(normed)), [rows])
