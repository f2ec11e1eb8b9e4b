"""A prefix with its suffixes in a packed row: where each token is, and whose keys stand for the prefix."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from thinkrec.engine.segments import PrefixKVCache, Segment


def test_suffixes_begin_where_the_prefix_ends() -> None:
    segment = Segment.from_lengths(10, 4, [2, 3, 1])
    assert (segment.prefix_end, segment.end) == (14, 20)
    assert segment.suffix_bounds == [(14, 16), (16, 19), (19, 20)]
    assert segment.prefix_length_runs == ((3, 4),)
    assert segment.max_prompt_length == 7


def test_neighbours_that_follow_equally_much_are_one_run() -> None:
    segment = Segment.from_lengths(0, 5, [1, 1, 1, 1, 9], [0, 2, 2, 5, 2])
    assert segment.prefix_length_runs == ((1, 0), (2, 2), (1, 5), (1, 2))
    assert segment.max_prompt_length == 14


@pytest.mark.parametrize("lengths", [[3], [1, 1], [2, 5, 1, 4], [4, 4]])
def test_gathered_suffixes_scatter_back(lengths: list[int]) -> None:
    segment = Segment.from_lengths(0, 2, lengths)
    tokens = torch.arange(100, 100 + sum(lengths))
    padded = tokens[segment.gather_index]
    assert padded.shape == (len(lengths), max(lengths))
    first = 100
    for row, length in zip(padded.tolist(), lengths, strict=True):
        last = first + length - 1
        assert row == [*range(first, last + 1), *[last] * (max(lengths) - length)], "padding repeats the last token"
        first += length
    assert padded.flatten()[segment.scatter_index].tolist() == tokens.tolist()


def test_a_prefix_alone_has_no_suffixes() -> None:
    segment = Segment.from_lengths(3, 4, [])
    assert (segment.end, segment.suffix_bounds, segment.max_prompt_length) == (7, [], 4)
    assert segment.gather_index.shape == (0, 0)


def test_the_cache_is_filled_by_the_row_of_the_prefix_and_read_by_later_ones() -> None:
    layer, other, cache = nn.Identity(), nn.Identity(), PrefixKVCache()
    key, value = torch.arange(12.0).view(1, 1, 6, 2), torch.arange(12.0, 24.0).view(1, 1, 6, 2)
    with_prefix = Segment.from_lengths(1, 3, [2], prefix_cache=cache)
    taken = with_prefix.get_prefix_key_values(layer, key, value)
    assert taken[0].tolist() == key[:, :, 1:4].tolist() and taken[1].tolist() == value[:, :, 1:4].tolist()
    key += 100  # the cache is a copy: the row's own tensors are reused
    later = Segment.from_lengths(0, 0, [2], [3], prefix_cache=cache)
    again = later.get_prefix_key_values(layer, key, value)
    assert again[0].tolist() == (key[:, :, 1:4] - 100).tolist() and again[1].tolist() == value[:, :, 1:4].tolist()
    assert later.get_prefix_key_values(other, key, value)[0].shape == (1, 1, 0, 2), "each layer has its own"
    assert Segment.from_lengths(0, 0, [6]).get_prefix_key_values(layer, key, value)[0].shape == (1, 1, 0, 2)
