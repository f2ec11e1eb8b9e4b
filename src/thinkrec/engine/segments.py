"""A shared prefix with its suffixes, side by side in a packed row, and its keys and values cached for later rows.

A prefix with more suffixes than a batch holds is computed first, and its keys and values are cached (`PrefixKVCache`)
for rows of suffixes alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate, groupby, pairwise

import torch
from torch import nn


@dataclass(eq=False)
class PrefixKVCache:
    """A prefix's keys and values in every attention layer, (1, g, tokens, d); empty until its row was computed."""

    layers: dict[int, tuple[torch.Tensor, torch.Tensor]] = field(default_factory=dict)
    """By the identity of the attention module."""


@dataclass(frozen=True, eq=False)
class Segment:
    """One shared prefix with its suffixes, all side by side in the row."""

    start: int
    """Where the prefix begins."""
    prefix_length: int
    """Tokens of the prefix in this row; 0 also where `prefix_cache` stands for it."""
    suffix_lengths: tuple[int, ...]
    """Tokens of each suffix; the first one begins where the prefix ends."""
    gather_index: torch.Tensor
    """int64 (suffixes, longest): where in the suffixes' tokens each padded place is; padding repeats the last token."""
    scatter_index: torch.Tensor
    """int64 (tokens of all suffixes,): the padded place of each token."""
    prefix_length_runs: tuple[tuple[int, int], ...]
    """Neighbouring suffixes that follow equally much of the prefix: how many suffixes, how many of its tokens."""
    prefix_cache: PrefixKVCache | None = None
    """Where this prefix's keys and values go, or if it is not in the row come from."""

    @classmethod
    def from_lengths(
        cls,
        start: int,
        prefix_length: int,
        suffix_lengths: Sequence[int],
        followed: Sequence[int] | None = None,
        prefix_cache: PrefixKVCache | None = None,
    ) -> Segment:
        """The segment of these lengths; `followed`: how many tokens of the prefix each suffix follows, None for all."""
        lengths = torch.tensor(suffix_lengths, dtype=torch.long)
        longest = int(lengths.max()) if len(suffix_lengths) else 0
        offset = torch.arange(longest)
        begin = lengths.cumsum(0) - lengths
        gather = begin[:, None] + torch.minimum(offset, lengths[:, None] - 1)
        scatter = (offset < lengths[:, None]).flatten().nonzero()[:, 0]
        runs = [
            (len(list(same)), length)
            for length, same in groupby([prefix_length] * len(suffix_lengths) if followed is None else followed)
        ]
        return cls(start, prefix_length, tuple(suffix_lengths), gather, scatter, tuple(runs), prefix_cache)

    @property
    def prefix_end(self) -> int:
        """Where the suffixes begin."""
        return self.start + self.prefix_length

    @property
    def end(self) -> int:
        """Where the segment ends."""
        return self.prefix_end + sum(self.suffix_lengths)

    @property
    def suffix_bounds(self) -> list[tuple[int, int]]:
        """Where in the row each suffix begins, and where it has ended."""
        return list(pairwise(accumulate(self.suffix_lengths, initial=self.prefix_end)))

    @property
    def max_prompt_length(self) -> int:
        """Tokens of the longest prompt, prefix and suffix."""
        return max([self.prefix_length, *(length for _, length in self.prefix_length_runs)]) + max(
            self.suffix_lengths, default=0
        )

    def get_prefix_key_values(
        self, module: nn.Module, key: torch.Tensor, value: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The prefix's keys and values (1, g, tokens, d) in one layer, from the whole row or from the cache."""
        if self.prefix_cache is not None and not self.prefix_length:
            return self.prefix_cache.layers.get(id(module), (key[:, :, :0], value[:, :, :0]))
        key_values = key[:, :, self.start : self.prefix_end], value[:, :, self.start : self.prefix_end]
        if self.prefix_cache is not None:
            self.prefix_cache.layers[id(module)] = key_values[0].clone(), key_values[1].clone()
        return key_values
