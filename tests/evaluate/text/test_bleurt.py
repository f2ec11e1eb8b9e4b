"""BLEURT on a small checkpoint of the same architecture, in every form that is published; similarity by an encoder."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file
from support.text_goldens import ENCODED, VARIABLES, write_bundle, write_pieces
from transformers import RemBertConfig, RemBertModel

from thinkrec.errors import CheckpointError
from thinkrec.evaluate.text.bleurt import BleurtScorer, load_bleurt
from thinkrec.evaluate.text.compare import compute_text_metrics
from thinkrec.evaluate.text.metric_types import MetricResources
from thinkrec.evaluate.text.policies import describe_omissions
from thinkrec.evaluate.text.protobuf import read_fields, read_varint
from thinkrec.evaluate.text.sentencepiece import read_sentencepiece_model
from thinkrec.evaluate.text.similarity import compute_greedy_f1, load_encoder
from thinkrec.evaluate.text.tf_checkpoint import read_tensor_bundle

SHAPE = {
    "vocab_size": 64,
    "hidden_size": 12,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "intermediate_size": 20,
    "max_position_embeddings": 24,
    "type_vocab_size": 2,
}
MADE = ["the slow sea", "a quiet storm came and went over the grey water by the shore", "", "boat"]
GIVEN = ["the sea", "the lighthouse keeper kept a small boat by the shore while storms came", "the sea", "boat"]


@pytest.fixture(scope="module")
def model() -> tuple[RemBertModel, torch.nn.Linear]:
    """Random weights, far enough from each other to tell scores apart."""
    torch.manual_seed(0)
    config = RemBertConfig(**SHAPE, input_embedding_size=8, hidden_act="gelu_pytorch_tanh", initializer_range=0.5)
    return RemBertModel(config).eval(), torch.nn.Linear(12, 1)


def write_config(folder: Path, **more: object) -> None:
    (folder / "config.json").write_text(json.dumps({**SHAPE, "hidden_act": "gelu", "embedding_size": 8, **more}))


@pytest.fixture(scope="module", params=["bleurt.safetensors", "bleurt.bin", "rembert.bin", "tensorflow"])
def checkpoint(request, model, tmp_path_factory) -> Path:
    """The same weights as each kind of file."""
    folder = tmp_path_factory.mktemp(request.param)
    encoder, head = model
    own = {name: tensor.contiguous() for name, tensor in encoder.state_dict().items()}
    if request.param == "tensorflow":
        write_tensorflow(folder, own, head)
        write_pieces(folder / "sent_piece.model")
        (folder / "bert_config.json").write_text(json.dumps({**SHAPE, "hidden_act": "gelu"}))
        (folder / "bleurt_config.json").write_text(json.dumps({"max_seq_length": 24}))
        return folder
    prefix, kind = request.param.split(".")
    renamed = {f"{prefix}.{name}": tensor for name, tensor in own.items()}
    if prefix == "bleurt":
        shared = "bleurt.encoder.embedding_hidden_mapping_in"
        renamed = {name.replace(shared, "bleurt.encoder.embedding_projection"): t for name, t in renamed.items()}
        renamed["bleurt.embeddings.position_ids"] = torch.arange(24)[None]
    renamed |= {"classifier.weight": head.weight.detach(), "classifier.bias": head.bias.detach()}
    if kind == "safetensors":
        save_file(renamed, folder / "model.safetensors")
    else:
        torch.save(renamed, folder / "pytorch_model.bin")
    write_config(folder)
    write_pieces(folder / "spm.model")
    return folder


def write_tensorflow(folder: Path, own: dict[str, torch.Tensor], head: torch.nn.Linear) -> None:
    """A SavedModel's variables: an index of one block without shared prefixes, and one data file."""
    arrays: dict[str, np.ndarray] = {
        "dense/kernel": head.weight.detach().numpy().T,
        "dense/bias": head.bias.detach().numpy(),
    }
    for name, tensor in own.items():
        parts = name.replace("layer.", "layer_").split(".")
        array = tensor.numpy()
        if parts[-2] == "LayerNorm":
            parts[-1] = {"weight": "gamma", "bias": "beta"}[parts[-1]]
        elif parts[-2].endswith("_embeddings"):
            parts.pop()
        elif parts[-1] == "weight":
            parts[-1], array = "kernel", array.T
        arrays["bert/" + "/".join(parts)] = array
    data, entries = b"", {b"": b"\x08\x01"}
    for name, array in sorted(arrays.items()):
        raw = np.ascontiguousarray(array).astype("<f4").tobytes()
        dims = b"".join(field(2, number(1, size)) for size in array.shape)
        entries[name.encode()] = number(1, 1) + field(2, dims) + number(4, len(data)) + number(5, len(raw))
        data += raw
    entries[b"global_step"] = number(1, 9) + field(2, b"") + number(4, len(data)) + number(5, 8)
    data += struct.pack("<q", 5)
    block = b"".join(as_varint(0) + as_varint(len(k)) + as_varint(len(v)) + k + v for k, v in sorted(entries.items()))
    block += struct.pack("<II", 0, 1)
    handle = as_varint(0) + as_varint(len(block))
    index = as_varint(0) + as_varint(1) + as_varint(len(handle)) + b"z" + handle + struct.pack("<II", 0, 1)
    footer = as_varint(0) + as_varint(0) + as_varint(len(block) + 5) + as_varint(len(index))
    whole = block + bytes(5) + index + bytes(5) + footer.ljust(40, b"\0") + struct.pack("<Q", 0xDB4775248B80FB57)
    (folder / "variables").mkdir()
    (folder / "variables" / "variables.index").write_bytes(whole)
    (folder / "variables" / "variables.data-00000-of-00001").write_bytes(data)


