"""Attention and its log-sum-exp against the formula in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from support.plain_attention import attend_plainly

from thinkrec.engine.attention import (
    QUERY_CHUNK,
    SequenceBounds,
    compute_attention,
    compute_chunked_attention,
    compute_reference_attention,
    has_flash_kernel,
    merge_states,
    should_chunk_queries,
)


def draw_heads(n: int, groups: int = 2, heads: int = 4, width: int = 8) -> tuple[torch.Tensor, ...]:
    """Queries (1, heads, n, width), keys and values (1, groups, n, width)."""
    source = torch.Generator().manual_seed(n)
    return tuple(torch.randn(1, h, n, width, generator=source) for h in (heads, groups, groups))


def assert_equal(actual: tuple[torch.Tensor, torch.Tensor], expected: tuple[np.ndarray, np.ndarray]) -> None:
    for mine, plain in zip(actual, expected, strict=True):
        np.testing.assert_allclose(mine.numpy(), plain, atol=2e-5)


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("n", [1, 9, QUERY_CHUNK + 6])
@pytest.mark.parametrize("causal", [True, False])
def test_it_is_the_softmax_of_the_keys_that_are_seen(n: int, groups: int, causal: bool) -> None:
    query, key, value = draw_heads(n, groups)
    visible = [range(i + 1) if causal else range(n) for i in range(n)]
    expected = attend_plainly(query, key, value, visible, 0.3)
    assert_equal(compute_attention(query, key, value, causal=causal, scale=0.3), expected)
    wide = [t.repeat_interleave(4 // groups, dim=1) for t in (key, value)]
    assert_equal(compute_reference_attention(query, *wide, causal=causal, scale=0.3), expected)


@pytest.mark.parametrize("n", [QUERY_CHUNK - 1, QUERY_CHUNK, QUERY_CHUNK + 1, 2 * QUERY_CHUNK + 3])
def test_in_chunks_it_is_the_same_at_every_seam(n: int) -> None:
    query, key, value = draw_heads(n)
    expected = attend_plainly(query, key, value, [range(i + 1) for i in range(n)], 0.3)
    assert_equal(compute_chunked_attention(query, key, value, scale=0.3), expected)


def test_only_long_rows_without_gradients_go_in_chunks() -> None:
    query = torch.zeros(1, 1, QUERY_CHUNK + 1, 8)
    assert should_chunk_queries(query)
    assert not should_chunk_queries(query[:, :, :-1])
    assert not should_chunk_queries(query.clone().requires_grad_())
    assert not has_flash_kernel(query.half()), "a CPU has no such kernel"


@pytest.mark.parametrize("cut", [1, 4, 6])
def test_two_states_merge_into_attention_over_both_sets_of_keys(cut: int) -> None:
    query, key, value = draw_heads(7)
    parts = [
        compute_attention(query, key[:, :, of], value[:, :, of], causal=False, scale=0.3)
        for of in (slice(0, cut), slice(cut, 7))
    ]
    expected = attend_plainly(query, key, value, [range(7)] * 7, 0.3)[0]
    np.testing.assert_allclose(merge_states(parts[0], parts[1]).numpy(), expected, atol=2e-5)
    np.testing.assert_allclose(merge_states(parts[1], parts[0]).numpy(), expected, atol=2e-5)


def test_bounds_of_sequences_one_behind_the_other() -> None:
    bounds = SequenceBounds.from_lengths([3, 1, 4], torch.device("cpu"))
    assert bounds.cu_seqlens.tolist() == [0, 3, 4, 8]
    assert bounds.cu_seqlens.dtype == torch.int32
    assert bounds.max_seqlen == 4
    empty = SequenceBounds.from_lengths([], torch.device("cpu"))
    assert (empty.cu_seqlens.tolist(), empty.max_seqlen) == ([0], 0)
