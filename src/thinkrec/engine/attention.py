"""Attention with its log-sum-exp, so that the states of two sets of keys can be merged into that of both."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

QUERY_CHUNK = 64
"""Queries of a step of causal attention on a CPU."""
_FLASH_DTYPES = (torch.float16, torch.bfloat16)
"""Formats that FlashAttention computes in."""


class SequenceBounds(NamedTuple):
    """How tokens fall into sequences (varlen)."""

    cu_seqlens: torch.Tensor
    """int32 (sequences + 1,): where each sequence begins, and the last one ends."""
    max_seqlen: int
    """Tokens of the longest sequence."""

    @classmethod
    def from_lengths(cls, lengths: Sequence[int], device: torch.device) -> SequenceBounds:
        """Sequences of these lengths, one behind the other."""
        begins = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
        return cls(torch.from_numpy(begins).to(device), max(lengths, default=0))


def compute_attention(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, *, causal: bool, scale: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Softmax attention and its log-sum-exp.

    query (b, h, m, d), key and value (b, g, n, d) with h a multiple of g (grouped-query attention). Returns the output
    (b, h, m, d) and float (b, h, m): lse = log sum_j exp(scale q . k_j) over the keys seen. With `causal`, m = n and
    query i sees keys 0 .. i. Uses the fused kernel of the device where it gives the log-sum-exp too, which has no
    gradient there.
    """
    if query.device.type == "cpu" and query.shape[-1] == value.shape[-1]:
        if causal and should_chunk_queries(query):
            return compute_chunked_attention(query, key, value, scale=scale)
        return torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(query, key, value, 0.0, causal, scale=scale)
    groups = query.shape[1] // key.shape[1]
    key, value = (t.repeat_interleave(groups, dim=1) if groups > 1 else t for t in (key, value))
    if has_flash_kernel(query):
        kernel_output = torch.ops.aten._scaled_dot_product_flash_attention(query, key, value, 0.0, causal, scale=scale)
        return kernel_output[0], kernel_output[1]
    return compute_reference_attention(query, key, value, causal=causal, scale=scale)


def should_chunk_queries(query: torch.Tensor) -> bool:
    """Whether causal attention is done in steps: on a CPU, for more queries than a step takes, without gradients."""
    return query.device.type == "cpu" and query.shape[2] > QUERY_CHUNK and not query.requires_grad


def compute_chunked_attention(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, *, scale: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Causal attention, `QUERY_CHUNK` queries at a time over the keys up to theirs.

    PyTorch's kernel for CPUs takes 512 keys at once, so that on prompts shorter than that it computes what lies in the
    future, nearly half of all, only to throw it away.
    """
    length, chunks = query.shape[2], []
    future = torch.full((QUERY_CHUNK, QUERY_CHUNK), -math.inf, dtype=query.dtype).triu(1)
    for first in range(0, length, QUERY_CHUNK):
        last = min(first + QUERY_CHUNK, length)
        mask = torch.zeros(last - first, last, dtype=query.dtype)
        mask[:, first:] = future[: last - first, : last - first]
        chunks.append(
            torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(
                query[:, :, first:last], key[:, :, :last], value[:, :, :last], 0.0, False, attn_mask=mask, scale=scale
            )
        )
    return torch.cat([chunk[0] for chunk in chunks], dim=2), torch.cat([chunk[1] for chunk in chunks], dim=2)


def has_flash_kernel(query: torch.Tensor) -> bool:
    """Whether FlashAttention takes queries of this device, format and width (d)."""
    return query.device.type == "cuda" and query.dtype in _FLASH_DTYPES and query.shape[-1] % 8 == 0


def compute_varlen_attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    queries: SequenceBounds,
    keys: SequenceBounds,
    *,
    causal: bool,
    scale: float,
) -> tuple[torch.Tensor, torch.Tensor]:
    """`compute_attention` within many sequences of a row (1, h or g, m or n, d) at once, where `has_flash_kernel`.

    Sequence i of the queries attends to sequence i of the keys.
    """
    # The kernel wants (tokens, heads, d), and shares keys between heads by itself.
    rows = (t[0].transpose(0, 1) for t in (query, key, value))
    kernel_output = torch.ops.aten._flash_attention_forward(
        *rows, queries.cu_seqlens, keys.cu_seqlens, queries.max_seqlen, keys.max_seqlen, 0.0, causal, False, scale=scale
    )
    return kernel_output[0].transpose(0, 1)[None], kernel_output[1][None]


def compute_reference_attention(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, *, causal: bool, scale: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """The same by its formula, for devices without such a kernel and for tests; as many heads for keys as queries."""
    weight = (query.float() @ key.float().transpose(-1, -2)) * scale
    if causal:
        later = torch.ones(weight.shape[-2:], dtype=torch.bool, device=weight.device).triu(1)
        weight = weight.masked_fill(later, -math.inf)
    seen = weight.logsumexp(-1)
    return ((weight - seen[..., None]).exp() @ value.float()).to(query.dtype), seen


def merge_states(first: tuple[torch.Tensor, torch.Tensor], second: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    """The output of attention over both sets of keys, from the (output, lse) of each (FlashInfer's merge_state).

    out = out_2 + sigmoid(lse_1 - lse_2) (out_1 - out_2), the outputs weighed by exp(lse).
    """
    share = torch.sigmoid(first[1] - second[1])[..., None].to(first[0].dtype)
    return second[0] + share * (first[0] - second[0])
