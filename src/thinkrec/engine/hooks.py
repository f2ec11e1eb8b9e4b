"""Many sequences in one row without padding, also with a shared prefix that is computed once for all its suffixes.

Everything in a decoder but attention looks at one token at a time, so only attention has to know which tokens belong
together. A `PackedLayout` says so. While one is in use (`use_layout`), the attention that `install_attention` has put
into a model follows it; at all other times that attention is Transformers' own.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from thinkrec.engine.attention import compute_chunked_attention, should_chunk_queries
from thinkrec.engine.attention_gradient import attend_causally, should_multiply_gradients
from thinkrec.engine.cascade import compute_cascade_attention, compute_last_token_attention, unpack_to_padded
from thinkrec.engine.layout import PackedLayout

if TYPE_CHECKING:
    from transformers import PreTrainedModel

ATTENTION_NAME = "thinkrec"
"""The attention's name in Transformers' registry."""
_UNSUPPORTED_OPTIONS = ("softcap", "s_aux", "position_bias")
"""What some architectures ask of attention and packed attention does not do."""


class UnsupportedAttentionError(Exception):
    """This backbone's attention does something that packed attention does not."""


@dataclass(eq=False)
class PruningState:
    """Which tokens of a batch somebody reads after the last layer; see `thinkrec.engine.last_layer`."""

    positions: torch.Tensor
    """int64 (b, s): their positions in the row. Of a packed row (1, s): the last token of every suffix, or any tokens
    where no suffix has a prefix."""
    is_suffix_ends: bool = False
    """Whether they are the last token of every suffix of a packed row."""
    is_capturing: bool = False
    """While the last layer is run for its keys and values alone."""
    key_values: tuple[torch.Tensor, torch.Tensor] | None = None
    """Those keys and values."""


class KeyValuesCapturedError(Exception):
    """Keys and values of a layer, at the moment it would attend."""


class _HookState(threading.local):
    layout: PackedLayout | None = None
    pruning: PruningState | None = None
    captured_key_values: list[tuple[torch.Tensor, torch.Tensor]] | None = None
    is_fused: bool = False


HOOK_STATE = _HookState()
"""What attention of installed models follows in this thread; at rest nothing, so that it is Transformers' own."""


@contextmanager
def use_layout(layout: PackedLayout | None) -> Iterator[None]:
    """Attention of installed models follows `layout` in this thread until the block ends."""
    before, HOOK_STATE.layout = HOOK_STATE.layout, layout
    try:
        yield
    finally:
        HOOK_STATE.layout = before


@contextmanager
def capture_key_values() -> Iterator[list[tuple[torch.Tensor, torch.Tensor]]]:
    """Collects the keys and values (1, g, t, d) of packed rows, layer by layer, until the block ends."""
    before, HOOK_STATE.captured_key_values = HOOK_STATE.captured_key_values, []
    try:
        yield HOOK_STATE.captured_key_values
    finally:
        HOOK_STATE.captured_key_values = before


def install_attention(model: PreTrainedModel) -> bool:
    """Have a Transformers model use this module's attention in place of "sdpa"; whether it now does."""
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask

    if getattr(model.config, "_attn_implementation", None) == "sdpa":
        AttentionInterface.register(ATTENTION_NAME, dispatch_attention)
        AttentionMaskInterface.register(ATTENTION_NAME, sdpa_mask)
        model.set_attn_implementation(ATTENTION_NAME)
    return is_attention_installed(model)


def is_attention_installed(model: PreTrainedModel) -> bool:
    """Whether a model still uses this module's attention.

    Its configuration decides, and whoever holds the same configuration object may change it: Transformers does so where
    a second model is made from it. Packed rows on another attention would give wrong states without a word.
    """
    return getattr(model.config, "_attn_implementation", None) == ATTENTION_NAME


