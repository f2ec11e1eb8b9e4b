"""Many sequences in one row without padding, and sequences that fork: a trunk computed once, leaves that all see it.

Everything in a decoder but attention looks at one token at a time, so only attention has to know which tokens belong
together. A `Layout` says so. While one is in use (`packed`), the attention that `install` has put into a model follows
it; at all other times that attention is Transformers' own.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from thinkrec.engine.attention import in_steps, stepwise
from thinkrec.engine.cascade import apart, over_all, over_ends
from thinkrec.engine.layout import Layout

if TYPE_CHECKING:
    from transformers import PreTrainedModel

NAME = "thinkrec"
"""The attention's name in Transformers' registry."""
_UNKNOWN = ("softcap", "s_aux", "position_bias")
"""What some architectures ask of attention and packed attention does not do."""


class CannotPack(Exception):
    """This backbone's attention does something that packed attention does not."""


@dataclass(eq=False)
class Reading:
    """Which tokens of a batch somebody reads after the last layer; see `thinkrec.engine.last_layer`."""

    place: torch.Tensor
    """int64 (b, s): their positions in the row. Of a packed row (1, s): the last token of every leaf, or where no leaf
    has a trunk any tokens."""
    ends: bool = False
    """Whether they are the last token of every leaf of a packed row."""
    taking: bool = False
    """While the last layer is run for its keys and values alone."""
    kept: tuple[torch.Tensor, torch.Tensor] | None = None
    """Those keys and values."""


class Keys(Exception):
    """Keys and values of a layer, at the moment it would attend."""


class _Active(threading.local):
    layout: Layout | None = None
    reading: Reading | None = None
    taken: list[tuple[torch.Tensor, torch.Tensor]] | None = None


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


@contextmanager
def taking() -> Iterator[list[tuple[torch.Tensor, torch.Tensor]]]:
    """Collects the keys and values (1, g, t, d) of packed rows, layer by layer, until the block ends."""
    before, ACTIVE.taken = ACTIVE.taken, []
    try:
        yield ACTIVE.taken
    finally:
        ACTIVE.taken = before


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
        if attention_mask is None and in_steps(query) and _causal(module, query, key, value, options):
            out, _ = stepwise(query, key, value, scale=query.shape[-1] ** -0.5 if scaling is None else scaling)
            return out.transpose(1, 2).contiguous(), None
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
    if ACTIVE.taken is not None:
        ACTIVE.taken.append((key, value))
    if reading is None or kept is None:
        assert layout is not None
        out = over_all(layout, module, query, key, value, scale)
    elif layout is not None and reading.ends:
        out = over_ends(layout, module, query, kept[0], kept[1], scale)
    else:
        query, key, value, place = query, *kept, reading.place
        back = None
        if layout is not None:
            query, key, value, place, back = apart(layout, place, query, key, value)
        seen = torch.arange(key.shape[2], device=query.device) <= place[:, None, :, None]
        found, _ = sdpa_attention_forward(module, query, key, value, seen, scaling=scaling, is_causal=False)
        return (found if back is None else found.flatten(0, 1)[back][None]), None
    return out.transpose(1, 2).contiguous(), None


def _causal(
    module: nn.Module, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, options: dict[str, Any]
) -> bool:
    """Whether this is causal attention of tokens over themselves, and nothing else."""
    causal = options.get("is_causal")
    return (
        (getattr(module, "is_causal", True) if causal is None else bool(causal))
        and query.shape[2:] == key.shape[2:] == value.shape[2:]
        and not any(options.get(name) is not None for name in _UNKNOWN)
        and not options.get("dropout")
        and options.get("cache") is None
    )
