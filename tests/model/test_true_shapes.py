"""Backbones that are one key away: random weights of their true width, few layers, the whole way of a score."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from support.tiny_lm import WORDS, make_prompt, make_tokenizer
from transformers import AutoModelForCausalLM, LlamaConfig, PretrainedConfig, Qwen3Config

from thinkrec.engine.batch import collate_prompts
from thinkrec.engine.capabilities import detect_capabilities
from thinkrec.engine.parts import set_trainable_parts
from thinkrec.engine.recommender import Recommender
from thinkrec.model.adapters import attach_adapters
from thinkrec.model.backbone import Backbone, BackboneConfig, build_backbone
from thinkrec.model.lora import MultiLoRAConfig
from thinkrec.model.projector import Projector

SMALL = {"vocab_size": len(WORDS), "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
"""What is not of the true shape: the vocabulary, which no layer's width hangs on."""
SHAPES: dict[str, PretrainedConfig] = {
    "Qwen3-0.6B": Qwen3Config(
        hidden_size=1024,
        intermediate_size=3072,
        num_hidden_layers=2,
        num_attention_heads=16,
        num_key_value_heads=8,
        head_dim=128,
        tie_word_embeddings=True,
        **SMALL,
    ),
    "Llama-3-8B": LlamaConfig(
        hidden_size=4096,
        intermediate_size=14336,
        num_hidden_layers=1,
        num_attention_heads=32,
        num_key_value_heads=8,
        **SMALL,
    ),
}


def make_wide_backbone(name: str) -> Backbone:
    """Random weights in bfloat16; drawn once and repeated, since drawing 200 million takes longer than the test may."""
    config = SHAPES[name]
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16, attn_implementation="sdpa")
    torch.manual_seed(0)
    drawn = torch.randn(1_000_003, dtype=torch.bfloat16)
    state = {}
    for key, value in model.state_dict().items():
        repeats = -(-value.numel() // len(drawn))
        spread = value.shape[-1] ** -0.5 if value.ndim == 2 else 0.0
        state[key] = drawn.repeat(repeats)[: value.numel()].view(value.shape) * spread + (value.ndim == 1)
    with torch.device("cpu"):
        rotary = type(model.model.rotary_emb)(config)
    model.load_state_dict(state, assign=True)
    model.model.rotary_emb = rotary
    return build_backbone(model, make_tokenizer(), name, BackboneConfig(source=name, dtype="bfloat16"), digest=name)


@pytest.mark.parametrize("name", SHAPES)
def test_adapters_attach_learn_and_change_the_score(name: str) -> None:
    backbone = make_wide_backbone(name)
    config = MultiLoRAConfig(rank=4, alpha=8, dropout=0.0, targets=("all-linear",), n_experts=1, expert_layers=0.5)
    adapters = attach_adapters(backbone.model, config)
    layers = SHAPES[name].num_hidden_layers
    assert len(adapters.layers) == 7 * layers
    torch.manual_seed(1)
    projector = Projector(6, backbone.hidden_size).calibrate(
        torch.randn(50, 6), backbone.model.get_input_embeddings().weight.float(), (1, 2)
    )
    recommender = Recommender(backbone, adapters, projector).eval()
    recommender.capabilities = detect_capabilities(recommender)
    assert recommender.capabilities.shared_prefix and recommender.capabilities.last_layer_pruning
    rng = np.random.default_rng(0)
    batch = collate_prompts([make_prompt(rng, 24, (0.5, 0.5)) for _ in range(2)], backbone.pad_id)
    before = recommender.score(batch)
    params = set_trainable_parts(recommender, ("global", "experts", "projector"))
    recommender.train()
    recommender.compute_answer_logits(recommender.gather_hidden(batch, batch.answer_at)).square().sum().backward()
    assert all(p.grad is not None and bool(torch.isfinite(p.grad).all()) for p in params)
    with torch.no_grad():
        for p in params:
            p -= 0.01 * p.grad.sign()  # type: ignore[union-attr]
    after = recommender.eval().score(batch)
    assert bool(torch.isfinite(after).all()) and float((after - before).abs().min()) > 0