def dispatch_attention(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    **options,
) -> tuple[torch.Tensor, None]:
    """Attention of an installed model: Transformers' own at rest, else as the state of this thread says.

    query (b, h, t, d), key and value (b, g, s, d) -> (b, t, h, d).
    """
    layout, pruning = HOOK_STATE.layout, HOOK_STATE.pruning
    if pruning is not None and pruning.is_capturing:
        raise KeyValuesCapturedError(key, value)
    if layout is None and (pruning is None or pruning.key_values is None):
        return _attend_plainly(module, query, key, value, attention_mask, scaling, options)
    _check_options(layout, key if pruning is None or pruning.key_values is None else pruning.key_values[0], options)
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    if HOOK_STATE.captured_key_values is not None:
        HOOK_STATE.captured_key_values.append((key, value))
    if pruning is not None and pruning.key_values is not None:
        return _attend_at_positions(module, query, pruning, layout, scale, scaling), None
    assert layout is not None
    out = compute_cascade_attention(layout, module, query, key, value, scale)
    return out.transpose(1, 2).contiguous(), None


def _attend_plainly(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None,
    options: dict[str, Any],
) -> tuple[torch.Tensor, None]:
    """Transformers' own attention; causal prompts by this package's where that is the same and quicker."""
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    if attention_mask is None and _is_causal_self_attention(module, query, key, value, options):
        scale = query.shape[-1] ** -0.5 if scaling is None else scaling
        if should_multiply_gradients(query, key, value):
            return attend_causally(query, key, value, scale=scale).transpose(1, 2).contiguous(), None
        if should_chunk_queries(query):
            out, _ = compute_chunked_attention(query, key, value, scale=scale)
            return out.transpose(1, 2).contiguous(), None
    return sdpa_attention_forward(module, query, key, value, attention_mask, scaling=scaling, **options)


def _check_options(layout: PackedLayout | None, key: torch.Tensor, options: dict[str, Any]) -> None:
    """Raises UnsupportedAttentionError for what packed and pruned attention does not do; key: (b, g, s, d).

    Those are caps, sinks, biases, dropout, and windows that are shorter than the longest prompt.
    """
    for name in _UNSUPPORTED_OPTIONS:
        if options.get(name) is not None:
            raise UnsupportedAttentionError(name)
    if options.get("dropout"):
        raise UnsupportedAttentionError("dropout")
    window = options.get("sliding_window")
    longest = key.shape[2] if layout is None else max(segment.max_prompt_length for segment in layout.segments)
    if window is not None and longest > window:
        raise UnsupportedAttentionError("sliding_window")


def _attend_at_positions(
    module: nn.Module,
    query: torch.Tensor,
    pruning: PruningState,
    layout: PackedLayout | None,
    scale: float,
    scaling: float | None,
) -> torch.Tensor:
    """Attention of the queries at `pruning.positions` alone, over the keys and values of all tokens; (b, s, h, d)."""
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    assert pruning.key_values is not None
    key, value = pruning.key_values
    if layout is not None and pruning.is_suffix_ends:
        out = compute_last_token_attention(layout, module, query, key, value, scale)
        return out.transpose(1, 2).contiguous()
    positions, output_index = pruning.positions, None
    if layout is not None:
        query, key, value, positions, output_index = unpack_to_padded(layout, positions, query, key, value)
    seen = torch.arange(key.shape[2], device=query.device) <= positions[:, None, :, None]
    out, _ = sdpa_attention_forward(module, query, key, value, seen, scaling=scaling, is_causal=False)
    return out if output_index is None else out.flatten(0, 1)[output_index][None]


def _is_causal_self_attention(
    module: nn.Module, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, options: dict[str, Any]
) -> bool:
    """Whether this is causal attention of tokens over themselves, and nothing else."""
    causal = options.get("is_causal")
    return (
        (getattr(module, "is_causal", True) if causal is None else bool(causal))
        and query.shape[2:] == key.shape[2:] == value.shape[2:]
        and not any(options.get(name) is not None for name in _UNSUPPORTED_OPTIONS)
        and not options.get("dropout")
        and options.get("cache") is None
    )
