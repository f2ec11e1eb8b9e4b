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
from thinkrec.engine.attention import Cuts
from thinkrec.engine.segments import Span


class _Over(NamedTuple):
    """Some of a pass's queries, and the keys of the row that each piece of them sees."""

    queries: torch.Tensor | None
    """int64: which of the queries; None for all."""
    query_cuts: Cuts
    keys: torch.Tensor | None
    """int64: which keys of the row, piece by piece; None for all."""
    key_cuts: Cuts


@dataclass(frozen=True, eq=False)
class Pieces:
    """The spans of a row as pieces, on the device of the row."""

    own: _Over
    """Every trunk and leaf over itself."""
    followed: _Over
    """The leaves that follow something, over that."""
    own_ends: _Over
    """The last token of every leaf over its leaf."""
    followed_ends: _Over
    """The last tokens of leaves that follow something, over that."""

    @classmethod
    def of(cls, spans: Sequence[Span], device: torch.device) -> Pieces:
        """The pieces of a row in which every trunk stands."""
        whole: list[int] = []
        leaves: list[tuple[int, int]] = []
        runs: list[_Run] = []
        for span in spans:
            whole += [n for n in (span.trunk, *span.leaves) if n]
            first = len(leaves)
            leaves += span.limits
            for number, seen in span.runs:
                if seen:
                    runs.append(_Run(first, first + number, span.start, span.start + seen))
                first += number
        sides = partial(_side, device=device)
        cuts, one = Cuts.of(whole, device), Cuts.of([1] * len(leaves), device)
        seen = sides([(run.start, run.stop) for run in runs])
        followers = sides([(leaves[run.first][0], leaves[run.last - 1][1]) for run in runs])
        return cls(
            own=_Over(None, cuts, None, cuts),
            followed=_Over(*followers, *seen),
            own_ends=_Over(None, one, *sides(leaves)),
            followed_ends=_Over(*sides([(run.first, run.last) for run in runs]), *seen),
        )

    def attend(
        self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, *, ends: bool, scale: float
    ) -> torch.Tensor:
        """(1, h, m, d): all tokens of the row, or with `ends` the last one of every leaf, over what they see."""
        own, followed = (self.own_ends, self.followed_ends) if ends else (self.own, self.followed)
        found, seen = _over(own, query, key, value, causal=not ends, scale=scale)
        at = followed.queries
        if at is None or not len(at):
            return found
        both = attention.together(_over(followed, query, key, value, causal=False, scale=scale),
                               (found[:, :, at], seen[:, :, at]))  # fmt: skip
        return found.index_copy(2, at, both)


class _Run(NamedTuple):
    """Neighbouring leaves, first .. last - 1 of the row's, that follow the row's tokens start .. stop - 1."""

    first: int
    last: int
    start: int
    stop: int


def _side(ranges: Sequence[tuple[int, int]], device: torch.device) -> tuple[torch.Tensor, Cuts]:
    """The numbers of all ranges one behind the other, and where each begins."""
    numbers = np.concatenate([np.zeros(0, dtype=np.int64), *(np.arange(*limits) for limits in ranges)])
    return torch.from_numpy(numbers).to(device), Cuts.of([stop - start for start, stop in ranges], device)


def _over(over: _Over, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, *, causal: bool,
          scale: float) -> tuple[torch.Tensor, torch.Tensor]:  # fmt: skip
    """Output (1, h, m, d) and normaliser (1, h, m) of these queries."""
    queries = query if over.queries is None else query[:, :, over.queries]
    keys, values = (t if over.keys is None else t[:, :, over.keys] for t in (key, value))
    return attention.in_pieces(queries, keys, values, over.query_cuts, over.key_cuts, causal=causal, scale=scale)


def plainly(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, queries: Cuts, keys: Cuts, *, causal: bool,
    scale: float,
) -> tuple[torch.Tensor, torch.Tensor]:  # fmt: skip
    """What `attend.in_pieces` gives, by its formula, piece by piece."""
    groups = query.shape[1] // key.shape[1]
    key, value = (t.repeat_interleave(groups, dim=1) for t in (key, value))
    limits = zip(pairwise(queries.begins.tolist()), pairwise(keys.begins.tolist()), strict=True)
    parts = [
        attention.plain(
            query[:, :, slice(*q)], key[:, :, slice(*k)], value[:, :, slice(*k)], causal=causal, scale=scale
        )
        for q, k in limits
    ]
    return torch.cat([part[0] for part in parts], dim=2), torch.cat([part[1] for part in parts], dim=2)
