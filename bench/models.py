"""The same small system twice: as this package runs it, and as Transformers with PEFT does."""

from __future__ import annotations

import copy
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, LlamaConfig

from thinkrec.data.dataset import Dataset
from thinkrec.engine.capabilities import detect_capabilities
from thinkrec.engine.recommender import Recommender
from thinkrec.model.adapters import attach_adapters
from thinkrec.model.backbone import Backbone, BackboneConfig, build_backbone, load_backbone
from thinkrec.model.lora import MultiLoRAConfig
from thinkrec.prompts.types import Prompt
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue

ALL = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
"""The linear layers that the MovieLens recipes of nano adapt."""


SHAPES: dict[str, dict] = {
    "llama-8b": {
        "hidden_size": 4096,
        "intermediate_size": 14336,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "vocab_size": 128256,
        "rope_theta": 500000.0,
    },
    "tiny": {
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "vocab_size": 6144,
    },
}
"""Llama architectures by name, for random weights: what a computation costs does not hang on what it computes."""


def catalogue(users: int = 80, items: int = 2500) -> Dataset:
    """A simulated catalogue whose users have long histories."""
    return simulate_catalogue(SimulatorConfig(users=users, items=items, interactions_per_user=(60, 80)), 3).dataset


def recommender(
    n_experts: int,
    rank: int = 16,
    targets: tuple[str, ...] = ALL,
    source: str = "nano",
    device: str = "cpu",
    dtype: torch.dtype = torch.float32,
    upper: float = 1.0,
) -> Recommender:
    """A backbone (nano, smollm2, a folder, or one of `SHAPES`) with random adapters that change its answers.

    `upper`: the share of the layers, from the last one down, that have any.
    """
    held = {torch.float32: "float32", torch.bfloat16: "bfloat16"}[dtype]
    if source in SHAPES:
        backbone = _random(SHAPES[source], source, device, dtype)
    else:
        backbone = load_backbone(BackboneConfig(source=source, dtype=held))  # type: ignore[arg-type]
    config = MultiLoRAConfig(rank=rank, alpha=2 * rank, dropout=0.0, targets=targets, layers=upper, n_experts=n_experts)
    made = Recommender(backbone, attach_adapters(backbone.model, config))
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in (*made.adapters.get_parameters("global"), *made.adapters.get_parameters("experts")):
            parameter.normal_(std=0.03)
    made = made.to(device).eval()
    made.capabilities = detect_capabilities(made)
    return made.freeze_for_inference()


def _random(shape: dict, name: str, device: str, dtype: torch.dtype) -> Backbone:
    """Random weights, made where they will be used, behind nano's tokenizer."""
    nano = load_backbone("nano")
    torch.manual_seed(0)
    with torch.device(device):
        model = AutoModelForCausalLM.from_config(
            LlamaConfig(**shape, max_position_embeddings=8192), dtype=dtype, attn_implementation="sdpa"
        )
    return build_backbone(model, nano.tokenizer, name, nano.config)


def plain_copy(ours: Recommender) -> torch.nn.Module:
    """The backbone alone, as Transformers makes it, on the same device."""
    dtype = ours.model.dtype
    with torch.device(ours.device):
        # A copy: Transformers writes the attention into the configuration that it is given.
        config = copy.deepcopy(ours.model.config)
        made = AutoModelForCausalLM.from_config(config, dtype=dtype, attn_implementation="sdpa")
    kept = {
        name.replace(".base.", "."): value
        for name, value in ours.model.state_dict().items()
        if not name.endswith(("global_a", "global_b", "expert_a", "expert_b"))
    }
    made.load_state_dict(kept)
    return made.eval()


def close(rec: Recommender, scores: np.ndarray) -> float:
    """How far two ways to score may be apart: 1e-4 in float32, in half precision a tenth of the scores' spread."""
    return 1e-4 if rec.model.dtype == torch.float32 else 0.1 * float(np.std(scores))


class Peer:
    """Transformers with PEFT: one prompt per question, padded on the left, logits of the last place alone."""

    def __init__(self, ours: Recommender, adapters: dict[str, int]) -> None:
        """`adapters`: PEFT name -> slot of `ours`."""
        base = plain_copy(ours)
        self.pad = ours.backbone.pad_id
        self.labels = list(ours.answers.written_pair)
        with tempfile.TemporaryDirectory() as folder:
            for i, (name, slot) in enumerate(adapters.items()):
                ours.adapters.save_peft(Path(folder) / name, slot)
                if i == 0:
                    self.model = PeftModel.from_pretrained(base, Path(folder) / name, adapter_name=name)
                else:
                    self.model.load_adapter(Path(folder) / name, adapter_name=name)
        self.model.set_adapter(next(iter(adapters)))
        self.model.to(ours.device).eval()

    def merge_adapters(self) -> Peer:
        """The same with its adapters added to the weights, in their format."""
        self.model = self.model.merge_and_unload()
        return self

    @torch.no_grad()
    def score(self, prompts: list[Prompt], size: int, names: list[str] | None = None) -> np.ndarray:
        """Yes minus No of every prompt, `size` prompts at a time; `names`: PEFT's adapter of each."""
        found = []
        for first in range(0, len(prompts), size):
            part = prompts[first : first + size]
            longest = max(map(len, part))
            ids = torch.full((len(part), longest), self.pad, dtype=torch.long)
            for row, prompt in zip(ids, part, strict=True):
                row[longest - len(prompt) :] = torch.from_numpy(prompt.ids.astype(np.int64))
            lengths = torch.tensor([len(p) for p in part])
            mask = (torch.arange(longest)[None] >= longest - lengths[:, None]).long()
            options = {} if names is None else {"adapter_names": names[first : first + size]}
            logits = self.model(
                input_ids=ids.to(self.model.device),
                attention_mask=mask.to(self.model.device),
                position_ids=(mask.cumsum(1) - 1).clamp_min(0).to(self.model.device),
                logits_to_keep=1,
                use_cache=False,
                **options,
            ).logits[:, -1]
            found.append((logits[:, self.labels[0]] - logits[:, self.labels[1]]).float().cpu().numpy())
        return np.concatenate(found)


def without_gate(prompt: Prompt) -> Prompt:
    """The prompt for a model of one adapter."""
    return replace(prompt, gate=np.ones(1, dtype=np.float32))
