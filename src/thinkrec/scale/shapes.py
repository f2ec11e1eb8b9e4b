"""Shapes of language models, without their weights: what costs are counted on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from transformers import AutoModelForCausalLM, LlamaConfig, PretrainedConfig, Qwen3Config

from thinkrec.model.adapters import attach_adapters
from thinkrec.model.lora import LoRAConfig, MultiLoRAConfig


@dataclass(frozen=True)
class BackboneShape:
    """What the cost of a decoder hangs on; counts are of numbers, not of bytes."""

    name: str
    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    parameters: int
    """All weights, embeddings included, without adapters."""
    linear: int
    """Weights of the linear layers of the decoder, through which every token goes."""
    head: int
    """Weights of the output layer, through which a written token goes."""
    adapters: int
    """Weights of all adapters: the global one, and the experts in the layers that have them. Every token goes through
    all of them, since the mixture of its user is applied exactly."""


def build_known_configs(layers: int | None = None) -> dict[str, PretrainedConfig]:
    """Configurations of known backbones, with their true number of layers.

    With `layers`: so many, and hardly any vocabulary, for measuring one layer.
    """

    def cut(config: Callable[..., PretrainedConfig], n_layers: int, vocabulary: int, **shape: Any) -> PretrainedConfig:
        is_true = layers is None
        return config(
            num_hidden_layers=n_layers if is_true else layers, vocab_size=vocabulary if is_true else 64, **shape
        )

    def widths(hidden: int, inner: int, heads: int, kv: int, head_dim: int, tied: bool) -> dict[str, Any]:
        return {
            "hidden_size": hidden,
            "intermediate_size": inner,
            "num_attention_heads": heads,
            "num_key_value_heads": kv,
            "head_dim": head_dim,
            "tie_word_embeddings": tied,
        }

    return {
        "nano": cut(LlamaConfig, 4, 6144, **widths(192, 512, 4, 4, 64, True)),
        "SmolLM2-135M": cut(LlamaConfig, 30, 49152, **widths(576, 1536, 9, 3, 64, True)),
        "Qwen3-0.6B": cut(Qwen3Config, 28, 151936, **widths(1024, 3072, 16, 8, 128, True)),
        "Llama-3-8B": cut(LlamaConfig, 32, 128256, **widths(4096, 14336, 32, 8, 128, False)),
    }


def count_shape(name: str, config: PretrainedConfig, lora: LoRAConfig, n_experts: int) -> BackboneShape:
    """Count a backbone with adapters on it, on the meta device: nothing is held in memory."""
    config = config.get_text_config()
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
        parameters = sum(p.numel() for p in model.parameters())
        head = model.get_output_embeddings()
        linear = sum(
            module.weight.numel()
            for module in model.modules()
            if isinstance(module, torch.nn.Linear) and module is not head
        )
        adapters = attach_adapters(model, MultiLoRAConfig(**lora.model_dump(), n_experts=n_experts))
        parameters_of = [
            adapters.get_parameters("global"),
            *([adapters.get_parameters("experts")] if n_experts else []),
        ]
        count = sum(p.numel() for part in parameters_of for p in part)
    heads = int(config.num_attention_heads)
    return BackboneShape(
        name=name,
        layers=int(config.num_hidden_layers),
        hidden=int(config.hidden_size),
        heads=heads,
        kv_heads=int(getattr(config, "num_key_value_heads", None) or heads),
        head_dim=int(getattr(config, "head_dim", None) or config.hidden_size // heads),
        parameters=parameters,
        linear=linear,
        head=int(config.vocab_size * config.hidden_size),
        adapters=count,
    )
