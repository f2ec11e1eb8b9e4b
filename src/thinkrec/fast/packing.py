"""Many sequences in one row without padding, and sequences that fork: a trunk computed once, leaves that all see it.

A trunk with more leaves than a batch holds is computed first, and its keys and values are kept (`Kept`) for rows of
leaves alone.

Everything in a decoder but attention looks at one token at a time, so only attention has to know which tokens belong
together. A `Layout` says so. While one is in use (`packed`), the attention that `install` has put into a model follows
it; at all other times that attention is Transformers' own.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import accumulate, groupby
from typing import TYPE_CHECKING

import torch
from torch import nn

from thinkrec.fast.attend import attend, together

if TYPE_CHECKING:
    from transformers import PreTrainedModel

NAME = "thinkrec"
"""The attention's name in Transformers' registry."""
_UNKNOWN = ("softcap", "s_aux", "position_bias")
"""What some architectures ask of attention and packed attention does not do."""


class CannotPack(Exception):
    """This backbone's attention does something that packed attention does not."""


@dataclass(eq=False)
class Kept:
    """A trunk's keys and values in every attention layer, (1, h, tokens, d); empty until its row was computed."""

    layers: dict[int, tuple[torch.Tensor, torch.Tensor]] = field(default_factory=dict)
    """By the identity of the attention module."""


@dataclass(frozen=True, eq=False)
class Span:
    """One trunk with its leaves, all side by side in the row."""

    start: int
    """Where the trunk begins."""
    trunk: int
    """Tokens of the trunk in this row; 0 also where `kept` stands for it."""
    leaves: tuple[int, ...]
    """Tokens of each leaf; the first leaf begins where the trunk ends."""
    gather: torch.Tensor
    """int64 (leaves, longest): where in the leaves' tokens each padded place is; padding repeats the last token."""
    scatter: torch.Tensor
    """int64 (tokens of all leaves,): the padded place of each token."""
    runs: tuple[tuple[int, int], ...]
    """Neighbouring leaves that follow equally much of the trunk: how many leaves, how many of its tokens."""
    kept: Kept | None = None
    """Where this trunk's keys and values go, or if it is not in the row come from."""

    @classmethod
    def of(
        cls, start: int, trunk: int, leaves: Sequence[int], sees: Sequence[int] | None = None, kept: Kept | None = None
    ) -> Span:
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
    def middle(self) -> int:
        """Where the leaves begin."""
        return self.start + self.trunk

    @property
    def end(self) -> int:
        """Where the span ends."""
        return self.middle + sum(self.leaves)

    @property
    def longest(self) -> int:
        """Tokens of the longest question, trunk and leaf."""
        return max([self.trunk, *(seen for _, seen in self.runs)]) + max(self.leaves, default=0)

    def before(self, module: nn.Module, key: torch.Tensor, value: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The trunk's keys and values in one layer, out of those of the whole row or of an earlier one."""
        if self.kept is not None and not self.trunk:
            return self.kept.layers.get(id(module), (key[:, :, :0], value[:, :, :0]))
        found = key[:, :, self.start : self.middle], value[:, :, self.start : self.middle]
        if self.kept is not None:
            self.kept.layers[id(module)] = found[0].clone(), found[1].clone()
        return found


@dataclass(frozen=True, eq=False)
class Layout:
    """Which tokens of a packed row belong together."""

    spans: tuple[Span, ...]

    def to(self, device: torch.device | str) -> Layout:
        """The same on another device."""
        return Layout(tuple(
            replace(s, gather=s.gather.to(device), scatter=s.scatter.to(device)) for s in self.spans
        ))  # fmt: skip


@dataclass(eq=False)
class Reading:
    """Which tokens of a batch somebody reads after the last layer; see `thinkrec.fast.last`."""

    place: torch.Tensor
    """int64 (b, s): their positions in the row. Of a packed row (1, leaves): the last token of every leaf."""
    taking: bool = False
    """While the last layer is run for its keys and values alone."""
    kept: tuple[torch.Tensor, torch.Tensor] | None = None
    """Those keys and values."""


class Keys(Exception):
    """Keys and values of a layer, at the moment it would attend."""


class _Active(threading.local):
    layout: Layout | None = None
    reading: Reading | None = None


ACTIVE = _Active()
"""What attention of installed models follows in this thread; at rest nothing, so that it is Transformers' own."""


@contextmanager
def packed(layout: Layout | None) -> Iterator[None]:
    """Attention of installed models follows `layout` in this thread until the block ends."""
    before, ACTIVE.layout = ACTIVE.layout, layout
    try:
        yield
    finally:
        ACTIVE.layout = before


def install(model: PreTrainedModel) -> bool:
    """Have a Transformers model use this module's attention in place of "sdpa"; whether it now does."""
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask

    if getattr(model.config, "_attn_implementation", None) == "sdpa":
        AttentionInterface.register(NAME, _attention)
        AttentionMaskInterface.register(NAME, sdpa_mask)
        model.set_attn_implementation(NAME)
    return model.config._attn_implementation == NAME


def _attention(
    module: nn.Module, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor,
    attention_mask: torch.Tensor | None, scaling: float | None = None, **options,
) -> tuple[torch.Tensor, None]:  # fmt: skip
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    layout, reading = ACTIVE.layout, ACTIVE.reading
    if reading is not None and reading.taking:
        raise Keys(key, value)
    kept = None if reading is None else reading.kept
    if layout is None and kept is None:
        return sdpa_attention_forward(module, query, key, value, attention_mask, scaling=scaling, **options)
    for name in _UNKNOWN:
        if options.get(name) is not None:
            raise CannotPack(name)
    if options.get("dropout"):
        raise CannotPack("dropout")
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    window = options.get("sliding_window")
    longest = key.shape[2] if kept is None else kept[0].shape[2]
    if layout is not None:
        longest = max(span.longest for span in layout.spans)
    if window is not None and longest > window:
        raise CannotPack("sliding_window")
    if reading is None or kept is None:
        assert layout is not None
        out = _spans(layout, module, query, key, value, scale)
    elif layout is not None:
        out = _ends(layout, module, query, kept[0], kept[1], scale)
    else:
        key, value = kept
        seen = torch.arange(key.shape[2], device=query.device) <= reading.place[:, None, :, None]
        return sdpa_attention_forward(module, query, key, value, seen, scaling=scaling, is_causal=False)
    return out.transpose(1, 2).contiguous(), None


def _spans(layout: Layout, module: nn.Module, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor,
           scale: float) -> torch.Tensor:  # fmt: skip
    """(1, h, t, d): every token over what it sees."""
    out = query.new_empty(*query.shape[:-1], value.shape[-1])
    for span in layout.spans:
        trunk, leaves = slice(span.start, span.middle), slice(span.middle, span.end)
        k, v = span.before(module, key, value)
        if span.trunk:
            out[:, :, trunk] = attend(query[:, :, trunk], k, v, causal=True, scale=scale)[0]
        if span.leaves:
            own = _leaves(span, query[:, :, leaves], key[:, :, leaves], value[:, :, leaves], scale)
            ends = list(accumulate(span.leaves, initial=0))
            out[:, :, leaves] = _with_trunk(span, ends, query[:, :, leaves], k, v, own, scale)
    return out


def _with_trunk(span: Span, ends: Sequence[int], query: torch.Tensor, key: torch.Tensor, value: torch.Tensor,
                own: tuple[torch.Tensor, torch.Tensor], scale: float) -> torch.Tensor:  # fmt: skip
    """(1, h, m, d): the leaves' attention over themselves, `own`, put together with that over the trunk's keys.

    `ends`: where in the m queries each leaf begins, and the last one ends.
    """
    parts, leaf = [], 0
    for leaves, seen in span.runs:
        part, leaf = slice(ends[leaf], ends[leaf + leaves]), leaf + leaves
        alone = own[0][:, :, part], own[1][:, :, part]
        if seen:
            over = attend(query[:, :, part], key[:, :, :seen], value[:, :, :seen], causal=False, scale=scale)
            parts.append(together(over, alone))
        else:
            parts.append(alone[0])
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim=2)


