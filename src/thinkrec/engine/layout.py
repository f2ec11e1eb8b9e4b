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
        """int64 (leaves, 2): where in the row each leaf begins, and where it has ended."""
        found = [limits for span in self.segments for limits in span.suffix_bounds]
        return torch.tensor(found, dtype=torch.long).view(-1, 2).to(self._device)

    @cached_property
    def varlen_batch(self) -> VarlenBatch | None:
        """For a kernel that attends within many pieces at once; None where trunks are kept for other rows."""
        if any(span.prefix_cache is not None for span in self.segments):
            return None
        return VarlenBatch.from_segments(self.segments, self._device)

    @property
    def has_only_suffixes(self) -> bool:
        """Whether the row holds nothing but leaves without trunks: prompts side by side."""
        return not any(span.prefix_length or span.prefix_cache for span in self.segments)

    def find_suffix_index(self, place: torch.Tensor) -> torch.Tensor:
        """int64 (m,): which leaf each of the row's tokens `place` belongs to, where all do."""
        return torch.searchsorted(self.suffix_bounds[:, 1].contiguous(), place.contiguous(), right=True)

    @property
    def _device(self) -> torch.device:
        return self.segments[0].gather_index.device

    def to(self, device: torch.device | str) -> PackedLayout:
        """The same on another device."""
        return PackedLayout(
            tuple(
                replace(s, gather_index=s.gather_index.to(device), scatter_index=s.scatter_index.to(device))
                for s in self.segments
            )
        )


def compute_padded_index(row: torch.Tensor, rows: int) -> tuple[int, torch.Tensor]:
    """Entries of rows `row` (m,) as a table (rows, s): its width, and where in it, flattened, each entry goes."""
    counts = torch.bincount(row, minlength=rows)
    s = int(counts.max()) if len(row) else 0
    order = torch.argsort(row, stable=True)
    rank = torch.empty_like(row)
    rank[order] = torch.arange(len(row), device=row.device) - (counts.cumsum(0) - counts)[row[order]]
    return s, row * s + rank
