"""Low-rank adapters that share one frozen backbone, mixed with their own weights for every row of a batch."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

from thinkrec.errors import CheckpointError, RecipeError
from thinkrec.io.files import write_json, write_tensors
from thinkrec.model.lora import ALL_LINEAR, MultiLoRAConfig, MultiLoRALinear, Routing

Group = Literal["global", "experts"]


class AdapterSet:
    """The handle on all adapters of one model: their parameters, and their values as they are saved."""

    def __init__(
        self,
        model: nn.Module,
        config: MultiLoRAConfig,
        layers: dict[str, MultiLoRALinear],
        routing: Routing,
        *,
        transposed: bool = False,
    ):
        """Of `layers` that stand in `model`; `transposed`: its linear layers hold their weights as (in, out)."""
        self.model = model
        self.config = config
        self.layers = layers
        """Adapted modules by their full name in the model."""
        self.routing = routing
        self._transposed = transposed

    @property
    def n_adapters(self) -> int:
        """1 + n: the width of routing weights."""
        return 1 + self.config.n_experts

    def get_parameters(self, group: Group) -> list[nn.Parameter]:
        """The global adapter's parameters, or those of all experts."""
        ends = {"global": ("global_a", "global_b"), "experts": ("expert_a", "expert_b")}
        halves = (getattr(layer, end) for layer in self.layers.values() for end in ends[group])
        return [p for p in halves if p is not None]

    @torch.no_grad()
    def compute_merged_weights(self) -> list[MultiLoRALinear]:
        """Hold W + s B A of the global adapter as one dense copy per layer; returns the layers that had none.

        The global adapter alone then computes with the copies.

        Until `clear_merged_weights`, and while no parameter changes. Half-precision weights stay as they are: the sum
        would be rounded, and a large model has no room for the copies; nor has one that is spread over processes.
        """
        layers = [
            x
            for x in self.layers.values()
            if x.merged_weight is None and x.base.weight.dtype == x.global_a.dtype and not _is_spread(x.base.weight)
        ]
        for layer in layers:
            layer.merged_weight = torch.addmm(layer.base.weight, layer.global_b, layer.global_a, alpha=layer.scale)
        return layers

    def clear_merged_weights(self) -> bool:
        """Compute from the adapters themselves again; whether anything was merged."""
        merged = [layer for layer in self.layers.values() if layer.merged_weight is not None]
        for layer in merged:
            layer.merged_weight = None
        return bool(merged)

    @contextmanager
    def merge_global_adapter(self) -> Iterator[None]:
        """`compute_merged_weights` until the block ends; inside another such block it does nothing."""
        layers = self.compute_merged_weights()
        try:
            yield
        finally:
            for layer in layers:
                layer.merged_weight = None

    @torch.no_grad()
    def init_group_adapters(self) -> None:
        """Make every expert a copy of its layer's global adapter, the start of expert training."""
        for layer in self.layers.values():
            for k in range(1, layer.n_adapters):
                a, b = layer.get_adapter(k)
                a.copy_(layer.global_a)
                b.copy_(layer.global_b)

    def compute_fused_delta(self, layer_name: str, w: torch.Tensor) -> torch.Tensor:
        """Dense reference (out, in) of what a row with weights w (1 + n,) adds: sum_k w_k s B_k A_k."""
        layer = self.layers[layer_name]
        pairs = [layer.get_adapter(k) for k in range(layer.n_adapters)]
        deltas = torch.stack([layer.scale * (b @ a) for a, b in pairs])
        return deltas[0] if layer.n_adapters == 1 else (w.to(deltas)[:, None, None] * deltas).sum(0)

    def state_dict(self) -> dict[str, torch.Tensor]:
        """All adapter tensors by "<module name>.<global_a | global_b | expert_a | expert_b>", detached."""
        names = ("global_a", "global_b", "expert_a", "expert_b")
        tensors = {f"{at}.{n}": getattr(layer, n) for at, layer in self.layers.items() for n in names}
        return {name: t.detach().contiguous() for name, t in tensors.items() if t is not None}

    @torch.no_grad()
    def load_state_dict(self, state: dict[str, torch.Tensor]) -> None:
        """Copy tensors in. Raises CheckpointError if names or shapes are not exactly this model's."""
        own = self.state_dict()
        _check_same_tensors({n: t.shape for n, t in own.items()}, {n: t.shape for n, t in state.items()})
        for name, tensor in own.items():
            tensor.copy_(state[name])

    def list_layer_numbers(self, group: Group) -> list[int]:
        """Numbers, from 0, of the decoder layers that hold adapters of a group, ascending."""
        prefix = find_decoder_layers(self.model)[0] + "."
        holding = (name for name, layer in self.layers.items() if group == "global" or layer.n_experts)
        return sorted({int(name.removeprefix(prefix).partition(".")[0]) for name in holding})

    def get_peft_tensors(self, k: int) -> dict[str, torch.Tensor]:
        """Adapter k by the names of PEFT's files, on the CPU: 0 the global one, k the k-th expert.

        An expert's file holds its own matrices in the layers with experts, and the global ones in all others: a layer
        without experts computes the global adapter for every row, and PEFT adds one adapter to the bare backbone. So
        each file alone gives what the rows of that adapter are computed with.
        Raises RecipeError for an adapter that does not exist.
        """
        if not 0 <= k < self.n_adapters:
            raise RecipeError(f"there is no adapter {k}; slots are 0 (global) to {self.n_adapters - 1}")
        tensors = {}
        for name, layer in self.layers.items():
            a, b = layer.get_adapter(k)
            tensors[f"base_model.model.{name}.lora_A.weight"] = a.detach().cpu().contiguous()
            tensors[f"base_model.model.{name}.lora_B.weight"] = b.detach().cpu().contiguous()
        return tensors

    def get_peft_config(self, base: str | None = None) -> dict[str, Any]:
        """What PEFT's `adapter_config.json` says of any of the adapters; `base` is the name of the backbone to note."""
        return {
            "peft_type": "LORA",
            "task_type": "CAUSAL_LM",
            "base_model_name_or_path": base,
            "r": self.config.rank,
            "lora_alpha": self.config.alpha,
            "lora_dropout": self.config.dropout,
            "target_modules": self._list_peft_targets(),
            "bias": "none",
            "fan_in_fan_out": self._transposed,
            "init_lora_weights": True,
            "inference_mode": True,
        }

    @torch.no_grad()
    def load_peft_tensors(self, k: int, tensors: Mapping[str, torch.Tensor]) -> None:
        """Copy in what `get_peft_tensors` gave. In layers without experts only adapter 0 has values of its own.

        Raises CheckpointError if names or shapes are not exactly this model's.
        """
        own = self.get_peft_tensors(k)
        _check_same_tensors({n: t.shape for n, t in own.items()}, {n: t.shape for n, t in tensors.items()})
        for name, layer in self.layers.items():
            if k < layer.n_adapters:
                for half, tensor in zip("AB", layer.get_adapter(k), strict=True):
                    tensor.copy_(tensors[f"base_model.model.{name}.lora_{half}.weight"])

    def save_peft(self, folder: Path | str, slot: int, base: str | None = None) -> None:
        """Write one adapter as PEFT reads it (`get_peft_tensors`, `get_peft_config`).

        Raises RecipeError for a slot that does not exist.
        """
        tensors = self.get_peft_tensors(slot)
        write_tensors(Path(folder) / "adapter_model.safetensors", tensors, metadata={"format": "pt"})
        write_json(Path(folder) / "adapter_config.json", self.get_peft_config(base))

    def _list_peft_targets(self) -> list[str]:
        """Short names, unless they would also match a linear layer that has no adapters, or mean all of them."""
        strays = [
            name
            for name, module in self.model.named_modules()
            if isinstance(module, nn.Linear) and any(_has_target_name(name, t) for t in self.config.targets)
        ]
        everything = self.config.targets == (ALL_LINEAR,)
        return sorted(self.layers) if strays or everything else list(self.config.targets)