def as_varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


def number(place: int, value: int) -> bytes:
    return as_varint(place << 3) + as_varint(value)


def field(place: int, value: bytes) -> bytes:
    return as_varint(place << 3 | 2) + as_varint(len(value)) + value


def directly(model: tuple[RemBertModel, torch.nn.Linear], found: BleurtScorer, made: str, given_: str) -> float:
    """One pair through transformers alone, without padding."""
    ids, kinds = found.encode_pair(made, given_)
    with torch.inference_mode():
        pooled = model[0](input_ids=torch.tensor([ids]), token_type_ids=torch.tensor([kinds])).pooler_output
        return float(model[1](pooled))


def test_every_kind_of_file_gives_the_scores_of_the_model(checkpoint: Path, model) -> None:
    found = load_bleurt(checkpoint)
    scores = found.score(MADE, GIVEN, batch=3)
    expected = [directly(model, found, a, b) for a, b in zip(MADE, GIVEN, strict=True)]
    np.testing.assert_allclose(scores, expected, atol=1e-5)
    assert len(set(np.round(scores, 4))) == len(scores)
    np.testing.assert_allclose(found.score(MADE, GIVEN, batch=1), scores, atol=1e-5)


def test_the_reference_comes_first_and_the_longer_text_is_cut(checkpoint: Path) -> None:
    found = load_bleurt(checkpoint)
    ids, kinds = found.encode_pair("the sea", "the slow sea")
    cls, sep = found.tokenizer.cls_id, found.tokenizer.sep_id
    assert ids == [cls, *ENCODED["the slow sea"], sep, *found.tokenizer.encode("the sea"), sep]
    assert kinds == [0] * 5 + [1] * 3
    ids, kinds = found.encode_pair("the sea", "the slow sea " * 20)
    assert len(ids) == found.max_length == 24
    assert ids[-3:] == [*found.tokenizer.encode("the sea"), sep], "the short text stays whole"
    assert found.count_truncated(["the sea", "the sea"], ["the slow sea", "the slow sea " * 20]) == 1


def test_a_narrow_encoder_needs_no_layer_behind_its_embeddings(tmp_path: Path) -> None:
    config = RemBertConfig(**SHAPE, input_embedding_size=12, hidden_act="gelu_pytorch_tanh")
    encoder, head = RemBertModel(config).eval(), torch.nn.Linear(12, 1)
    shared = encoder.encoder.embedding_hidden_mapping_in
    with torch.no_grad():
        shared.weight.copy_(torch.eye(12))
        shared.bias.zero_()
    own = {k: v for k, v in encoder.state_dict().items() if "mapping_in" not in k}
    torch.save(
        {**own, "dense.weight": head.weight.detach(), "dense.bias": head.bias.detach()}, tmp_path / "pytorch_model.bin"
    )
    write_config(tmp_path)
    write_pieces(tmp_path / "spm.model")
    found = load_bleurt(tmp_path)
    assert found.score(["the sea"], ["boat"])[0] == pytest.approx(
        directly((encoder, head), found, "the sea", "boat"), abs=1e-5
    )


