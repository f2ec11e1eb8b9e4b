"""One mixture of the adapters as a single LoRA adapter: ranks side by side, so that nothing is rounded off."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

from thinkrec.errors import DataError
from thinkrec.model.adapters import AdapterSet


def get_mixture_rank(adapters: AdapterSet, gate: np.ndarray) -> int:
    """Rank R of `build_mixture`: r for every adapter with a weight; r alone where fusion is `linear`."""
    return adapters.config.rank * (1 if adapters.config.fusion == "linear" else int(np.count_nonzero(gate)))


def build_mixture(adapters: AdapterSet, gate: np.ndarray) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """The adapter that rows with these weights are computed with.

    exact: A = [A_k], B = [w_k B_k] side by side, so s B A = sum_k w_k s B_k A_k. linear: A = sum_k sqrt(w_k) A_k and B
    alike. A layer without experts has the global adapter, filled with zeros to the same rank, since not every program
    knows ranks that differ by layer.

    Args:
        adapters: of the recommender.
        gate: float (1 + n,): weights of the global adapter and the experts.

    Returns:
        Layer name -> A (R, in) and B (out, R), on the CPU, both float32; their scale is that of `adapters`.

    Raises:
        DataError: where `gate` has another length or only zeros.
    """
    gate = np.asarray(gate, dtype=np.float64)
    if gate.shape != (adapters.n_adapters,) or not gate.any():
        raise DataError(f"a mixture of shape {gate.shape} for {adapters.n_adapters} adapters; give one weight for each")
    rank = get_mixture_rank(adapters, gate)
    layers = {}
    for name, layer in adapters.layers.items():
        weights = gate if layer.n_experts else np.array([1.0])
        pairs = [(layer.get_adapter(k), float(w)) for k, w in enumerate(weights) if w]
        if adapters.config.fusion == "linear":
            a = torch.stack([a * w**0.5 for (a, _), w in pairs]).sum(0)
            b = torch.stack([b * w**0.5 for (_, b), w in pairs]).sum(0)
        else:
            a, b = torch.cat([a for (a, _), _ in pairs]), torch.cat([b * w for (_, b), w in pairs], dim=1)
        a, b = a.detach().cpu(), b.detach().cpu()
        missing = rank - len(a)
        layers[name] = (
            torch.cat([a, a.new_zeros(missing, a.shape[1])]).contiguous(),
            torch.cat([b, b.new_zeros(len(b), missing)], dim=1).contiguous(),
        )
    return layers


def build_peft_files(
    adapters: AdapterSet, gate: np.ndarray, base: str
) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Tensors and `adapter_config.json` of a mixture as PEFT reads them; `base`: the backbone's folder or name."""
    rank = get_mixture_rank(adapters, gate)
    tensors = {}
    for name, (a, b) in build_mixture(adapters, gate).items():
        tensors[f"base_model.model.{name}.lora_A.weight"] = a
        tensors[f"base_model.model.{name}.lora_B.weight"] = b
    scale = adapters.config.alpha / adapters.config.rank
    return tensors, {**adapters.get_peft_config(base), "r": rank, "lora_alpha": scale * rank, "lora_dropout": 0.0}


@torch.no_grad()
def merge_mixture(model: nn.Module, adapters: AdapterSet, gate: np.ndarray) -> None:
    """Add a mixture to the weights of a bare copy of the backbone, in place."""
    scale = adapters.config.alpha / adapters.config.rank
    for name, (a, b) in build_mixture(adapters, gate).items():
        layer = model.get_submodule(name)
        delta = scale * (b @ a)
        weight = layer.weight
        assert isinstance(weight, torch.Tensor)
        weight += (delta.T if isinstance(layer, Conv1D) else delta).to(weight)