def _check_same_tensors(own: Mapping[str, torch.Size], saved: Mapping[str, torch.Size]) -> None:
    """Raises CheckpointError where names or shapes differ."""
    odd = sorted(own.keys() ^ saved.keys())
    odd += sorted(name for name in own.keys() & saved.keys() if own[name] != saved[name])
    if odd:
        raise CheckpointError(
            f"saved adapters do not fit this model ({len(odd)} tensors differ, first: {odd[0]}); "
            "load them with the backbone and expert settings they were trained with"
        )


def attach_adapters(model: nn.Module, config: MultiLoRAConfig) -> AdapterSet:
    """Freeze a causal language model and put adapters on its target linears, in place.

    A `Conv1D` of GPT-2 and its like, a linear layer with its weight transposed, is made an nn.Linear first.
    Raises RecipeError if a target is not a linear layer of the decoder layers (the message lists those there are, and
    weights of other kinds), if `layers` or `expert_layers` names a layer that does not exist, if a layer is to hold
    experts and no adapters, or if the model already carries adapters.
    """
    if any(isinstance(m, MultiLoRALinear) for m in model.modules()):
        raise RecipeError("this model already carries experts; load the backbone again before attaching others")
    prefix, layers = find_decoder_layers(model)
    linears = [{n: m for n, m in layer.named_modules() if isinstance(m, nn.Linear | Conv1D)} for layer in layers]
    available = sorted({name for named_linears in linears for name in named_linears})
    everything = config.targets == (ALL_LINEAR,) and available
    missing = (
        [] if everything else [t for t in config.targets if not any(_has_target_name(name, t) for name in available)]
    )
    if missing:
        others = sorted({kind for layer in layers for kind in _describe_other_weights(layer)})
        raise RecipeError(
            f"adapters.targets names {', '.join(missing)}, which this backbone's decoder layers do not have as linear "
            f"layers; they have: {', '.join(available) or 'none'}"
            + (f". Of other kinds, which cannot carry adapters here: {', '.join(others)}" if others else "")
            + (". One layer for queries, keys and values together can be named as it is" if available else "")
        )
    with_adapters = _resolve_layers(config.layers, "adapters.layers", len(layers))
    with_experts = _resolve_layers(config.expert_layers, "adapters.expert_layers", len(layers))
    if config.n_experts and not with_experts <= with_adapters:
        outside = min(with_experts - with_adapters)
        raise RecipeError(
            f"adapters.expert_layers has layer {outside} hold experts, but adapters.layers gives it no adapters; "
            "let the layers with experts be among those with adapters"
        )
    model.requires_grad_(False)
    routing = Routing()
    adapted: dict[str, MultiLoRALinear] = {}
    transposed = False
    for i in sorted(with_adapters):
        for name, linear in linears[i].items():
            if everything or any(_has_target_name(name, t) for t in config.targets):
                base = linear if isinstance(linear, nn.Linear) else _to_linear(linear)
                transposed |= base is not linear
                module = MultiLoRALinear(base, config, config.n_experts if i in with_experts else 0, routing)
                module.train(model.training)  # a new module is in training mode, so with dropout; a loaded model is not
                layers[i].set_submodule(name, module)
                adapted[f"{prefix}.{i}.{name}"] = module
    return AdapterSet(model, config, adapted, routing, transposed=transposed)


