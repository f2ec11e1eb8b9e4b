"""Counts of shapes are those of models that hold weights."""

from __future__ import annotations

import pytest
from support.tiny_lm import make_model

from thinkrec.model.adapters import attach_adapters
from thinkrec.model.lora import LoRAConfig, MultiLoRAConfig
from thinkrec.scale.shapes import build_known_configs, count_shape


@pytest.mark.parametrize("n_experts", [0, 2])
def test_counts_of_a_tiny_model(n_experts: int) -> None:
    model, lora = make_model("llama"), LoRAConfig(rank=4, alpha=8)
    shape = count_shape("tiny", model.config, lora, n_experts)
    assert shape.parameters == sum(p.numel() for p in model.parameters())
    decoder = [m.weight.numel() for name, m in model.named_modules() if name.endswith("_proj")]
    assert shape.linear == sum(decoder)
    assert shape.head == model.get_output_embeddings().weight.numel()
    adapters = attach_adapters(model, MultiLoRAConfig(**lora.model_dump(), n_experts=n_experts))
    count = sum(p.numel() for p in adapters.get_parameters("global"))
    count += sum(p.numel() for p in adapters.get_parameters("experts")) if n_experts else 0
    assert shape.adapters == count


def test_known_shapes_have_their_published_size() -> None:
    configs = build_known_configs()
    for name, millions in (("SmolLM2-135M", 134.5), ("Qwen3-0.6B", 596.0), ("Llama-3-8B", 8030.3)):
        assert count_shape(name, configs[name], LoRAConfig(), 0).parameters / 1e6 == pytest.approx(millions, rel=1e-3)
    assert build_known_configs(1)["Qwen3-0.6B"].num_hidden_layers == 1
