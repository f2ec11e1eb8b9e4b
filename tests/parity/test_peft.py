"""The per-row layer and its export against PEFT, the reference implementation of LoRA."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from support.tiny_lm import make_model, make_recommender
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    Phi3Config,
    Phi3ForCausalLM,
    PreTrainedModel,
)

from thinkrec.engine.checkpoint import save_recommender
from thinkrec.errors import RecipeError
from thinkrec.model.adapters import AdapterSet, attach_adapters
from thinkrec.model.lora import MultiLoRAConfig

KINDS = {
    "llama": ("q_proj", "v_proj"),
    "gpt_neox": ("query_key_value", "dense"),
    "phi3": ("qkv_proj",),
    "gpt2": ("c_attn", "c_fc"),
}


def _model(kind: str) -> PreTrainedModel:
    torch.manual_seed(0)
    sizes: dict[str, Any] = {
        "vocab_size": 40,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "initializer_range": 0.3,
    }
    makers = {
        "llama": lambda: LlamaForCausalLM(LlamaConfig(**sizes)),
        "gpt_neox": lambda: GPTNeoXForCausalLM(GPTNeoXConfig(**sizes)),
        "phi3": lambda: Phi3ForCausalLM(Phi3Config(**sizes, pad_token_id=0)),
        "gpt2": lambda: GPT2LMHeadModel(GPT2Config(**sizes)),
    }
    return makers[kind]().eval()


def _trained(kind: str) -> tuple[torch.nn.Module, AdapterSet]:
    model = _model(kind)
    experts = attach_adapters(
        model, MultiLoRAConfig(rank=4, alpha=6, n_experts=2, targets=KINDS[kind], expert_layers=0.5)
    )
    with torch.no_grad():
        for p in experts.get_parameters("global") + experts.get_parameters("experts"):
            p.normal_(std=0.2)
    return model.eval(), experts


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("slot", [0, 1, 2])
def test_peft_reads_an_exported_adapter_and_gives_the_same_logits(kind: str, slot: int, tmp_path: Path) -> None:
    model, experts = _trained(kind)
    experts.save_peft(tmp_path, slot, base="tiny")
    ids = torch.randint(0, 40, (3, 9), generator=torch.manual_seed(5))
    peft = PeftModel.from_pretrained(_model(kind), str(tmp_path)).eval()
    with torch.no_grad(), experts.routing.use_weights(torch.eye(3)[slot : slot + 1]):
        ours, theirs = model(ids).logits, peft(ids).logits
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)
    assert not torch.allclose(ours, _model(kind)(ids).logits, atol=1e-2)


def test_the_files_name_what_peft_itself_would_name(tmp_path: Path) -> None:
    from safetensors.torch import load_file

    _, experts = _trained("llama")
    experts.save_peft(tmp_path / "ours", 1)
    config = LoraConfig(r=4, lora_alpha=6, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
    get_peft_model(_model("llama"), config).save_pretrained(str(tmp_path / "theirs"))
    ours, theirs = (load_file(tmp_path / side / "adapter_model.safetensors") for side in ("ours", "theirs"))
    assert {k: v.shape for k, v in ours.items()} == {k: v.shape for k, v in theirs.items()}
    written = json.loads((tmp_path / "ours" / "adapter_config.json").read_text())
    reference = json.loads((tmp_path / "theirs" / "adapter_config.json").read_text())
    assert written.keys() <= reference.keys()
    for key in ("peft_type", "task_type", "r", "lora_alpha", "bias", "fan_in_fan_out"):
        assert written[key] == reference[key]
    assert sorted(written["target_modules"]) == sorted(reference["target_modules"])


def test_gradients_are_pefts_gradients(tmp_path: Path) -> None:
    model, experts = _trained("llama")
    experts.save_peft(tmp_path, 1)
    peft = PeftModel.from_pretrained(_model("llama"), str(tmp_path), is_trainable=True).eval()
    ids = torch.randint(0, 40, (3, 9), generator=torch.manual_seed(5))
    with experts.routing.use_weights(torch.eye(3)[1:2]):
        model(ids).logits.square().mean().backward()
    peft(ids).logits.square().mean().backward()
    theirs = {n.removeprefix("base_model.model."): p.grad for n, p in peft.named_parameters() if p.grad is not None}
    for name, layer in experts.layers.items():
        a, b = (layer.global_a, layer.global_b) if layer.expert_a is None else (layer.expert_a, layer.expert_b)
        assert a.grad is not None and b is not None and b.grad is not None
        torch.testing.assert_close(a.grad[:4], theirs[f"{name}.lora_A.default.weight"], atol=1e-6, rtol=1e-4)
        torch.testing.assert_close(b.grad[:, :4], theirs[f"{name}.lora_B.default.weight"], atol=1e-6, rtol=1e-4)


def test_a_slot_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    _, experts = _trained("llama")
    with pytest.raises(RecipeError, match="slots are 0"):
        experts.save_peft(tmp_path, 3)


@pytest.mark.parametrize("kind", ["llama", "gpt_neox"])
def test_every_adapter_of_a_saved_recommender_is_read_by_peft(kind: str, tmp_path: Path) -> None:
    rec = make_recommender(kind, n=2, num_hidden_layers=4)
    save_recommender(tmp_path, rec)
    assert sorted(path.name for path in (tmp_path / "adapters").iterdir()) == ["expert_1", "expert_2", "global"]
    ids = torch.randint(4, 50, (3, 9), generator=torch.manual_seed(5))
    logits = []
    for k, name in enumerate(("global", "expert_1", "expert_2")):
        peft = PeftModel.from_pretrained(
            make_model(kind, num_hidden_layers=4), str(tmp_path / "adapters" / name)
        ).eval()
        with torch.no_grad(), rec.adapters.routing.use_weights(torch.eye(3)[k : k + 1]):
            ours, theirs = rec.model(ids).logits, peft(ids).logits
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)
        logits.append(theirs)
    assert not any(torch.allclose(a, b, atol=1e-2) for a, b in itertools.combinations(logits, 2))


def test_several_adapters_live_in_one_peft_model(tmp_path: Path) -> None:
    rec = make_recommender(n=2)
    save_recommender(tmp_path, rec)
    peft = PeftModel.from_pretrained(make_model(), str(tmp_path / "adapters" / "global"), adapter_name="global")
    peft.load_adapter(str(tmp_path / "adapters" / "expert_2"), adapter_name="expert_2")
    ids = torch.randint(4, 50, (3, 9), generator=torch.manual_seed(5))
    for name, k in (("expert_2", 2), ("global", 0)):
        peft.set_adapter(name)
        with torch.no_grad(), rec.adapters.routing.use_weights(torch.eye(3)[k : k + 1]):
            torch.testing.assert_close(rec.model(ids).logits, peft.eval()(ids).logits, atol=1e-5, rtol=1e-5)
