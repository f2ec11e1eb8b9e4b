"""The backward pass of causal attention by matrix products, against autograd through the formula in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from support.tiny_lm import make_part, make_recommender

from thinkrec.engine import attention_gradient, hooks
from thinkrec.engine.attention_gradient import (
    QUERY_BLOCK,
    attend_causally,
    compute_attention_gradients,
    should_multiply_gradients,
)
from thinkrec.engine.batch import collate_prompts
from thinkrec.engine.parts import set_trainable_parts


def draw_tensors(t: int, heads: int, groups: int, width: int, dtype: torch.dtype, b: int = 2) -> list[torch.Tensor]:
    """Queries, keys, values and the gradient of the output, (b, heads or groups, t, width)."""
    source = torch.Generator().manual_seed(t)
    sizes = (heads, groups, groups, heads)
    # Queries of this size give products of 20 and more: what half precision would round to the next eighth.
    return [
        (torch.randn(b, n, t, width, generator=source) * factor).to(dtype)
        for n, factor in zip(sizes, (4, 1, 1, 1), strict=True)
    ]


def differentiate_formula(query, key, value, grad, scale: float) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """The output and the gradients in float64."""
    leaves = [t.double().requires_grad_() for t in (query, key, value)]
    groups = query.shape[1] // key.shape[1]
    k, v = (t.repeat_interleave(groups, dim=1) for t in leaves[1:])
    weight = (leaves[0] @ k.transpose(-1, -2)) * scale
    later = torch.ones(weight.shape[-2:], dtype=torch.bool).triu(1)
    out = weight.masked_fill(later, -torch.inf).softmax(-1) @ v
    return out.detach(), list(torch.autograd.grad(out, leaves, grad.double()))


def compute_relative_errors(attend, dtype: torch.dtype, t: int, heads: int, groups: int, width: int) -> list[float]:
    """Root mean square error of the output of `attend` and of each gradient, in standard deviations."""
    *tensors, grad = draw_tensors(t, heads, groups, width, dtype)
    scale = width**-0.5
    leaves = [x.clone().requires_grad_() for x in tensors]
    out = attend(*leaves, scale=scale)
    gradients = torch.autograd.grad(out, leaves, grad)
    expected_out, expected = differentiate_formula(*tensors, grad, scale)
    return [
        float((mine.double() - theirs).square().mean().sqrt() / theirs.std())
        for mine, theirs in zip((out.detach(), *gradients), (expected_out, *expected), strict=True)
    ]


def attend_by_kernel(query, key, value, scale: float) -> torch.Tensor:
    groups = query.shape[1] // key.shape[1]
    key, value = (t.repeat_interleave(groups, dim=1) for t in (key, value))
    return torch.nn.functional.scaled_dot_product_attention(query, key, value, is_causal=True, scale=scale)


@pytest.mark.parametrize("t", [1, 7, QUERY_BLOCK, QUERY_BLOCK + 1, 2 * QUERY_BLOCK + 5])
@pytest.mark.parametrize(("heads", "groups"), [(4, 4), (6, 2), (3, 1)])
def test_values_and_gradients_are_those_of_the_formula(t: int, heads: int, groups: int) -> None:
    assert (
        max(compute_relative_errors(attend_causally, torch.float32, t, heads, groups, 8)[: 1 if t == 1 else None])
        < 1e-5
    )


@pytest.mark.parametrize("width", [16, 24, 64])
def test_half_precision_rounds_about_as_the_kernel_does(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    shape = (torch.bfloat16, QUERY_BLOCK + 9, 6, 2, width)
    errors, usual = (compute_relative_errors(attend, *shape) for attend in (attend_causally, attend_by_kernel))
    assert all(mine < 2 * theirs for mine, theirs in zip(errors, usual, strict=True)), (errors, usual)
    right = attention_gradient._append_columns

    def append_rounded(tensor, column, *more):
        return right(tensor, column.to(tensor.dtype).float(), *more)

    monkeypatch.setattr(attention_gradient, "_append_columns", append_rounded)
    rounded = compute_relative_errors(attend_causally, *shape)
    assert rounded[1] > 1.5 * errors[1], "the rest of the log-sum-exp counts"


def test_one_query_alone_has_no_gradient_but_its_value() -> None:
    query, key, value, grad = draw_tensors(1, 4, 2, 8, torch.float32)
    lse = (query * key.repeat_interleave(2, 1)).sum(-1)
    out = value.repeat_interleave(2, 1)
    gradients = compute_attention_gradients(grad, query, key, value, out, lse, scale=1.0)
    assert float(gradients[0].abs().max()) < 1e-5 and float(gradients[1].abs().max()) < 1e-5
    torch.testing.assert_close(gradients[2], grad.view(2, 2, 2, 1, 8).sum(2))


@pytest.mark.parametrize("kind", ["llama", "qwen2", "gpt_neox", "cohere"])
def test_a_backbone_learns_from_it_what_it_learns_from_transformers_attention(kind: str, monkeypatch) -> None:
    recommender = make_recommender(kind)
    recommender.model.to(torch.bfloat16)
    calls, right = [], hooks.attend_causally
    monkeypatch.setattr(hooks, "attend_causally", lambda *a, **o: (calls.append(1), right(*a, **o))[1])
    gradients = []
    for attention in (hooks.ATTENTION_NAME, "sdpa"):
        recommender.model.set_attn_implementation(attention)
        recommender.zero_grad()
        set_trainable_parts(recommender, ["global"])
        batch = collate_prompts([make_part(np.random.default_rng(t), t, np.eye(4)[0]) for t in (70, 41)], 0)
        recommender.compute_hidden(batch).float().square().sum().backward()
        gradients.append([p.grad.clone() for p in recommender.adapters.get_parameters("global")])
    assert len(calls) == 4, "every layer once, with this package's attention alone"
    for ours, theirs in zip(*gradients, strict=True):
        apart, size = ((x.float().square().mean().sqrt()) for x in (ours - theirs, theirs))
        assert apart < 0.05 * size


def test_the_kernel_stays_where_it_is_as_quick() -> None:
    half = torch.zeros(1, 1, 3, 8, dtype=torch.bfloat16)
    learning = half.clone().requires_grad_()
    assert should_multiply_gradients(learning, half, half) and should_multiply_gradients(half, half, learning)
    assert not should_multiply_gradients(half, half, half)
    assert not should_multiply_gradients(learning.float(), half, half)
    assert not should_multiply_gradients(learning, half, half[..., :4]), "the kernel wants one width"
    with torch.no_grad():
        assert not should_multiply_gradients(learning, half, half)
