"""Tiny random language models and a tiny tokenizer, made on the spot."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    CohereConfig,
    CohereForCausalLM,
    Gemma2Config,
    Gemma2ForCausalLM,
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    GraniteConfig,
    GraniteForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from thinkrec.engine.capabilities import detect_capabilities
from thinkrec.engine.recommender import Recommender
from thinkrec.model.adapters import attach_adapters
from thinkrec.model.backbone import Backbone, BackboneConfig, build_backbone
from thinkrec.model.lora import MultiLoRAConfig
from thinkrec.model.projector import Projector
from thinkrec.prompts.types import Prompt

WORDS = ["<pad>", "<bos>", "<eos>", "<unk>", " Yes", " No", "Yes", "No", ".", ",", *(f" w{i}" for i in range(50))]


def make_tokenizer(words: list[str] = WORDS) -> PreTrainedTokenizerFast:
    raw = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="<unk>"))
    raw.pre_tokenizer = pre_tokenizers.Split(Regex(r" ?\w+|[.,]"), behavior="isolated")
    raw.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(
        tokenizer_object=raw, pad_token="<pad>", bos_token="<bos>", eos_token="<eos>", unk_token="<unk>"
    )


SIZES: dict[str, Any] = {
    "vocab_size": len(WORDS),
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "max_position_embeddings": 256,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
    # The usual 0.02 makes a tiny model nearly blind to its input; differences should show.
    "initializer_range": 0.3,
}
KV: dict[str, Any] = {"num_key_value_heads": 2}


def make_model(kind: str = "llama", seed: int = 0, **changes):
    torch.manual_seed(seed)
    sizes = {**SIZES, **changes}
    makers = {
        "llama": lambda: LlamaForCausalLM(LlamaConfig(**sizes, **KV)),
        "llama-tied": lambda: LlamaForCausalLM(LlamaConfig(**sizes, **KV, tie_word_embeddings=True)),
        "qwen2": lambda: Qwen2ForCausalLM(Qwen2Config(**sizes, **KV)),
        "gpt_neox": lambda: GPTNeoXForCausalLM(GPTNeoXConfig(**sizes)),
        "gemma2": lambda: Gemma2ForCausalLM(Gemma2Config(**sizes, **KV, head_dim=8, final_logit_softcapping=3.0)),
        "granite": lambda: GraniteForCausalLM(GraniteConfig(**sizes, **KV, logits_scaling=4.0)),
        "mistral": lambda: MistralForCausalLM(MistralConfig(**sizes, **KV)),
        "cohere": lambda: CohereForCausalLM(CohereConfig(**sizes, **KV)),
    }
    return makers[kind]().eval()


TARGETS = {"gpt_neox": ("query_key_value",)}


def make_backbone(kind: str = "llama", **changes) -> Backbone:
    return build_backbone(make_model(kind, **changes), make_tokenizer(), kind, BackboneConfig(source=kind))


def make_recommender(kind: str = "llama", n: int = 3, dim: int = 6, dropout: float = 0.0, **changes) -> Recommender:
    """A recommender whose adapters all do something (B is not zero)."""
    backbone = make_backbone(kind, **changes)
    targets = TARGETS.get(kind, ("q_proj", "v_proj"))
    config = MultiLoRAConfig(rank=4, alpha=8, dropout=dropout, n_experts=n, expert_layers=0.5, targets=targets)
    experts = attach_adapters(backbone.model, config)
    torch.manual_seed(7)
    with torch.no_grad():
        for group in ("global", "experts"):
            for p in experts.get_parameters(group):
                p.normal_(std=0.3)
        projector = (
            Projector(dim, backbone.hidden_size).calibrate(
                torch.randn(50, dim) * 3 + 1, backbone.model.get_input_embeddings().weight, (1, 2), variation=2.0
            )
            if dim
            else None
        )
    recommender = Recommender(backbone, experts, projector).eval()
    recommender.capabilities = detect_capabilities(recommender)
    return recommender


def make_prompt(rng: np.random.Generator, t: int = 12, gate=(1.0, 0.0, 0.0, 0.0)) -> Prompt:
    """Random tokens with 2 slots (d = 6), 1 answer at the end and 3 tokens with a loss."""
    k, dim, answers, p = 2, 6, 1, 3
    at = np.sort(rng.choice(np.arange(1, t - 1), size=k, replace=False)).astype(np.int32)
    return Prompt(
        ids=rng.integers(4, len(WORDS), size=t).astype(np.int32),
        placeholder_at=at,
        placeholder_vectors=rng.normal(size=(k, dim)).astype(np.float32) * 3 + 1,
        answer_at=np.arange(t - answers, t, dtype=np.int32),
        answer_label=rng.integers(0, 2, size=answers).astype(np.int8),
        answer_weight=np.full(answers, 0.9, dtype=np.float32),
        token_at=np.arange(t - p, t, dtype=np.int32),
        token_target=rng.integers(0, len(WORDS), size=p).astype(np.int32),
        token_weight=np.full(p, 0.1, dtype=np.float32),
        gate=np.asarray(gate, dtype=np.float32),
    )


def make_part(rng: np.random.Generator, t: int, gate: np.ndarray, dim: int = 6) -> Prompt:
    """Random tokens with a slot in the middle and one answer at the end; the beginning or the end of a prompt."""
    prompt, at = make_prompt(rng, max(t, 4), gate), np.arange(t // 2, t)[:1].astype(np.int32)
    return replace(
        prompt,
        ids=prompt.ids[:t],
        placeholder_at=at,
        placeholder_vectors=prompt.placeholder_vectors[: len(at), :dim],
        answer_at=np.arange(t)[-1:].astype(np.int32),
        answer_label=prompt.answer_label[: min(t, 1)],
        answer_weight=prompt.answer_weight[: min(t, 1)],
        token_at=prompt.token_at[:0],
        token_target=prompt.token_target[:0],
        token_weight=prompt.token_weight[:0],
    )


GATES = ((1, 0, 0, 0), (0, 1, 0, 0), (0, 0.2, 0.5, 0.3), (0, 0, 0, 1), (0.1, 0.2, 0.3, 0.4))


def make_prompts(seed: int = 3) -> list[Prompt]:
    """Five prompts of different lengths that use different experts."""
    rng = np.random.default_rng(seed)
    return [make_prompt(rng, t, gate) for t, gate in zip((9, 17, 6, 23, 12), GATES, strict=True)]