def test_a_tokenizer_json_does_as_well(model, tmp_path: Path) -> None:
    encoder, head = model
    torch.save(
        {**encoder.state_dict(), "dense.weight": head.weight.detach(), "dense.bias": head.bias.detach()},
        tmp_path / "pytorch_model.bin",
    )
    write_config(tmp_path)
    pieces = read_sentencepiece_model(write_pieces(tmp_path / "spm.model"))
    before = load_bleurt(tmp_path).score(MADE, GIVEN)
    pieces.tokenizer.add_special_tokens(["[CLS]", "[SEP]"])
    pieces.tokenizer.save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "spm.model").unlink()
    ids = load_bleurt(tmp_path).encode_pair("the sea", "the sea")[0]
    assert ids[1:3] == pieces.encode("the sea")
    assert before.shape == (4,)


# -- what can be wrong -------------------------------------------------------------------------------------------------


def broken(folder: Path, model, **change: object) -> None:
    encoder, head = model
    tensors = {**encoder.state_dict(), "classifier.weight": head.weight.detach(), "classifier.bias": head.bias.detach()}
    for name in change.get("drop", ()):  # type: ignore[union-attr]
        del tensors[name]
    tensors |= change.get("put", {})  # type: ignore[operator]
    torch.save(tensors, folder / "pytorch_model.bin")
    write_config(folder)
    write_pieces(folder / "spm.model")


