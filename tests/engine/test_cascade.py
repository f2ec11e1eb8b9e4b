"""Attention of packed rows against the formula, token by token over exactly what each may see."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from support.plain_attention import attend_plainly, list_visible_keys
from torch import nn

from thinkrec.engine.cascade import compute_cascade_attention, compute_last_token_attention, unpack_to_padded
from thinkrec.engine.layout import PackedLayout
from thinkrec.engine.segments import PrefixKVCache, Segment

SCALE = 0.4
LAYOUTS = {
    "one prefix": [(4, [3, 1, 2], None)],
    "parts of the prefix": [(5, [2, 3, 1, 2], [0, 2, 2, 5])],
    "no prefix": [(0, [3, 4], None)],
    "a prefix alone": [(3, [], None), (2, [2], None)],
    "several": [(6, [1, 4], None), (0, [2, 2], None), (2, [5], None), (3, [1, 1, 1], [1, 3, 0])],
}


def build_layout(parts: list[tuple[int, list[int], list[int] | None]]) -> PackedLayout:
    segments: list[Segment] = []
    for prefix, suffixes, followed in parts:
        segments.append(Segment.from_lengths(segments[-1].end if segments else 0, prefix, suffixes, followed))
    return PackedLayout(tuple(segments))


def draw_row(layout: PackedLayout, groups: int = 2, dtype: torch.dtype = torch.float32) -> tuple[torch.Tensor, ...]:
    """Queries (1, 4, t, 8), keys and values (1, groups, t, 8) of a packed row of t tokens."""
    source, t = torch.Generator().manual_seed(0), layout.segments[-1].end
    return tuple(torch.randn(1, h, t, 8, generator=source).to(dtype) for h in (4, groups, groups))


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("name", LAYOUTS)
def test_every_token_attends_to_what_it_sees(name: str, groups: int) -> None:
    layout = build_layout(LAYOUTS[name])
    query, key, value = draw_row(layout, groups)
    expected = attend_plainly(query, key, value, list_visible_keys(layout.segments), SCALE)[0]
    actual = compute_cascade_attention(layout, nn.Identity(), query, key, value, SCALE)
    np.testing.assert_allclose(actual.numpy(), expected, atol=2e-5)


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_last_tokens_alone_give_the_same(name: str) -> None:
    layout = build_layout(LAYOUTS[name])
    query, key, value = draw_row(layout)
    last = layout.suffix_bounds[:, 1] - 1
    visible = list_visible_keys(layout.segments)
    expected = attend_plainly(query[:, :, last], key, value, [visible[i] for i in last], SCALE)[0]
    actual = compute_last_token_attention(layout, nn.Identity(), query[:, :, last], key, value, SCALE)
    np.testing.assert_allclose(actual.numpy(), expected, atol=2e-5)


@pytest.mark.parametrize("last_only", [False, True], ids=["all tokens", "last tokens"])
def test_a_cached_prefix_stands_for_the_one_in_the_row(last_only: bool) -> None:
    layer, cache = nn.Identity(), PrefixKVCache()
    whole = build_layout([(4, [2, 3], [4, 1])])
    query, key, value = draw_row(whole)
    prefix_row = PackedLayout((Segment.from_lengths(0, 4, [], prefix_cache=cache),))
    compute_cascade_attention(prefix_row, layer, query[:, :, :4], key[:, :, :4], value[:, :, :4], SCALE)
    suffix_row = PackedLayout((Segment.from_lengths(0, 0, [2, 3], [4, 1], prefix_cache=cache),))
    places = whole.suffix_bounds[:, 1] - 1 if last_only else torch.arange(4, 9)
    compute = compute_last_token_attention if last_only else compute_cascade_attention
    actual = compute(suffix_row, layer, query[:, :, places], key[:, :, 4:], value[:, :, 4:], SCALE)
    visible = list_visible_keys(whole.segments)
    expected = attend_plainly(query[:, :, places], key, value, [visible[i] for i in places], SCALE)[0]
    np.testing.assert_allclose(actual.numpy(), expected, atol=2e-5)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_halves_come_out_as_halves_of_the_same_numbers(dtype: torch.dtype) -> None:
    layout = build_layout(LAYOUTS["several"])
    query, key, value = draw_row(layout, dtype=dtype)
    expected = attend_plainly(query, key, value, list_visible_keys(layout.segments), SCALE)[0]
    actual = compute_cascade_attention(layout, nn.Identity(), query, key, value, SCALE)
    assert actual.dtype == dtype
    np.testing.assert_allclose(actual.float().numpy(), expected, atol=0.02)


def test_gradients_of_prompts_side_by_side_are_those_of_the_formula() -> None:
    # Training packs whole prompts. Where a prefix is followed, nothing learns: the kernel has no gradient of the
    # log-sum-exp by which two states are merged.
    layout = build_layout([(0, [3, 4], None), (0, [1, 6], None)])
    parts = [t.double().requires_grad_() for t in draw_row(layout, groups=4)]
    visible = list_visible_keys(layout.segments)
    mask = torch.full((len(visible), len(visible)), -torch.inf, dtype=torch.float64)
    for i, keys in enumerate(visible):
        mask[i, keys] = 0
    weights = (SCALE * parts[0] @ parts[1].transpose(-1, -2) + mask).softmax(-1)
    probe = torch.randn(parts[0].shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    expected = torch.autograd.grad(((weights @ parts[2]) * probe).sum(), parts)
    out = compute_cascade_attention(layout, nn.Identity(), parts[0], parts[1], parts[2], SCALE)
    actual = torch.autograd.grad((out * probe).sum(), parts)
    for mine, plain in zip(actual, expected, strict=True):
        # Suffixes are computed in float32 on a CPU.
        torch.testing.assert_close(mine, plain, atol=1e-4, rtol=1e-4)


def test_prompts_side_by_side_become_a_padded_batch() -> None:
    layout = build_layout([(0, [3, 1], None), (0, [4], None)])
    query, key, value = draw_row(layout)
    place = torch.tensor([[1, 2, 3, 7]])  # of suffixes 0-2, 3 and 4-7
    queries, keys, values, inside, back = unpack_to_padded(layout, place, query[:, :, place[0]], key, value)
    assert queries.shape == (3, 4, 2, 8) and keys.shape == values.shape == (3, 2, 4, 8)
    assert inside.flatten()[back].tolist() == [1, 2, 0, 3], "where in its own suffix each query stands"
    flat = queries.transpose(1, 2).flatten(0, 1)[back]
    torch.testing.assert_close(flat, query[0, :, place[0]].transpose(0, 1))
    torch.testing.assert_close(keys[0, :, :3], key[0, :, 0:3])
    torch.testing.assert_close(values[1, :, 0], value[0, :, 3])
    torch.testing.assert_close(keys[2], key[0, :, 4:8])