def _leaves(
    span: Span, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, scale: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Every leaf over itself: output (1, h, m, d) and normaliser (1, h, m) of its m tokens."""
    # (1, h, m, d) -> (leaves, h, longest, d). Padding stands behind, where no real token looks.
    q, k, v = (t[0][:, span.gather].transpose(0, 1) for t in (query, key, value))
    found, seen = attend(q, k, v, causal=True, scale=scale)
    back = found.transpose(0, 1).flatten(1, 2)[:, span.scatter], seen.transpose(0, 1).flatten(1, 2)[:, span.scatter]
    return back[0][None], back[1][None]


def _ends(layout: Layout, module: nn.Module, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor,
          scale: float) -> torch.Tensor:  # fmt: skip
    """(1, h, leaves, d): the last token of every leaf over its trunk and its leaf."""
    out, at = [], 0
    for span in layout.spans:
        q = query[:, :, at : at + len(span.leaves)]
        at += len(span.leaves)
        if not span.leaves:
            span.before(module, key, value)
            continue
        groups, width = key.shape[1], span.gather.shape[1]
        k, v = (t[0][:, span.middle + span.gather] for t in (key, value))
        weight = torch.einsum("grcd,gcsd->grcs", q[0].unflatten(0, (groups, -1)).float(), k.float()) * scale
        real = torch.zeros(span.gather.numel(), dtype=torch.bool, device=q.device)
        real[span.scatter] = True
        weight = weight.masked_fill(~real.view(-1, width), -math.inf)
        seen = weight.logsumexp(-1, keepdim=True)
        found = torch.einsum("grcs,gcsd->grcd", (weight - seen).exp(), v.float()).flatten(0, 1)[None].to(q.dtype)
        own = found, seen.flatten(0, 1)[None, ..., 0]
        k, v = span.before(module, key, value)
        out.append(_with_trunk(span, range(len(span.leaves) + 1), q, k, v, own, scale))
    return torch.cat(out, dim=2)
