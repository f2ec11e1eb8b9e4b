"""Attention of a packed row in two kernel calls, however many trunks and leaves stand in it.

The kernel (FlashAttention for sequences of varying length) attends within each of many pieces of a row. One call has
every trunk and every leaf look at itself; in the other all leaves look at what they follow of their trunks. Prompts
side by side, as in training, are leaves without a trunk: one call.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch

from thinkrec.engine import attention
from thinkrec.engine.attention import SequenceBounds
from thinkrec.engine.segments import Segment


class _VarlenPass(NamedTuple):
    """Some of a pass's queries, and the keys of the row that each piece of them sees."""

    query_index: torch.Tensor | None
    """int64: which of the queries; None for all."""
    query_bounds: SequenceBounds
    key_index: torch.Tensor | None
    """int64: which keys of the row, piece by piece; None for all."""
    key_bounds: SequenceBounds


@dataclass(frozen=True, eq=False)
class VarlenBatch:
    """The spans of a row as pieces, on the device of the row."""

    self_attention: _VarlenPass
    """Every trunk and leaf over itself."""
    prefix_attention: _VarlenPass
    """The leaves that follow something, over that."""
    self_attention_ends: _VarlenPass
    """The last token of every leaf over its leaf."""
    prefix_attention_ends: _VarlenPass
    """The last tokens of leaves that follow something, over that."""

    @classmethod
    def from_segments(cls, spans: Sequence[Segment], device: torch.device) -> VarlenBatch:
        """The pieces of a row in which every trunk stands."""
        whole: list[int] = []
        leaves: list[tuple[int, int]] = []
        runs: list[_SuffixRun] = []
        for span in spans:
            whole += [n for n in (span.prefix_length, *span.suffix_lengths) if n]
            first = len(leaves)
            leaves += span.suffix_bounds
            for number, seen in span.prefix_length_runs:
                if seen:
                    runs.append(_SuffixRun(first, first + number, span.start, span.start + seen))
                first += number
        sides = partial(_expand_ranges, device=device)
        cuts, one = SequenceBounds.from_lengths(whole, device), SequenceBounds.from_lengths([1] * len(leaves), device)
        seen = sides([(run.prefix_start, run.prefix_stop) for run in runs])
        followers = sides([(leaves[run.first_suffix][0], leaves[run.stop_suffix - 1][1]) for run in runs])
        return cls(
            self_attention=_VarlenPass(None, cuts, None, cuts),
            prefix_attention=_VarlenPass(*followers, *seen),
            self_attention_ends=_VarlenPass(None, one, *sides(leaves)),
            prefix_attention_ends=_VarlenPass(*sides([(run.first_suffix, run.stop_suffix) for run in runs]), *seen),
        )

    def compute_attention(
        self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, *, ends: bool, scale: float
    ) -> torch.Tensor:
        """(1, h, m, d): all tokens of the row, or with `ends` the last one of every leaf, over what they see."""
        own, followed = (
            (self.self_attention_ends, self.prefix_attention_ends)
            if ends
            else (self.self_attention, self.prefix_attention)
        )
        found, seen = _attend_selected(own, query, key, value, causal=not ends, scale=scale)
        at = followed.query_index
        if at is None or not len(at):
            return found
        both = attention.merge_states(
            _attend_selected(followed, query, key, value, causal=False, scale=scale), (found[:, :, at], seen[:, :, at])
        )
        return found.index_copy(2, at, both)


class _SuffixRun(NamedTuple):
    """Neighbouring leaves, first .. last - 1 of the row's, that follow the row's tokens start .. stop - 1."""

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
    over: _VarlenPass, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, *, causal: bool, scale: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Output (1, h, m, d) and normaliser (1, h, m) of these queries."""
    queries = query if over.query_index is None else query[:, :, over.query_index]
    keys, values = (t if over.key_index is None else t[:, :, over.key_index] for t in (key, value))
    return attention.compute_varlen_attention(
        queries, keys, values, over.query_bounds, over.key_bounds, causal=causal, scale=scale
    )


def compute_varlen_reference(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    queries: SequenceBounds,
    keys: SequenceBounds,
    *,
    causal: bool,
    scale: float,
) -> tuple[torch.Tensor, torch.Tensor]:
    """What `attend.in_pieces` gives, by its formula, piece by piece."""
    groups = query.shape[1] // key.shape[1]
    key, value = (t.repeat_interleave(groups, dim=1) for t in (key, value))
    limits = zip(pairwise(queries.cu_seqlens.tolist()), pairwise(keys.cu_seqlens.tolist()), strict=True)
    parts = [
        attention.compute_reference_attention(
            query[:, :, slice(*q)], key[:, :, slice(*k)], value[:, :, slice(*k)], causal=causal, scale=scale
        )
        for q, k in limits
    ]
    return torch.cat([part[0] for part in parts], dim=2), torch.cat([part[1] for part in parts], dim=2)
