"""Cascade attention of a packed row: prefix and suffixes apart, merged by their log-sum-exps.

On a GPU with a varlen kernel all segments go in two calls (`engine/varlen.py`), elsewhere one after the other.
"""

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
    """(1, h, t, d): every token over what it may attend to: of its prefix what its suffix follows, and its own past."""
    if layout.varlen_batch is not None and has_flash_kernel(query):
        return layout.varlen_batch.compute_attention(query, key, value, ends=False, scale=scale)
    out = query.new_empty(*query.shape[:-1], value.shape[-1])
    for segment in layout.segments:
        prefix, suffixes = slice(segment.start, segment.prefix_end), slice(segment.prefix_end, segment.end)
        prefix_key, prefix_value = segment.get_prefix_key_values(module, key, value)
        if segment.prefix_length:
            out[:, :, prefix] = compute_attention(
                query[:, :, prefix], prefix_key, prefix_value, causal=True, scale=scale
            )[0]
        if segment.suffix_lengths:
            own = _compute_suffix_attention(
                segment, query[:, :, suffixes], key[:, :, suffixes], value[:, :, suffixes], scale
            )
            ends = list(accumulate(segment.suffix_lengths, initial=0))
            out[:, :, suffixes] = _merge_prefix_attention(
                segment, ends, query[:, :, suffixes], prefix_key, prefix_value, own, scale
            )
    return out


def _merge_prefix_attention(
    segment: Segment,
    ends: Sequence[int],
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    own_state: tuple[torch.Tensor, torch.Tensor],
    scale: float,
) -> torch.Tensor:
    """(1, h, m, d): the suffixes' attention over themselves, `own_state`, merged with that over the prefix's keys.

    `ends`: where in the m queries each suffix begins, and the last one ends.
    """
    outputs, suffix = [], 0
    for n_suffixes, length in segment.prefix_length_runs:
        tokens, suffix = slice(ends[suffix], ends[suffix + n_suffixes]), suffix + n_suffixes
        own_part = own_state[0][:, :, tokens], own_state[1][:, :, tokens]
        if length:
            prefix = _upcast_on_cpu(key[:, :, :length]), _upcast_on_cpu(value[:, :, :length])
            over_prefix = compute_attention(_upcast_on_cpu(query[:, :, tokens]), *prefix, causal=False, scale=scale)
            outputs.append(merge_states(over_prefix, own_part).to(query.dtype))
        else:
            outputs.append(own_part[0].to(query.dtype))
    return outputs[0] if len(outputs) == 1 else torch.cat(outputs, dim=2)


def _upcast_on_cpu(tensor: torch.Tensor) -> torch.Tensor:
    """The tensor in float32 on a CPU, as it is elsewhere.

    The CPU's kernel for halves rounds otherwise for every padded length: a suffix would score otherwise in other
    company. A GPU's kernels need the halves.
    """
    return tensor.float() if tensor.device.type == "cpu" else tensor


def _compute_suffix_attention(
    segment: Segment, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, scale: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Every suffix over itself: output (1, h, m, d) and log-sum-exp (1, h, m) of its m tokens."""
    # (1, h, m, d) -> (suffixes, h, longest, d). Padding stands behind, where no real token looks.
    q, k, v = (t[0][:, segment.gather_index].transpose(0, 1) for t in (query, key, value))
    out, lse = compute_attention(_upcast_on_cpu(q), _upcast_on_cpu(k), _upcast_on_cpu(v), causal=True, scale=scale)
    back = (
        out.transpose(0, 1).flatten(1, 2)[:, segment.scatter_index],
        lse.transpose(0, 1).flatten(1, 2)[:, segment.scatter_index],
    )
    return back[0][None], back[1][None]


def compute_last_token_attention(
    layout: PackedLayout, module: nn.Module, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, scale: float
) -> torch.Tensor:
    """(1, h, suffixes, d): the last token of every suffix over its prefix and its suffix."""
    if layout.varlen_batch is not None and has_flash_kernel(query):
        return layout.varlen_batch.compute_attention(query, key, value, ends=True, scale=scale)
    out, first = [], 0
    for segment in layout.segments:
        q = query[:, :, first : first + len(segment.suffix_lengths)]
        first += len(segment.suffix_lengths)
        if not segment.suffix_lengths:
            segment.get_prefix_key_values(module, key, value)
            continue
        groups, width = key.shape[1], segment.gather_index.shape[1]
        k, v = (t[0][:, segment.prefix_end + segment.gather_index] for t in (key, value))
        weight = torch.einsum("grcd,gcsd->grcs", q[0].unflatten(0, (groups, -1)).float(), k.float()) * scale
        is_token = torch.zeros(segment.gather_index.numel(), dtype=torch.bool, device=q.device)
        is_token[segment.scatter_index] = True
        weight = weight.masked_fill(~is_token.view(-1, width), -math.inf)
        lse = weight.logsumexp(-1, keepdim=True)
        own_out = (
            torch.einsum("grcs,gcsd->grcd", (weight - lse).exp(), v.float())
            .flatten(0, 1)[None]
            .to(_upcast_on_cpu(q).dtype)
        )
        own = own_out, lse.flatten(0, 1)[None, ..., 0]
        k, v = segment.get_prefix_key_values(module, key, value)
        out.append(_merge_prefix_attention(segment, range(len(segment.suffix_lengths) + 1), q, k, v, own, scale))
    return torch.cat(out, dim=2)


def unpack_to_padded(
    layout: PackedLayout, tokens: torch.Tensor, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Queries (1, h, m, d) at a packed row's `tokens` (1, m), with the row's keys and values, as a padded batch.

    Returns, with one row per suffix: queries (suffixes, h, s, d), keys and values (suffixes, g, longest, d), positions
    of the queries in their suffix (suffixes, s), and where in the flattened (suffixes, s) each query went.
    """
    begins, lengths = layout.suffix_bounds[:, 0], layout.suffix_bounds[:, 1] - layout.suffix_bounds[:, 0]
    suffix = layout.find_suffix_index(tokens[0])
    s, padded_index = compute_padded_index(suffix, len(begins))
    zeros = torch.zeros(len(begins) * s, dtype=torch.long, device=tokens.device)
    query_index = zeros.index_copy(0, padded_index, torch.arange(len(suffix), device=tokens.device)).view(-1, s)
    positions = zeros.index_copy(0, padded_index, tokens[0] - begins[suffix]).view(-1, s)
    offsets = torch.arange(max(n for segment in layout.segments for n in segment.suffix_lengths), device=tokens.device)
    # Padding repeats the last token, which no query of the suffix sees twice: its place is behind them.
    key_index = begins[:, None] + torch.minimum(offsets, lengths[:, None] - 1)
    queries, keys, values = (
        t[0][:, index].transpose(0, 1) for t, index in ((query, query_index), (key, key_index), (value, key_index))
    )
    return queries, keys, values, positions, padded_index
