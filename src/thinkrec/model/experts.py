"""Low-rank adapters that share one frozen backbone, mixed with their own weights for every row of a batch."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import nn

from thinkrec.errors import CheckpointError, RecipeError
from thinkrec.model.disk import write_json, write_tensors

Group = Literal["global", "experts"]


class ExpertConfig(BaseModel):
    """Shape of the adapters. Defaults: ThinkRec paper, implementation details."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rank: int = Field(default=8, ge=1)
    """Rank r of each adapter."""
    alpha: float = Field(default=16.0, gt=0)
    """Numerator of the scale s = alpha / rank."""
    dropout: float = Field(default=0.05, ge=0, lt=1)
    """Dropout on the adapter's input while training."""
    targets: tuple[str, ...] = Field(default=("q_proj", "v_proj"), min_length=1)
    """Names of the linear modules, inside every decoder layer, that get adapters."""
    expert_layers: float | tuple[int, ...] = 0.25
    """Which layers hold experts: the last fraction of the layers (rounded up), or their numbers counted from 0."""
    n_experts: int = Field(default=3, ge=0)
    """Experts per layer that holds any; 0 leaves the global adapter alone."""


class Routing(threading.local):
    """The weights that every adapter of one model uses now, by row or by token; each thread has its own.

    Outside `use`, `weights` is None: the global adapter alone.
    """

    weights: torch.Tensor | None = None

    @contextmanager
    def use(self, weights: torch.Tensor | None) -> Iterator[None]:
        """Route with `weights` until the block ends: (b, 1 + n), (1, 1 + n) for all rows, or (b, t, 1 + n) by token."""
        before, self.weights = self.weights, weights
        try:
            yield
        finally:
            self.weights = before

    def __deepcopy__(self, memo: dict) -> Routing:
        return Routing()


