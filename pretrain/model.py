"""The model to pre-train: its shape, its start, its optimisers, and how it is written out."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch
from start import draft_matching
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast


class Text:
    """The tokenizer with its verdict tokens, as the renderer wants it."""

    def __init__(self, folder: Path) -> None:
        self.tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
        self.yes_id, self.no_id = (self.tokenizer(w, add_special_tokens=False)["input_ids"][0] for w in (" Yes", " No"))


def build(text: Text, args) -> LlamaForCausalLM:
    """A Llama of `hidden`, `layers`, `heads`, `theta`, started from the draft unless `plain_start`."""
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(text.tokenizer),
            hidden_size=args.hidden,
            num_hidden_layers=args.layers,
            intermediate_size=-(-args.hidden * 8 // 3 // 32) * 32,
            num_attention_heads=args.heads,
            num_key_value_heads=args.heads,
            head_dim=args.head_dim,
            max_position_embeddings=2048,
            tie_word_embeddings=True,
            bos_token_id=text.tokenizer.bos_token_id,
            eos_token_id=text.tokenizer.eos_token_id,
            pad_token_id=text.tokenizer.pad_token_id,
            use_cache=False,
            rope_parameters={"rope_type": "default", "rope_theta": args.theta},
        )
    )
    if not args.plain_start:
        marks = text.tokenizer(", | |\n", add_special_tokens=False)["input_ids"]
        draft_matching(model, text.yes_id, text.no_id, sorted(set(marks)))
    return model


def optimisers(model: LlamaForCausalLM) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside the layers, AdamW for embeddings and norms; learning rates are set at every step."""
    inside = [p for name, p in model.named_parameters() if p.ndim == 2 and "layers" in name]
    rest = [p for name, p in model.named_parameters() if p.ndim != 2 or "layers" not in name]
    return [
        torch.optim.Muon(inside, lr=0.0, weight_decay=0.05, ns_steps=4, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(rest, lr=0.0, betas=(0.9, 0.95), weight_decay=0.0),
    ]


def export(model: LlamaForCausalLM, folder: Path, log: Path) -> None:
    """Write bf16 weights, configuration and log beside the tokenizer; each file is written elsewhere and renamed."""
    beside = folder.with_name(folder.name + ".new")
    written = LlamaForCausalLM(model.config)
    written.load_state_dict(model.state_dict())
    written.config.use_cache = True
    written.to(torch.bfloat16).save_pretrained(beside)
    model.config.use_cache = False
    if log.exists():
        shutil.copy(log, beside / "training_log.jsonl")
    for file in beside.iterdir():
        file.chmod(0o644)
        file.rename(folder / file.name)
    beside.rmdir()
