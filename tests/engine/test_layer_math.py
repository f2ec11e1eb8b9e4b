"""Norms, gates and rotary embeddings in few passes, against autograd through their formulas in float64."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from thinkrec.engine.layer_math import (
    compute_rms_norm,
    compute_swiglu,
    differentiate_rms_norm,
    differentiate_swiglu,
    divide_rows,
    split_and_rotate,
)

TOLERANCE = {torch.float32: 1e-5, torch.bfloat16: 2e-2}
FORMATS = list(TOLERANCE)


def draw(*shape: int, dtype: torch.dtype = torch.float32, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


def assert_near(mine: torch.Tensor, formula: torch.Tensor) -> None:
    apart = (mine.double() - formula).abs().max()
    assert apart <= TOLERANCE[mine.dtype] * formula.abs().max(), float(apart)


@pytest.mark.parametrize("dtype", FORMATS)
def test_rows_are_divided_by_their_root_mean_square(dtype: torch.dtype) -> None:
    rows, weight, grad, eps = draw(7, 12, dtype=dtype) * 3, draw(12, dtype=dtype, seed=1), draw(7, 12, dtype=dtype), 0.5
    wide = torch.full((7, 15), 9.0, dtype=dtype)
    mean_square = compute_rms_norm(rows, weight, eps, wide[:, :12])
    leaf = rows.double().requires_grad_()
    expected = weight.double() * leaf / (leaf.square().mean(-1, keepdim=True) + eps).sqrt()
    assert_near(wide[:, :12], expected.detach())
    assert (wide[:, 12:] == 9).all(), "what stands beside the rows is left alone"
    (expected_grad,) = torch.autograd.grad(expected, leaf, grad.double())
    assert_near(differentiate_rms_norm(grad, rows, mean_square, weight, eps), expected_grad)


def test_a_scaled_row_is_rounded_once() -> None:
    rows, mean_square = draw(5, 64, dtype=torch.bfloat16), torch.rand(5) + 0.5
    once = (rows.float() * (mean_square + 1e-5).rsqrt()[:, None]).bfloat16()
    # Twice, with the factor in half precision, other numbers come out.
    twice = rows * (mean_square + 1e-5).rsqrt()[:, None].bfloat16()
    mine = divide_rows(rows, mean_square, 1e-5)
    assert (mine != once).float().mean() < 0.02
    assert (twice != once).float().mean() > 0.1


@pytest.mark.parametrize("dtype", FORMATS)
def test_the_gate_is_silu(dtype: torch.dtype) -> None:
    gate, up, grad = (draw(6, 10, dtype=dtype, seed=seed) for seed in range(3))
    out = torch.empty(6, 11, dtype=dtype)
    compute_swiglu(gate, up, out[:, :10])
    leaves = [t.double().requires_grad_() for t in (gate, up)]
    expected = F.silu(leaves[0]) * leaves[1]
    assert_near(out[:, :10], expected.detach())
    for mine, theirs in zip(
        differentiate_swiglu(grad, gate, up), torch.autograd.grad(expected, leaves, grad.double()), strict=True
    ):
        assert_near(mine, theirs)


@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize("shared", [True, False], ids=["one row of angles", "a row each"])
def test_queries_and_keys_are_rotated_and_values_are_not(dtype: torch.dtype, shared: bool) -> None:
    heads, groups, d, b, t = 3, 1, 8, 2, 5
    joined = draw(b, t, (heads + 2 * groups) * d, dtype=dtype)
    angle = draw(1 if shared else b, t, d // 2, seed=1)
    cos, sin = (torch.cat([x, x], -1).to(dtype) for x in (angle.cos(), angle.sin()))
    leaf = joined.clone().requires_grad_()
    outputs = split_and_rotate(leaf, cos, sin, heads, groups)
    plain = joined.double().requires_grad_()
    parts = plain.view(b, t, -1, d).transpose(1, 2).split([heads, groups, groups], dim=1)

    def rotate(part: torch.Tensor) -> torch.Tensor:
        turned = torch.cat([-part[..., d // 2 :], part[..., : d // 2]], -1)
        return part * cos[:, None].double() + turned * sin[:, None].double()

    expected = rotate(parts[0]), rotate(parts[1]), parts[2]
    grads = [draw(*out.shape, dtype=dtype, seed=i + 5) for i, out in enumerate(outputs)]
    for mine, theirs in zip(outputs, expected, strict=True):
        assert mine.is_contiguous()
        assert_near(mine.detach(), theirs.detach())
    (mine,) = torch.autograd.grad(outputs, leaf, grads)
    (theirs,) = torch.autograd.grad(expected, plain, [g.double() for g in grads])
    assert_near(mine, theirs)
