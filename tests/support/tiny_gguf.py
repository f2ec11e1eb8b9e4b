"""A tiny Llama in a .gguf file, made on the spot."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from support.tiny_lm import make_model

NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "lm_head": "output",
}


def write_gguf(path: Path, *, quantized: bool = False, seed: int = 0) -> torch.nn.Module:
    """Write a model as llama.cpp stores it: query and key rows interleaved for its rotary embedding; returns it.

    `quantized`: the matrices are held in 8 bits (Q8_0); the model that is returned has the weights before that.
    """
    gguf = pytest.importorskip("gguf", reason="the extra gguf is not installed: pip install gguf")
    model = make_model(seed=seed, intermediate_size=64)
    config = model.config
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_name("tiny")
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(config.vocab_size)
    writer.add_tokenizer_model("gpt2")
    words = ["<pad>", "<bos>", "<eos>", "ĠYes", "ĠNo", *"YesNoĠ", "Ye", "ĠYe", "ĠN", "ĠY"]
    words = list(dict.fromkeys(words)) + [f"w{i}" for i in range(99)]
    writer.add_token_list(words[: config.vocab_size])
    writer.add_token_merges(["Ġ Y", "ĠY e", "ĠYe s", "Ġ N", "ĠN o"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(0)
    heads = {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads}
    for full, tensor in model.state_dict().items():
        name, values = full.removesuffix(".weight"), tensor.float().numpy()
        if name in NAMES:
            short = NAMES[name]
        else:
            _, _, layer, part = name.split(".", 3)
            short = f"blk.{layer}.{NAMES[part]}"
            if n_heads := heads.get(NAMES[part]):
                values = values.reshape(n_heads, 2, -1, values.shape[1]).swapaxes(1, 2).reshape(values.shape)
        values, kind = np.ascontiguousarray(values), None
        if quantized and values.ndim == 2:
            kind = gguf.GGMLQuantizationType.Q8_0
            values = gguf.quantize(values, kind)
        writer.add_tensor(f"{short}.weight", values, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return model