class ExpertLinear(nn.Module):
    """A frozen linear layer plus 1 + n low-rank adapters: y = base(x) + s * (((drop(x) A^T) * w_row) B^T).

    With the A's stacked to ((1 + n) r, in) and the B's to (out, (1 + n) r) this equals adding the dense matrix
    sum_k w_k s B_k A_k to the base weight, for each row its own (ThinkRec paper, user-wise expert fusion).
    Slot 0 is the global adapter. A layer without experts uses it with weight 1 for every row.
    """

    def __init__(self, base: nn.Linear, config: ExpertConfig, n_experts: int, routing: Routing):
        super().__init__()
        self.base = base
        self.rank = config.rank
        self.scale = config.alpha / config.rank
        self.n_experts = n_experts
        self.routing = routing
        self.dropout = nn.Dropout(config.dropout)
        self.dense: torch.Tensor | None = None
        """While `Experts.merged` lasts: the base weight with the global adapter in it, (out, in)."""
        n = n_experts
        # Half-precision backbones still train their adapters in float32: AdamW steps of 1e-4 vanish in bfloat16.
        new = {"device": base.weight.device, "dtype": torch.float32}
        self.global_a = nn.Parameter(torch.empty(self.rank, base.in_features, **new))
        self.global_b = nn.Parameter(torch.zeros(base.out_features, self.rank, **new))
        self.expert_a = nn.Parameter(torch.empty(n * self.rank, base.in_features, **new)) if n else None
        self.expert_b = nn.Parameter(torch.zeros(base.out_features, n * self.rank, **new)) if n else None
        nn.init.kaiming_uniform_(self.global_a, a=math.sqrt(5))
        if self.expert_a is not None:
            nn.init.kaiming_uniform_(self.expert_a, a=math.sqrt(5))
        base.requires_grad_(False)

    @property
    def weight(self) -> torch.Tensor:
        """The frozen weight (out, in), for code that looks at a linear layer's own."""
        return self.base.weight

    @property
    def bias(self) -> torch.Tensor | None:
        """The frozen bias, if there is one."""
        return self.base.bias

    @property
    def slots(self) -> int:
        """1 + n."""
        return 1 + self.n_experts

    @property
    def learns(self) -> bool:
        """Whether any of its adapters does."""
        return self.global_a.requires_grad or (self.expert_a is not None and self.expert_a.requires_grad)

    def stacked(self) -> tuple[torch.Tensor, torch.Tensor]:
        """A (slots * r, in) and B (out, slots * r), global slot first."""
        if self.expert_a is None or self.expert_b is None:
            return self.global_a, self.global_b
        return torch.cat([self.global_a, self.expert_a]), torch.cat([self.global_b, self.expert_b], dim=1)

    def slot(self, k: int) -> tuple[torch.Tensor, torch.Tensor]:
        """A (r, in) and B (out, r) of slot k; the global ones where this layer holds no experts."""
        if k == 0 or self.expert_a is None or self.expert_b is None:
            return self.global_a, self.global_b
        part = slice((k - 1) * self.rank, k * self.rank)
        return self.expert_a[part], self.expert_b[:, part]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(b, ..., in) -> (b, ..., out)."""
        weights = self.routing.weights if self.n_experts else None
        dense = self.dense
        if weights is None and dense is not None:
            return nn.functional.linear(x, dense, self.base.bias)
        y = self.base(x)
        # Where nothing is learned, noise on the input would only blur what the layers above learn from.
        inner = (self.dropout(x) if self.learns else x).to(self.global_a.dtype)
        if weights is None:
            return self._add(y, inner @ self.global_a.T, self.global_b)
        by_token = weights.ndim == 3 and weights.shape[:2] == x.shape[:2]
        if weights.shape[-1] != self.slots or not (by_token or (weights.ndim == 2 and len(weights) in (1, x.shape[0]))):
            raise RuntimeError(
                f"routing weights of shape {tuple(weights.shape)} for a batch of {x.shape[0]} rows and {self.slots} "
                "slots; give one row of weights per batch row, one for all, or one per token"
            )
        a, b = self.stacked()
        spread = weights.to(inner.dtype).repeat_interleave(self.rank, dim=-1)
        return self._add(
            y, (inner @ a.T) * (spread if by_token else spread.view(len(weights), *[1] * (x.ndim - 2), -1)), b
        )

    def _add(self, y: torch.Tensor, middle: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """y + s * middle B^T, in one multiplication that adds where the formats allow it."""
        if y.dtype == b.dtype and not torch.is_autocast_enabled(y.device.type):
            flat = torch.addmm(y.flatten(0, -2), middle.flatten(0, -2), b.T, alpha=self.scale)
            return flat.view_as(y)
        return y + (self.scale * (middle @ b.T)).to(y.dtype)


class Experts:
    """The handle on all adapters of one model: what to train, save, export."""

    def __init__(self, model: nn.Module, config: ExpertConfig, layers: dict[str, ExpertLinear], routing: Routing):
        self.model = model
        self.config = config
        self.layers = layers
        """Adapted modules by their full name in the model."""
        self.routing = routing

    @property
    def slots(self) -> int:
        """1 + n: the width of routing weights."""
        return 1 + self.config.n_experts

    def parameters_of(self, group: Group) -> list[nn.Parameter]:
        """The global adapter's parameters, or those of all experts."""
        ends = {"global": ("global_a", "global_b"), "experts": ("expert_a", "expert_b")}
        found = (getattr(layer, end) for layer in self.layers.values() for end in ends[group])
        return [p for p in found if p is not None]

    def train_only(self, *groups: Group) -> list[nn.Parameter]:
        """Freeze every adapter but these groups (none: all frozen); returns what may now train."""
        for group in ("global", "experts"):
            for p in self.parameters_of(group):
                p.requires_grad_(group in groups)
        return [p for group in groups for p in self.parameters_of(group)]

    @contextmanager
    def merged(self) -> Iterator[None]:
        """Compute the global adapter alone as one dense weight until the block ends: W + s B A, a copy per layer.

        For blocks in which no parameter changes. Half-precision weights stay as they are: the sum would be rounded,
        and a large model has no room for the copies. A block inside another does nothing.
        """
        layers = [x for x in self.layers.values() if x.dense is None and x.base.weight.dtype == x.global_a.dtype]
        with torch.no_grad():
            for layer in layers:
                layer.dense = torch.addmm(layer.base.weight, layer.global_b, layer.global_a, alpha=layer.scale)
        try:
            yield
        finally:
            for layer in layers:
                layer.dense = None

    @torch.no_grad()
    def init_experts_from_global(self) -> None:
        """Make every expert a copy of its layer's global adapter, the start of expert training."""
        for layer in self.layers.values():
            for k in range(1, layer.slots):
                a, b = layer.slot(k)
                a.copy_(layer.global_a)
                b.copy_(layer.global_b)

    def fused_delta(self, layer_name: str, w: torch.Tensor) -> torch.Tensor:
        """Dense reference (out, in) of what a row with weights w (1 + n,) adds: sum_k w_k s B_k A_k."""
        layer = self.layers[layer_name]
        pairs = [layer.slot(k) for k in range(layer.slots)]
        each = torch.stack([layer.scale * (b @ a) for a, b in pairs])
        return each[0] if layer.slots == 1 else (w.to(each)[:, None, None] * each).sum(0)

    def state_dict(self) -> dict[str, torch.Tensor]:
        """All adapter tensors by "<module name>.<global_a | global_b | expert_a | expert_b>", detached."""
        names = ("global_a", "global_b", "expert_a", "expert_b")
        tensors = {f"{at}.{n}": getattr(layer, n) for at, layer in self.layers.items() for n in names}
        return {name: t.detach().contiguous() for name, t in tensors.items() if t is not None}

    @torch.no_grad()
    def load_state_dict(self, state: dict[str, torch.Tensor]) -> None:
        """Copy tensors in. Raises CheckpointError if names or shapes are not exactly this model's."""
        own = self.state_dict()
        odd = sorted(own.keys() ^ state.keys())
        odd += sorted(n for n in own.keys() & state.keys() if own[n].shape != state[n].shape)
        if odd:
            raise CheckpointError(
                f"saved adapters do not fit this model ({len(odd)} tensors differ, first: {odd[0]}); "
                "load them with the backbone and expert settings they were trained with"
            )
        for name, tensor in own.items():
            tensor.copy_(state[name])

    def save_peft(self, folder: Path | str, slot: int, base: str | None = None) -> None:
        """Write one adapter as PEFT reads it: slot 0 the global one; slot k expert k above and the global one below.

        `base` is the name of the backbone to note in `adapter_config.json`.
        Raises RecipeError for a slot that does not exist.
        """
        if not 0 <= slot < self.slots:
            raise RecipeError(f"there is no adapter {slot}; slots are 0 (global) to {self.slots - 1}")
        tensors = {}
        for name, layer in self.layers.items():
            a, b = layer.slot(slot)
            tensors[f"base_model.model.{name}.lora_A.weight"] = a.detach().cpu().contiguous()
            tensors[f"base_model.model.{name}.lora_B.weight"] = b.detach().cpu().contiguous()
        config = {
            "peft_type": "LORA",
            "task_type": "CAUSAL_LM",
            "base_model_name_or_path": base,
            "r": self.config.rank,
            "lora_alpha": self.config.alpha,
            "lora_dropout": self.config.dropout,
            "target_modules": self._peft_targets(),
            "bias": "none",
            "fan_in_fan_out": False,
            "init_lora_weights": True,
            "inference_mode": True,
        }
        write_tensors(Path(folder) / "adapter_model.safetensors", tensors, metadata={"format": "pt"})
        write_json(Path(folder) / "adapter_config.json", config)

    def _peft_targets(self) -> list[str]:
        """Short names, unless they would also match a linear layer outside the decoder layers."""
        strays = [
            name
            for name, module in self.model.named_modules()
            if isinstance(module, nn.Linear) and any(_matches(name, t) for t in self.config.targets)
        ]
        return sorted(self.layers) if strays else list(self.config.targets)


