"""Causal attention with gradients on a CPU, its backward pass made of batched matrix products.

PyTorch's kernel for CPUs is quick forward and slow backward: there it works through small blocks of queries and keys,
head by head. The products of the backward pass are few and large, which is what the matrix libraries are made for, and
the log-sum-exp of the forward pass gives the weights again without a softmax:

    P = exp(s q k^T - lse)       dV = P^T dO        dP = dO v^T
    dS = P (dP - rowsum(dO O))   dQ = s dS k        dK = s dS^T q

In half precision a product s q k^T of 20 would be rounded to the next eighth, and P be wrong by a sixteenth. So the
log-sum-exp goes into the product, as two further columns of q (its rounded value and the rest) beside two columns of
ones in k: what is rounded is s q k^T - lse, which is small where P is not. The row sum goes in the same way.
"""

from __future__ import annotations

import math
from typing import Any, cast

import torch

from thinkrec.engine.attention import compute_attention

QUERY_BLOCK = 64
"""Queries whose weights are held at a time; over keys that stand behind them nothing is computed."""
_HALF_FORMATS = (torch.bfloat16, torch.float16)


def should_multiply_gradients(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> bool:
    """Whether attention of these tensors needs gradients that matrix products give sooner than PyTorch's kernel.

    On a CPU in half precision. In float32 the kernel's own backward pass is as quick on prompts of some 300 tokens.
    """
    return (
        query.device.type == "cpu"
        and query.dtype in _HALF_FORMATS
        and query.shape[-1] == value.shape[-1]
        and torch.is_grad_enabled()
        and (query.requires_grad or key.requires_grad or value.requires_grad)
    )


def attend_causally(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, *, scale: float) -> torch.Tensor:
    """Causal softmax attention with gradients, for tensors on a CPU.

    query (b, h, t, d), key and value (b, g, t, d) with h a multiple of g (grouped-query attention: keys are not
    repeated). Returns (b, h, t, d), laid out in memory as (b, t, h, d).
    """
    return cast(torch.Tensor, _CausalAttention.apply(query, key, value, scale))


class _CausalAttention(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, scale: float) -> torch.Tensor:
        out, lse = compute_attention(query.detach(), key.detach(), value.detach(), causal=True, scale=scale)
        ctx.save_for_backward(query, key, value, out, lse)
        ctx.scale = scale
        return out

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        query, key, value, out, lse = ctx.saved_tensors
        return (*compute_attention_gradients(grads[0], query, key, value, out, lse, scale=ctx.scale), None)


def compute_attention_gradients(
    grad: torch.Tensor,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    out: torch.Tensor,
    lse: torch.Tensor,
    *,
    scale: float,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Gradients of causal attention for query, key and value, shaped and laid out like those.

    grad, out, query (b, h, t, d); key, value (b, g, t, d); lse float (b, h, t). Formulas: FlashAttention (Dao et al.,
    2022), appendix B, there by blocks of a chip's memory.
    """
    (b, h, t, d), g = query.shape, key.shape[1]
    r, n = h // g, b * g
    # Half-precision queries are scaled without rounding: by the power of two in `scale`; what is left comes later.
    power = 2.0 ** math.floor(math.log2(scale))
    rest = scale / power
    keys, values = _append_ones(key), _append_ones(value)
    dots = torch.sum(grad * out, dim=-1, dtype=torch.float32)
    grad_query = torch.empty(b, t, h, d, dtype=query.dtype).transpose(1, 2)
    grad_key, grad_value = (torch.zeros(n, t, d, dtype=query.dtype) for _ in range(2))
    for first in reversed(range(0, t, QUERY_BLOCK)):
        rows = slice(first, min(first + QUERY_BLOCK, t))
        m, last = rows.stop - first, rows.stop
        q = _append_columns(query[:, :, rows], lse[:, :, rows] / -rest, n, power)
        upstream = _append_columns(grad[:, :, rows], -dots[:, :, rows], n)
        weight = torch.bmm(q, keys[:, :last].transpose(1, 2))
        if rest != 1:
            weight *= rest
        weight.exp_().view(n, r, m, last)[..., first:].tril_()
        slope = torch.bmm(upstream, values[:, :last].transpose(1, 2)).mul_(weight)
        grad_value[:, :last].baddbmm_(weight.transpose(1, 2), upstream[..., :d])
        grad_key[:, :last].baddbmm_(slope.transpose(1, 2), q[..., :d], alpha=rest)
        block = torch.bmm(slope, keys[:, :last, :d])
        torch.mul(block.view(b, h, m, d), scale, out=grad_query[:, :, rows])
    return grad_query, grad_key.view(b, g, t, d), grad_value.view(b, g, t, d)


def _append_ones(tensor: torch.Tensor) -> torch.Tensor:
    """(b, g, t, d) -> (b g, t, d + 2): with two columns of ones."""
    b, g, t, d = tensor.shape
    wide = tensor.new_ones(b, g, t, d + 2)
    wide[..., :d] = tensor
    return wide.view(b * g, t, -1)


def _append_columns(tensor: torch.Tensor, column: torch.Tensor, n: int, factor: float = 1.0) -> torch.Tensor:
    """(b, h, m, d) and float (b, h, m) -> (n, h b / n * m, d + 2): the column in two parts, rounded and rest."""
    b, h, m, d = tensor.shape
    wide = tensor.new_empty(b, h, m, d + 2)
    torch.mul(tensor, factor, out=wide[..., :d])
    rounded = column.to(tensor.dtype)
    wide[..., d], wide[..., d + 1] = rounded, column - rounded.float()
    return wide.view(n, -1, d + 2)
