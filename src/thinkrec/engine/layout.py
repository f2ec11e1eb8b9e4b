"""Which tokens of a packed row belong together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import torch

from thinkrec.engine.segments import Segment
from thinkrec.engine.varlen import VarlenBatch


@dataclass(frozen=True, eq=False)
class PackedLayout:
    """Which tokens of a packed row belong together."""

    segments: tuple[Segment, ...]

    @cached_property
    def suffix_bounds(self) -> torch.Tensor:
        """int64 (suffixes, 2): where in the row each suffix begins, and where it has ended."""
        bounds = [bound for segment in self.segments for bound in segment.suffix_bounds]
        return torch.tensor(bounds, dtype=torch.long).view(-1, 2).to(self._device)

    @cached_property
    def varlen_batch(self) -> VarlenBatch | None:
        """For a kernel that attends within many sequences at once; None where a prefix is cached for other rows."""
        if any(segment.prefix_cache is not None for segment in self.segments):
            return None
        return VarlenBatch.from_segments(self.segments, self._device)

    @property
    def has_only_suffixes(self) -> bool:
        """Whether the row holds nothing but suffixes without prefixes: prompts side by side."""
        return not any(segment.prefix_length or segment.prefix_cache for segment in self.segments)

    def find_suffix_index(self, tokens: torch.Tensor) -> torch.Tensor:
        """int64 (m,): which suffix each of the row's `tokens` (m,) belongs to, where all do."""
        return torch.searchsorted(self.suffix_bounds[:, 1].contiguous(), tokens.contiguous(), right=True)

    @property
    def _device(self) -> torch.device:
        return self.segments[0].gather_index.device

    def to(self, device: torch.device | str) -> PackedLayout:
        """The same on another device."""
        return PackedLayout(
            tuple(
                replace(
                    segment,
                    gather_index=segment.gather_index.to(device),
                    scatter_index=segment.scatter_index.to(device),
                )
                for segment in self.segments
            )
        )


def compute_padded_index(row: torch.Tensor, rows: int) -> tuple[int, torch.Tensor]:
    """Entries of rows `row` (m,) as a table (rows, s): its width, and where in it, flattened, each entry goes."""
    counts = torch.bincount(row, minlength=rows)
    width = int(counts.max()) if len(row) else 0
    order = torch.argsort(row, stable=True)
    rank = torch.empty_like(row)
    rank[order] = torch.arange(len(row), device=row.device) - (counts.cumsum(0) - counts)[row[order]]
    return width, row * width + rank