def attach(model: nn.Module, config: ExpertConfig) -> Experts:
    """Freeze a causal language model and put adapters on its target linears, in place.

    Raises RecipeError if a target is not a linear layer of the decoder layers (the message lists those there are),
    if `expert_layers` names a layer that does not exist, or if the model already carries adapters.
    """
    if any(isinstance(m, ExpertLinear) for m in model.modules()):
        raise RecipeError("this model already carries experts; load the backbone again before attaching others")
    prefix, layers = decoder_layers(model)
    linears = [{n: m for n, m in layer.named_modules() if isinstance(m, nn.Linear)} for layer in layers]
    available = sorted({name for found in linears for name in found})
    missing = [t for t in config.targets if not any(_matches(name, t) for name in available)]
    if missing:
        raise RecipeError(
            f"experts.targets names {', '.join(missing)}, which this backbone's decoder layers do not have as linear "
            f"layers; they have: {', '.join(available) or 'none'}"
        )
    with_experts = _expert_layers(config, len(layers))
    model.requires_grad_(False)
    routing = Routing()
    adapted: dict[str, ExpertLinear] = {}
    for i, found in enumerate(linears):
        for name, base in found.items():
            if any(_matches(name, t) for t in config.targets):
                module = ExpertLinear(base, config, config.n_experts if i in with_experts else 0, routing)
                module.train(model.training)  # a new module is in training mode, so with dropout; a loaded model is not
                layers[i].set_submodule(name, module)
                adapted[f"{prefix}.{i}.{name}"] = module
    return Experts(model, config, adapted, routing)


def decoder_layers(model: nn.Module) -> tuple[str, nn.ModuleList]:
    """Name and list of a causal language model's decoder layers, whatever the architecture calls them.

    It is the outermost module list as long as `num_hidden_layers` says. Raises RecipeError if there is none.
    """
    config = getattr(model, "config", None)
    depth = getattr(config, "num_hidden_layers", None)
    lists = [(n, m) for n, m in model.named_modules() if isinstance(m, nn.ModuleList) and len(m) == depth]
    if not lists:
        raise RecipeError(f"{type(model).__name__} has no list of {depth} decoder layers; use a decoder-only causal LM")
    return min(lists, key=lambda found: found[0].count("."))


def _expert_layers(config: ExpertConfig, depth: int) -> set[int]:
    chosen = config.expert_layers
    if isinstance(chosen, tuple):
        wrong = [i for i in chosen if not 0 <= i < depth]
        if wrong:
            raise RecipeError(f"experts.expert_layers names layer {wrong[0]}; this backbone has 0 to {depth - 1}")
        return set(chosen)
    if not 0 <= chosen <= 1:
        raise RecipeError(f"experts.expert_layers is {chosen}; a fraction lies between 0 and 1")
    return set(range(depth - math.ceil(chosen * depth), depth))


def _matches(name: str, target: str) -> bool:
    return name == target or name.endswith("." + target)
