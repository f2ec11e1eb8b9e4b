"""Attention of a packed row in two kernel calls, however many prefixes and suffixes stand in it.

The kernel (FlashAttention for sequences of varying length) attends within each of many sequences of a row, whose
bounds are its `cu_seqlens`. In one call every prefix and every suffix attends to itself, in the other all suffixes
attend to what they follow of their prefixes; the two are merged by their log-sum-exps. Prompts side by side, as in
training, are suffixes without a prefix: one call.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from thinkrec.engine import attention
from thinkrec.engine.attention import SequenceBounds
from thinkrec.engine.segments import Segment


class _VarlenPass(NamedTuple):
    """Some queries, and the keys of the row that each sequence of them attends to."""

    query_index: torch.Tensor | None
    """int64 (m,): which of the queries; None for all."""
    query_bounds: SequenceBounds
    key_index: torch.Tensor | None
    """int64 (n,): which keys of the row, sequence by sequence; None for all."""
    key_bounds: SequenceBounds


@dataclass(frozen=True, eq=False)
class VarlenBatch:
    """The segments of a row as sequences, on the device of the row."""

    self_attention: _VarlenPass
    """Every prefix and suffix over itself."""
    prefix_attention: _VarlenPass
    """The suffixes that follow something, over that."""
    self_attention_ends: _VarlenPass
    """The last token of every suffix over its suffix."""
    prefix_attention_ends: _VarlenPass
    """The last tokens of suffixes that follow something, over that."""

    @classmethod
    def from_segments(cls, segments: Sequence[Segment], device: torch.device) -> VarlenBatch:
        """The sequences of a row in which every prefix stands."""
        lengths: list[int] = []
        suffixes: list[tuple[int, int]] = []
        runs: list[_SuffixRun] = []
        for segment in segments:
            lengths += [n for n in (segment.prefix_length, *segment.suffix_lengths) if n]
            first = len(suffixes)
            suffixes += segment.suffix_bounds
            for n_suffixes, length in segment.prefix_length_runs:
                if length:
                    runs.append(_SuffixRun(first, first + n_suffixes, segment.start, segment.start + length))
                first += n_suffixes
        expand = partial(_expand_ranges, device=device)
        bounds, single_tokens = (
            SequenceBounds.from_lengths(lengths, device),
            SequenceBounds.from_lengths([1] * len(suffixes), device),
        )
        prefixes = expand([(run.prefix_start, run.prefix_stop) for run in runs])
        followers = expand([(suffixes[run.first_suffix][0], suffixes[run.stop_suffix - 1][1]) for run in runs])
        return cls(
            self_attention=_VarlenPass(None, bounds, None, bounds),
            prefix_attention=_VarlenPass(*followers, *prefixes),
            self_attention_ends=_VarlenPass(None, single_tokens, *expand(suffixes)),
            prefix_attention_ends=_VarlenPass(
                *expand([(run.first_suffix, run.stop_suffix) for run in runs]), *prefixes
            ),
        )

    def compute_attention(
        self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, *, ends: bool, scale: float
    ) -> torch.Tensor:
        """(1, h, m, d): all tokens of the row, or with `ends` the last one of every suffix, over what they see."""
        over_self, over_prefix = (
            (self.self_attention_ends, self.prefix_attention_ends)
            if ends
            else (self.self_attention, self.prefix_attention)
        )
        out, lse = _attend_selected(over_self, query, key, value, causal=not ends, scale=scale)
        index = over_prefix.query_index
        if index is None or not len(index):
            return out
        merged = attention.merge_states(
            _attend_selected(over_prefix, query, key, value, causal=False, scale=scale),
            (out[:, :, index], lse[:, :, index]),
        )
        return out.index_copy(2, index, merged)


class _SuffixRun(NamedTuple):
    """Neighbouring suffixes, first .. stop - 1 of the row's, that follow the row's tokens start .. stop - 1."""

    first_suffix: int
    stop_suffix: int
    prefix_start: int
    prefix_stop: int


def _expand_ranges(ranges: Sequence[tuple[int, int]], device: torch.device) -> tuple[torch.Tensor, SequenceBounds]:
    """The numbers of all ranges one behind the other, and where each begins."""
    numbers = np.concatenate([np.zeros(0, dtype=np.int64), *(np.arange(*limits) for limits in ranges)])
    return torch.from_numpy(numbers).to(device), SequenceBounds.from_lengths(
        [stop - start for start, stop in ranges], device
    )


def _attend_selected(
    selection: _VarlenPass, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, *, causal: bool, scale: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Output (1, h, m, d) and log-sum-exp (1, h, m) of these queries."""
    queries = query if selection.query_index is None else query[:, :, selection.query_index]
    keys, values = (t if selection.key_index is None else t[:, :, selection.key_index] for t in (key, value))
    return attention.compute_varlen_attention(
        queries, keys, values, selection.query_bounds, selection.key_bounds, causal=causal, scale=scale
    )


def compute_varlen_reference(
    q: Tensor, k: Tensor, v: Tensor, queries: SequenceBounds, keys: SequenceBounds, *, causal: bool, scale: float
) -> tuple[Tensor, Tensor]:
    """What `compute_varlen_attention` gives, by its formula, sequence by sequence."""
    groups = q.shape[1] // k.shape[1]
    k, v = (t.repeat_interleave(groups, dim=1) for t in (k, v))
    limits = zip(pairwise(queries.cu_seqlens.tolist()), pairwise(keys.cu_seqlens.tolist()), strict=True)
    states = [
        attention.compute_reference_attention(
            q[:, :, slice(*own)], k[:, :, slice(*seen)], v[:, :, slice(*seen)], causal=causal, scale=scale
        )
        for own, seen in limits
    ]
    return torch.cat([state[0] for state in states], dim=2), torch.cat([state[1] for state in states], dim=2)
