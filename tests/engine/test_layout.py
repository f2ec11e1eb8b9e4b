"""Which suffix a token of a packed row belongs to, and rows of unequal length as a table."""

from __future__ import annotations

import pytest
import torch

from thinkrec.engine.layout import PackedLayout, compute_padded_index
from thinkrec.engine.segments import PrefixKVCache, Segment

# Prefixes of 3, 0 and 2 tokens: 0-2, suffixes 3-4, 5; suffixes 6-8, 9; prefix 10-11, suffix 12-15.
LAYOUT = PackedLayout(
    (Segment.from_lengths(0, 3, [2, 1]), Segment.from_lengths(6, 0, [3, 1]), Segment.from_lengths(10, 2, [4]))
)


def test_suffixes_are_numbered_across_segments() -> None:
    assert LAYOUT.suffix_bounds.tolist() == [[3, 5], [5, 6], [6, 9], [9, 10], [12, 16]]
    tokens = [3, 4, 5, 6, 8, 9, 12, 15]
    assert LAYOUT.find_suffix_index(torch.tensor(tokens)).tolist() == [0, 0, 1, 2, 2, 3, 4, 4]
    for number, (first, end) in enumerate(LAYOUT.suffix_bounds.tolist()):
        assert LAYOUT.find_suffix_index(torch.arange(first, end)).tolist() == [number] * (end - first)


def test_prompts_side_by_side_have_only_suffixes() -> None:
    assert not LAYOUT.has_only_suffixes
    assert PackedLayout((LAYOUT.segments[1],)).has_only_suffixes
    cached = Segment.from_lengths(0, 0, [2], [5], prefix_cache=PrefixKVCache())
    assert not PackedLayout((cached,)).has_only_suffixes
    assert PackedLayout((cached,)).varlen_batch is None, "the kernel needs the prefix in the row"
    assert LAYOUT.varlen_batch is LAYOUT.varlen_batch is not None, "worked out once for all layers"


def test_moved_it_is_the_same_elsewhere() -> None:
    moved = LAYOUT.to("meta")
    assert all(segment.gather_index.device.type == "meta" for segment in moved.segments)
    assert [segment.suffix_lengths for segment in moved.segments] == [s.suffix_lengths for s in LAYOUT.segments]


@pytest.mark.parametrize("rows", [[0, 0, 1, 2, 2, 2], [2, 0, 2, 1, 0], [1], []])
def test_entries_get_places_in_order_row_by_row(rows: list[int]) -> None:
    width, place = compute_padded_index(torch.tensor(rows, dtype=torch.long), 3)
    counts = [rows.count(row) for row in range(3)]
    assert width == max(counts, default=0)
    expected = [row * width + rows[:number].count(row) for number, row in enumerate(rows)]
    assert place.tolist() == expected
