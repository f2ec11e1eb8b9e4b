"""Decoder layers of Llama's kind on a CPU: the same computation in fewer passes and larger products.

`install_fused_layers` gives every layer of that kind a forward pass that, where `use_fused_layers` is on in this
thread, multiplies what shares an input once (`joint_projection`), keeps norms, rotary embeddings and gates to few
passes (`layer_math`), and adds residuals within products. Attention is the model's own, so that packed rows, pruning
and captured keys and values work as before. At rest, with a cache of generation, with dropout, or with a hook on a part
of the layer, the layer is Transformers' own.

A layer is of that kind where it has the parts that are named here, and nothing else; whether it then computes the same
is found out by trying (`thinkrec.engine.capabilities`).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import MethodType
from typing import Any, cast

import torch
from torch import nn

from thinkrec.engine.fused_blocks import compute_feed_forward, multiply_onto, project_normed
from thinkrec.engine.hooks import HOOK_STATE, dispatch_attention
from thinkrec.engine.joint_projection import JointProjection
from thinkrec.engine.layer_math import split_and_rotate
from thinkrec.model.adapters import find_decoder_layers
from thinkrec.model.dtypes import read_cpu_flags
from thinkrec.model.lora import MultiLoRALinear, Routing

MIN_WIDTH = 384
"""Hidden size from which layers are fused: below it calls cost more than what they compute."""
MATRIX_UNIT = "amx_bf16"
"""What a CPU must have for bfloat16, as Linux names it: without a unit for its products those take four fifths of the
time, and fused layers save nothing (docs/performance.md)."""
_FORMATS = (torch.float32, torch.bfloat16)
_PARTS = {
    "input_layernorm": (),
    "self_attn": ("k_proj", "o_proj", "q_proj", "v_proj"),
    "post_attention_layernorm": (),
    "mlp": ("act_fn", "down_proj", "gate_proj", "up_proj"),
}
"""The parts of a layer, and theirs."""
_LOCK = threading.Lock()


def should_fuse_layers(model: nn.Module, width: int) -> bool:
    """Whether fused layers are quicker for a model of this hidden size, where and in the format that it is in."""
    weight = next(model.parameters())
    if weight.device.type != "cpu" or width < MIN_WIDTH:
        return False
    return weight.dtype == torch.float32 or (weight.dtype == torch.bfloat16 and MATRIX_UNIT in read_cpu_flags())


@contextmanager
def use_fused_layers(on: bool) -> Iterator[None]:
    """Installed layers compute by this module in this thread until the block ends, where `on`."""
    before, HOOK_STATE.is_fused = HOOK_STATE.is_fused, on
    try:
        yield
    finally:
        HOOK_STATE.is_fused = before


def install_fused_layers(model: nn.Module, routing: Routing) -> bool:
    """Give all decoder layers of a model the forward pass of this module; whether they are of the kind it knows."""
    layers = list(find_decoder_layers(model)[1])
    if not all(map(is_llama_layer, layers)):
        return False
    for layer in layers:
        if "forward" not in vars(layer):
            layer.forward = MethodType(_run_layer, FusedLayer(layer, routing))
    return True


def is_llama_layer(layer: nn.Module) -> bool:
    """Whether a decoder layer has the parts of Llama's, and nothing else that computes or holds weights."""
    parts = dict(layer.named_children())
    if {name: tuple(sorted(n for n, _ in part.named_children())) for name, part in parts.items()} != _PARTS:
        return False
    linears = [parts["self_attn"].get_submodule(name) for name in _PARTS["self_attn"]]
    linears += [parts["mlp"].get_submodule(name) for name in ("gate_proj", "up_proj", "down_proj")]
    norms = [parts["input_layernorm"], parts["post_attention_layernorm"]]
    return (
        all(type(x.base if isinstance(x, MultiLoRALinear) else x) is nn.Linear for x in linears)
        and all(hasattr(norm, "variance_epsilon") and len(list(norm.parameters())) == 1 for norm in norms)
        and type(parts["mlp"].act_fn).__name__ in ("SiLU", "SiLUActivation")
        and len({linear.bias is None for linear in linears[:1] + linears[2:4]}) == 1
        and len(list(layer.parameters(recurse=False))) == 0
    )