def test_a_folder_that_is_no_checkpoint_is_refused(model, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"neither config\.json nor"):
        load_bleurt(tmp_path)
    write_config(tmp_path)
    with pytest.raises(CheckpointError, match="holds no weights"):
        load_bleurt(tmp_path)
    broken(tmp_path, model, drop=["classifier.weight"])
    with pytest.raises(CheckpointError, match=r"classifier\.weight is missing"):
        load_bleurt(tmp_path)
    broken(tmp_path, model, drop=["encoder.layer.1.output.dense.bias"])
    with pytest.raises(CheckpointError, match=r"encoder\.layer\.1\.output\.dense\.bias"):
        load_bleurt(tmp_path)
    broken(tmp_path, model, put={"classifier.weight": torch.zeros(3, 12)})
    with pytest.raises(CheckpointError, match=r"the head has shape \(3, 12\)"):
        load_bleurt(tmp_path)
    broken(tmp_path, model)
    (tmp_path / "spm.model").unlink()
    with pytest.raises(CheckpointError, match="no SentencePiece model"):
        load_bleurt(tmp_path)
    (tmp_path / "spm.model").write_bytes(b"\x0a\x7fabc")
    with pytest.raises(CheckpointError, match="cannot be read as a SentencePiece model"):
        load_bleurt(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(CheckpointError, match="num_attention_heads"):
        load_bleurt(tmp_path)
    (tmp_path / "pytorch_model.bin").write_bytes(b"nothing")
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_bleurt(tmp_path)


@pytest.mark.parametrize("name", ["./nowhere", "/nowhere", "nowhere", "a/b/c"])
def test_a_missing_folder_is_not_looked_for_on_the_hub(name: str) -> None:
    with pytest.raises(CheckpointError, match="there is no folder"):
        load_bleurt(name)


def test_a_hub_name_that_cannot_be_had_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    def refuse(*_: object, **__: object) -> str:
        raise OSError("no connection")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", refuse)
    with pytest.raises(CheckpointError, match="no connection"):
        load_bleurt("somebody/BLEURT-20")


# -- the files of other packages ---------------------------------------------------------------------------------------


def test_variables_that_tensorflow_wrote(tmp_path: Path) -> None:
    found = read_tensor_bundle(write_bundle(tmp_path))
    assert found.keys() == VARIABLES.keys()
    for name, value in VARIABLES.items():
        np.testing.assert_array_equal(found[name], np.asarray(value, dtype=found[name].dtype))


@pytest.mark.parametrize("cut", [1, 40, 100, 250])
def test_a_damaged_index_is_an_error(tmp_path: Path, cut: int) -> None:
    prefix = write_bundle(tmp_path)
    index = prefix.with_name("variables.index")
    index.write_bytes(index.read_bytes()[:-cut])
    with pytest.raises(CheckpointError, match=r"variables\.index cannot be read"):
        read_tensor_bundle(prefix)


def test_a_truncated_or_missing_data_file_is_an_error(tmp_path: Path) -> None:
    prefix = write_bundle(tmp_path)
    data = prefix.with_name("variables.data-00000-of-00001")
    data.write_bytes(data.read_bytes()[:-9])
    with pytest.raises(CheckpointError, match="is truncated"):
        read_tensor_bundle(prefix)
    data.unlink()
    with pytest.raises(CheckpointError, match="cannot be read"):
        read_tensor_bundle(prefix)


def test_pieces_are_those_of_sentencepiece(tmp_path: Path) -> None:
    found = read_sentencepiece_model(write_pieces(tmp_path / "spm.model"))
    assert {text: found.encode(text) for text in ENCODED} == ENCODED
    assert (found.cls_id, found.sep_id) == (2, 3)


@given(st.integers(0, 2**63 - 1), st.binary(max_size=20))
def test_the_wire_format_is_read_as_it_was_written(value: int, text: bytes) -> None:
    assert read_varint(as_varint(value), 0) == (value, len(as_varint(value)))
    assert list(read_fields(number(3, value) + field(700, text))) == [(3, value), (700, text)]


@given(st.binary(max_size=30))
def test_any_bytes_are_fields_or_a_value_error(data: bytes) -> None:
    try:
        list(read_fields(data))
    except ValueError as error:
        assert str(error)


# -- similarity --------------------------------------------------------------------------------------------------------


def test_greedy_matching_by_hand() -> None:
    a = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    b = torch.tensor([[1.0, 0.0], [0.6, 0.8], [-1.0, 0.0]])
    precision, recall = (1 + 0.8) / 2, (1 + 0.8 + 0) / 3
    assert compute_greedy_f1(a, b) == pytest.approx(2 * precision * recall / (precision + recall))
    assert compute_greedy_f1(a, a) == pytest.approx(1)
    assert compute_greedy_f1(a, torch.zeros(0, 2)) == compute_greedy_f1(torch.zeros(0, 2), a) == 0


@pytest.fixture(scope="module")
def encoder_folder(tmp_path_factory) -> Path:
    """A small random BERT with a word vocabulary."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from tokenizers.processors import TemplateProcessing
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("encoder")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "slow", "sea", "boat", "storm"]
    tokenizer = Tokenizer(WordLevel({word: place for place, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="[UNK]",
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=16,
    ).save_pretrained(folder)
    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=9,
        hidden_size=8,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=32,
    )
    BertModel(config).save_pretrained(folder)
    return folder


def test_similarity_by_any_encoder_folder(encoder_folder: Path) -> None:
    found = load_encoder(encoder_folder)
    scores = found.score(["the slow sea", "boat", "", "sea " * 40], ["the slow sea", "the storm", "sea", "sea"])
    assert scores[0] == pytest.approx(1, abs=1e-5)
    assert scores[1] < 1
    assert scores[2] == 0
    assert found.embed_tokens("the slow sea").shape == (3, 8), "special tokens do not count"
    assert found.embed_tokens("sea " * 40).shape == (14, 8), "cut to the tokenizer's longest input"
    assert found.count_truncated(["the slow sea", "sea " * 14, "sea"], ["sea", "sea", "sea " * 15]) == 1
    values = compute_text_metrics(["sea", "sea " * 15], ["sea", "sea"], MetricResources(similarity=found))
    assert (
        describe_omissions({"mine": values})[-1]
        == "similarity: 1 of 2 pairs of mine are longer than its input and were cut."
    )
    assert load_encoder(encoder_folder, layer=0).score(["boat"], ["the boat"])[0] != scores[1]


def test_an_encoder_that_does_not_know_the_script_is_not_used(encoder_folder: Path) -> None:
    from thinkrec.evaluate.text.align import References
    from thinkrec.evaluate.text.resources import drop_unsuited_encoder

    found = load_encoder(encoder_folder)
    assert found.compute_unknown_share(["the slow sea", "boat 海"]) == 0.2
    foreign = References(np.arange(2), np.arange(2), ("海 很 慢", "the sea"), "refs")
    tools = drop_unsuited_encoder(MetricResources(similarity=found), foreign)
    assert tools.similarity is None
    assert tools.unavailable is not None and "does not know 60%" in tools.unavailable["similarity"]
    assert drop_unsuited_encoder(
        MetricResources(similarity=found), References(*[np.arange(1)] * 2, ("the sea",), "r")
    ).similarity


def test_wrong_encoders_are_refused(encoder_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="there is no folder"):
        load_encoder(tmp_path / "none")
    with pytest.raises(CheckpointError, match="cannot be read as an encoder"):
        load_encoder(tmp_path)
    with pytest.raises(CheckpointError, match="there is no layer 3"):
        load_encoder(encoder_folder, layer=3)