def _to_linear(layer: Conv1D) -> nn.Linear:
    """The same layer with its weight as (out, in)."""
    wide, out = layer.weight.shape
    linear = nn.Linear(wide, out, device="meta")
    linear.weight = nn.Parameter(layer.weight.detach().T.contiguous(), requires_grad=False)
    linear.bias = nn.Parameter(layer.bias.detach(), requires_grad=False)
    return linear


def _describe_other_weights(layer: nn.Module) -> list[str]:
    """Matrices of a decoder layer that belong to no linear layer: "name (class that holds it)"."""
    return [
        f"{name} ({type(module).__name__})"
        for name, module in layer.named_modules()
        if not isinstance(module, nn.Linear | Conv1D)
        and any(p.ndim > 1 for p in [*module.parameters(recurse=False), *module.buffers(recurse=False)])
    ]


def _is_spread(weight: torch.Tensor) -> bool:
    """Whether a weight is spread over processes (a DTensor), so that this one holds a part of it."""
    return hasattr(weight, "to_local")


def find_decoder_layers(model: nn.Module) -> tuple[str, nn.ModuleList]:
    """Name and list of a causal language model's decoder layers, whatever the architecture calls them.

    It is the outermost module list as long as `num_hidden_layers` says. Raises RecipeError if there is none.
    """
    config = getattr(model, "config", None)
    depth = getattr(config, "num_hidden_layers", None)
    lists = [(n, m) for n, m in model.named_modules() if isinstance(m, nn.ModuleList) and len(m) == depth]
    if not lists:
        raise RecipeError(f"{type(model).__name__} has no list of {depth} decoder layers; use a decoder-only causal LM")
    return min(lists, key=lambda entry: entry[0].count("."))


def _resolve_layers(chosen: float | tuple[int, ...], key: str, depth: int) -> set[int]:
    """Numbers of the layers that a key chooses: the last fraction of them, or those it names."""
    if isinstance(chosen, tuple):
        wrong = [i for i in chosen if not 0 <= i < depth]
        if wrong:
            raise RecipeError(f"{key} names layer {wrong[0]}; this backbone has 0 to {depth - 1}")
        return set(chosen)
    if not 0 <= chosen <= 1:
        raise RecipeError(f"{key} is {chosen}; a fraction lies between 0 and 1")
    return set(range(depth - math.ceil(chosen * depth), depth))


def _has_target_name(name: str, target: str) -> bool:
    return name == target or name.endswith("." + target)