class FusedLayer:
    """One decoder layer, its linear layers joined."""

    def __init__(self, layer: nn.Module, routing: Routing) -> None:
        """Of a layer of Llama's kind; `routing`: the weights of its adapters."""
        self.layer, self.routing = layer, routing
        attention, mlp = cast(Any, layer.self_attn), cast(Any, layer.mlp)
        joined = (
            ([attention.q_proj, attention.k_proj, attention.v_proj], [3]),
            ([attention.o_proj], [1]),
            ([mlp.gate_proj, mlp.up_proj], [1, 1]),
            ([mlp.down_proj], [1]),
        )
        # Merged and unmerged weights are held apart: of threads that ask at the same time, one may need either.
        self.unmerged, self.merged = (tuple(JointProjection(*parts) for parts in joined) for _ in range(2))
        d = attention.head_dim
        self.heads, self.groups = (linear.weight.shape[0] // d for linear in (attention.q_proj, attention.k_proj))

    def can_compute(self, hidden: torch.Tensor, options: dict[str, Any]) -> bool:
        """Whether a call is one that this forward pass knows."""
        rotary = options.get("position_embeddings")
        adapted = [linear for projection in self.unmerged for linear in projection.adapted]
        return (
            HOOK_STATE.is_fused
            and hidden.device.type == "cpu"
            and hidden.dtype in _FORMATS
            and hidden.dtype == self.unmerged[0].linears[0].weight.dtype
            and options.get("past_key_values") is None
            and not options.get("use_cache")
            and not torch.is_autocast_enabled("cpu")
            and rotary is not None
            and rotary[0].ndim == 3
            and rotary[0].shape[-1] * self.heads == self.unmerged[1].in_features
            and not any(linear.training and linear.dropout.p for linear in adapted)
            and not any(part._forward_hooks or part._forward_pre_hooks for part in list(self.layer.modules())[1:])
        )

    def compute(self, hidden: torch.Tensor, options: dict[str, Any]) -> torch.Tensor:
        """(b, t, width): what the layer gives for the hidden states that enter it, (b, t, width)."""
        layer, (b, t, width) = cast(Any, self.layer), hidden.shape
        (joint_qkv, output, gate_up, down), spreads = self._refresh_projections(b, t)
        rows = hidden.reshape(b * t, width)
        norm = layer.input_layernorm
        joined = project_normed(joint_qkv, rows, norm.weight, norm.variance_epsilon, spreads[0])
        cos, sin = options["position_embeddings"]
        query, key, value = split_and_rotate(joined.view(b, t, -1), cos, sin, self.heads, self.groups)
        attended, _ = dispatch_attention(
            layer.self_attn,
            query,
            key,
            value,
            options.get("attention_mask"),
            scaling=layer.self_attn.scaling,
            dropout=layer.self_attn.attention_dropout if layer.self_attn.training else 0.0,
            sliding_window=getattr(layer.self_attn, "sliding_window", None),
            **{name: value for name, value in options.items() if name not in _OWN_OPTIONS},
        )
        rows = multiply_onto(output, rows, attended.reshape(b * t, -1), spreads[1])
        norm = layer.post_attention_layernorm
        return compute_feed_forward(
            gate_up, down, rows, norm.weight, norm.variance_epsilon, (spreads[2], spreads[3])
        ).view(b, t, width)

    def _refresh_projections(self, b: int, t: int) -> tuple[list[JointProjection], list[torch.Tensor | None]]:
        """The projections of this call, up to date, and the weight of each one's adapter columns, (b t or 1, k)."""
        weights, chosen, spreads = self.routing.weights, [], []
        with _LOCK:
            for unmerged, merged in zip(self.unmerged, self.merged, strict=True):
                adapted = unmerged.adapted
                routed = weights if any(linear.n_experts for linear in adapted) else None
                is_merged = bool(adapted) and routed is None and len(adapted) == len(unmerged.linears)
                is_merged = is_merged and all(linear.merged_weight is not None for linear in adapted)
                chosen.append(merged if is_merged else unmerged)
                chosen[-1].refresh(is_merged)
                spreads.append(None if is_merged else _spread_weights(adapted, routed, b, t))
        return chosen, spreads


_OWN_OPTIONS = ("position_embeddings", "attention_mask", "past_key_values", "use_cache", "position_ids")


def _run_layer(self: FusedLayer, hidden_states: torch.Tensor, *args: Any, **options: Any) -> torch.Tensor:
    if not args and self.can_compute(hidden_states, options):
        return self.compute(hidden_states, options)
    return type(self.layer).forward(self.layer, hidden_states, *args, **options)


def _spread_weights(
    adapted: list[MultiLoRALinear], weights: torch.Tensor | None, b: int, t: int
) -> torch.Tensor | None:
    """The weight of each adapter column, (b t or 1, k); None where all weigh 1."""
    if not any(linear.n_experts for linear in adapted):
        return None
    columns = []
    for linear in adapted:
        routed = torch.eye(1, linear.n_adapters) if weights is None else weights
        if not linear.n_experts:
            routed = torch.ones(1, 1)
        elif routed.shape[-1] != linear.n_adapters or len(routed) not in (1, b):
            raise RuntimeError(
                f"routing weights of shape {tuple(routed.shape)} for a batch of {b} rows and {linear.n_adapters} slots;"
                " give one row of weights per batch row, one for all, or one per token"
            )
        if routed.ndim == 2 and len(routed) > 1:
            routed = routed[:, None].expand(b, t, -1)
        columns.append(routed.reshape(-1, routed.shape[-1]).repeat_interleave(linear.rank, dim=1))
    n = max(map(len, columns))
    return torch.cat([part.expand(n, -1) for part in columns], dim=1).to(adapted[0].weight.dtype)
