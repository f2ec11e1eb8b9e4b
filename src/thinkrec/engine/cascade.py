"""Attention of a packed row: in pieces where there is a kernel for that, else one trunk with its leaves at a time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate

import torch
from torch import nn

from thinkrec.engine.attention import compute_attention, has_flash_kernel, merge_states
from thinkrec.engine.layout import PackedLayout, compute_padded_index
from thinkrec.engine.segments import Segment


def compute_cascade_attention(
    layout: PackedLayout, module: nn.Module, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, scale: float
) -> torch.Tensor:
    """(1, h, t, d): every token over what it sees."""
    if layout.varlen_batch is not None and has_flash_kernel(query):
        return layout.varlen_batch.compute_attention(query, key, value, ends=False, scale=scale)
    out = query.new_empty(*query.shape[:-1], value.shape[-1])
    for span in layout.segments:
        trunk, leaves = slice(span.start, span.prefix_end), slice(span.prefix_end, span.end)
        k, v = span.get_prefix_key_values(module, key, value)
        if span.prefix_length:
            out[:, :, trunk] = compute_attention(query[:, :, trunk], k, v, causal=True, scale=scale)[0]
        if span.suffix_lengths:
            own = _compute_suffix_attention(span, query[:, :, leaves], key[:, :, leaves], value[:, :, leaves], scale)
            ends = list(accumulate(span.suffix_lengths, initial=0))
            out[:, :, leaves] = _merge_prefix_attention(span, ends, query[:, :, leaves], k, v, own, scale)
    return out


def _merge_prefix_attention(
    span: Segment,
    ends: Sequence[int],
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    own: tuple[torch.Tensor, torch.Tensor],
    scale: float,
) -> torch.Tensor:
    """(1, h, m, d): the leaves' attention over themselves, `own`, put together with that over the trunk's keys.

    `ends`: where in the m queries each leaf begins, and the last one ends.
    """
    parts, leaf = [], 0
    for leaves, seen in span.prefix_length_runs:
        part, leaf = slice(ends[leaf], ends[leaf + leaves]), leaf + leaves
        alone = own[0][:, :, part], own[1][:, :, part]
        if seen:
            shown = _upcast_on_cpu(key[:, :, :seen]), _upcast_on_cpu(value[:, :, :seen])
            over = compute_attention(_upcast_on_cpu(query[:, :, part]), *shown, causal=False, scale=scale)
            parts.append(merge_states(over, alone).to(query.dtype))
        else:
            parts.append(alone[0].to(query.dtype))
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim=2)


def _upcast_on_cpu(tensor: torch.Tensor) -> torch.Tensor:
    """The tensor in float32 on a CPU, as it is elsewhere.

    The CPU's kernel for halves rounds otherwise for every padded length: a suffix would score otherwise in other
    company. A GPU's kernels need the halves.
    """
    return tensor.float() if tensor.device.type == "cpu" else tensor


def _compute_suffix_attention(
    span: Segment, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, scale: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Every leaf over itself: output (1, h, m, d) and normaliser (1, h, m) of its m tokens."""
    # (1, h, m, d) -> (leaves, h, longest, d). Padding stands behind, where no real token looks.
    q, k, v = (t[0][:, span.gather_index].transpose(0, 1) for t in (query, key, value))
    found, seen = compute_attention(_upcast_on_cpu(q), _upcast_on_cpu(k), _upcast_on_cpu(v), causal=True, scale=scale)
    back = (
        found.transpose(0, 1).flatten(1, 2)[:, span.scatter_index],
        seen.transpose(0, 1).flatten(1, 2)[:, span.scatter_index],
    )
    return back[0][None], back[1][None]


def compute_last_token_attention(
    layout: PackedLayout, module: nn.Module, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, scale: float
) -> torch.Tensor:
    """(1, h, leaves, d): the last token of every leaf over its trunk and its leaf."""
    if layout.varlen_batch is not None and has_flash_kernel(query):
        return layout.varlen_batch.compute_attention(query, key, value, ends=True, scale=scale)
    out, at = [], 0
    for span in layout.segments:
        q = query[:, :, at : at + len(span.suffix_lengths)]
        at += len(span.suffix_lengths)
        if not span.suffix_lengths:
            span.get_prefix_key_values(module, key, value)
            continue
        groups, width = key.shape[1], span.gather_index.shape[1]
        k, v = (t[0][:, span.prefix_end + span.gather_index] for t in (key, value))
        weight = torch.einsum("grcd,gcsd->grcs", q[0].unflatten(0, (groups, -1)).float(), k.float()) * scale
        real = torch.zeros(span.gather_index.numel(), dtype=torch.bool, device=q.device)
        real[span.scatter_index] = True
        weight = weight.masked_fill(~real.view(-1, width), -math.inf)
        seen = weight.logsumexp(-1, keepdim=True)
        found = (
            torch.einsum("grcs,gcsd->grcd", (weight - seen).exp(), v.float())
            .flatten(0, 1)[None]
            .to(_upcast_on_cpu(q).dtype)
        )
        own = found, seen.flatten(0, 1)[None, ..., 0]
        k, v = span.get_prefix_key_values(module, key, value)
        out.append(_merge_prefix_attention(span, range(len(span.suffix_lengths) + 1), q, k, v, own, scale))
    return torch.cat(out, dim=2)


def unpack_to_padded(
    layout: PackedLayout, place: torch.Tensor, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Queries (1, h, m, d) at a packed row's tokens `place` (1, m), with the row's keys and values, as a padded batch.

    Returns, with one row per suffix: queries (suffixes, h, s, d), keys and values (suffixes, g, longest, d), positions
    of the queries in their suffix (suffixes, s), and where in the flattened (suffixes, s) each query went.
    """
    begins, lengths = layout.suffix_bounds[:, 0], layout.suffix_bounds[:, 1] - layout.suffix_bounds[:, 0]
    leaf = layout.find_suffix_index(place[0])
    s, back = compute_padded_index(leaf, len(begins))
    fill = torch.zeros(len(begins) * s, dtype=torch.long, device=place.device)
    which = fill.index_copy(0, back, torch.arange(len(leaf), device=place.device)).view(-1, s)
    inside = fill.index_copy(0, back, place[0] - begins[leaf]).view(-1, s)
    width = torch.arange(max(n for span in layout.segments for n in span.suffix_lengths), device=place.device)
    # Padding repeats the last token, which no query of the leaf sees twice: its place is behind them.
    at = begins[:, None] + torch.minimum(width, lengths[:, None] - 1)
    queries, keys, values = (t[0][:, index].transpose(0, 1) for t, index in ((query, which), (key, at), (value, at)))
    return queries, keys, values, inside, back
