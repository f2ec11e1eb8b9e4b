"""Which tokens of a packed row belong together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import torch

from thinkrec.engine.segments import Span
from thinkrec.engine.varlen import Pieces


@dataclass(frozen=True, eq=False)
class Layout:
    """Which tokens of a packed row belong together."""

    spans: tuple[Span, ...]

    @cached_property
    def limits(self) -> torch.Tensor:
        """int64 (leaves, 2): where in the row each leaf begins, and where it has ended."""
        found = [limits for span in self.spans for limits in span.limits]
        return torch.tensor(found, dtype=torch.long).view(-1, 2).to(self._device)

    @cached_property
    def pieces(self) -> Pieces | None:
        """For a kernel that attends within many pieces at once; None where trunks are kept for other rows."""
        if any(span.kept is not None for span in self.spans):
            return None
        return Pieces.of(self.spans, self._device)

    @property
    def alone(self) -> bool:
        """Whether the row holds nothing but leaves without trunks: prompts side by side."""
        return not any(span.trunk or span.kept for span in self.spans)

    def leaf_of(self, place: torch.Tensor) -> torch.Tensor:
        """int64 (m,): which leaf each of the row's tokens `place` belongs to, where all do."""
        return torch.searchsorted(self.limits[:, 1].contiguous(), place.contiguous(), right=True)

    @property
    def _device(self) -> torch.device:
        return self.spans[0].gather.device

    def to(self, device: torch.device | str) -> Layout:
        """The same on another device."""
        return Layout(tuple(
            replace(s, gather=s.gather.to(device), scatter=s.scatter.to(device)) for s in self.spans
        ))  # fmt: skip


def side_by_side(row: torch.Tensor, rows: int) -> tuple[int, torch.Tensor]:
    """Entries of rows `row` (m,) as a table (rows, s): its width, and where in it, flattened, each entry goes."""
    counts = torch.bincount(row, minlength=rows)
    s = int(counts.max()) if len(row) else 0
    order = torch.argsort(row, stable=True)
    rank = torch.empty_like(row)
    rank[order] = torch.arange(len(row), device=row.device) - (counts.cumsum(0) - counts)[row[order]]
    return s, row * s + rank
