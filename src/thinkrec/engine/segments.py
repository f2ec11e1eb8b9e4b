"""A trunk with its leaves, side by side in a packed row, and keys and values of a trunk kept for later rows.

A trunk with more leaves than a batch holds is computed first, and its keys and values are kept (`PrefixKVCache`) for
rows of leaves alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate, groupby, pairwise

import torch
from torch import nn


@dataclass(eq=False)
class PrefixKVCache:
    """A trunk's keys and values in every attention layer, (1, h, tokens, d); empty until its row was computed."""

    layers: dict[int, tuple[torch.Tensor, torch.Tensor]] = field(default_factory=dict)
    """By the identity of the attention module."""


@dataclass(frozen=True, eq=False)
class Segment:
    """One trunk with its leaves, all side by side in the row."""

    start: int
    """Where the trunk begins."""
    prefix_length: int
    """Tokens of the trunk in this row; 0 also where `prefix_cache` stands for it."""
    suffix_lengths: tuple[int, ...]
    """Tokens of each leaf; the first leaf begins where the trunk ends."""
    gather_index: torch.Tensor
    """int64 (leaves, longest): where in the leaves' tokens each padded place is; padding repeats the last token."""
    scatter_index: torch.Tensor
    """int64 (tokens of all leaves,): the padded place of each token."""
    prefix_length_runs: tuple[tuple[int, int], ...]
    """Neighbouring leaves that follow equally much of the trunk: how many leaves, how many of its tokens."""
    prefix_cache: PrefixKVCache | None = None
    """Where this trunk's keys and values go, or if it is not in the row come from."""

    @classmethod
    def from_lengths(
        cls,
        start: int,
        trunk: int,
        leaves: Sequence[int],
        sees: Sequence[int] | None = None,
        kept: PrefixKVCache | None = None,
    ) -> Segment:
        """The span of a trunk and leaves of these lengths; `sees`: what of the trunk each follows, None for all."""
        lengths = torch.tensor(leaves, dtype=torch.long)
        longest = int(lengths.max()) if len(leaves) else 0
        place = torch.arange(longest)
        begin = lengths.cumsum(0) - lengths
        gather = begin[:, None] + torch.minimum(place, lengths[:, None] - 1)
        scatter = (place < lengths[:, None]).flatten().nonzero()[:, 0]
        runs = [(len(list(same)), seen) for seen, same in groupby([trunk] * len(leaves) if sees is None else sees)]
        return cls(start, trunk, tuple(leaves), gather, scatter, tuple(runs), kept)

    @property
    def prefix_end(self) -> int:
        """Where the leaves begin."""
        return self.start + self.prefix_length

    @property
    def end(self) -> int:
        """Where the span ends."""
        return self.prefix_end + sum(self.suffix_lengths)

    @property
    def suffix_bounds(self) -> list[tuple[int, int]]:
        """Where in the row each leaf begins, and where it has ended."""
        return list(pairwise(accumulate(self.suffix_lengths, initial=self.prefix_end)))

    @property
    def max_prompt_length(self) -> int:
        """Tokens of the longest question, trunk and leaf."""
        return max([self.prefix_length, *(seen for _, seen in self.prefix_length_runs)]) + max(
            self.suffix_lengths, default=0
        )

    def get_prefix_key_values(
        self, module: nn.Module, key: torch.Tensor, value: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The trunk's keys and values in one layer, out of those of the whole row or of an earlier one."""
        if self.prefix_cache is not None and not self.prefix_length:
            return self.prefix_cache.layers.get(id(module), (key[:, :, :0], value[:, :, :0]))
        found = key[:, :, self.start : self.prefix_end], value[:, :, self.start : self.prefix_end]
        if self.prefix_cache is not None:
            self.prefix_cache.layers[id(module)] = found[0].clone(), found[1].clone()
        return found
