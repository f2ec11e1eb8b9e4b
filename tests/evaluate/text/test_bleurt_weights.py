"""Weights of a checkpoint under one set of names, and what is no checkpoint."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from thinkrec.errors import CheckpointError
from thinkrec.evaluate.text.bleurt_weights import read_weights


def make_tensors(narrow: int = 4, wide: int = 6) -> dict[str, torch.Tensor]:
    source = torch.Generator().manual_seed(0)
    shapes = {
        "embeddings.word_embeddings.weight": (9, narrow),
        "embeddings.position_embeddings.weight": (5, narrow),
        "embeddings.token_type_embeddings.weight": (2, narrow),
        "encoder.layer.0.attention.self.query.weight": (wide, wide),
        "encoder.layer.1.attention.self.query.weight": (wide, wide),
        "pooler.dense.weight": (wide, wide),
    }
    return {name: torch.randn(*shape, generator=source) for name, shape in shapes.items()}


def write_checkpoint(folder: Path, prefix: str, head: str, tensors: dict[str, torch.Tensor], wide: int = 6) -> None:
    named = {f"{prefix}{name}": tensor for name, tensor in tensors.items()}
    heads = {f"{head}.weight": torch.ones(1, wide), f"{head}.bias": torch.zeros(1)}
    save_file({**named, **heads, "optimizer_Adam": torch.ones(1)}, folder / "model.safetensors")


@pytest.mark.parametrize(("prefix", "head"), [("bert.", "dense"), ("rembert.", "classifier"), ("", "classifier")])
def test_every_naming_comes_to_the_same(tmp_path: Path, prefix: str, head: str) -> None:
    tensors = make_tensors()
    write_checkpoint(tmp_path, prefix, head, tensors)
    weights = read_weights(tmp_path)
    assert set(weights.tensors) == set(tensors)
    for name, tensor in tensors.items():
        torch.testing.assert_close(weights.tensors[name], tensor)
    assert (weights.n_layers, weights.head.shape, weights.bias.shape) == (2, (1, 6), (1,))


def test_an_encoder_as_wide_as_its_embeddings_gets_an_identity_between_them(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, "bert.", "classifier", make_tensors(6, 6))
    weights = read_weights(tmp_path)
    torch.testing.assert_close(weights.tensors["encoder.embedding_hidden_mapping_in.weight"], torch.eye(6))


def test_what_is_no_checkpoint_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="holds no weights"):
        read_weights(tmp_path)
    tensors = make_tensors()
    lacking = {name: tensor for name, tensor in tensors.items() if not name.startswith("pooler")}
    write_checkpoint(tmp_path, "bert.", "classifier", lacking)
    with pytest.raises(CheckpointError, match=r"no BLEURT checkpoint: pooler\.dense\.weight is missing"):
        read_weights(tmp_path)
    write_checkpoint(tmp_path, "bert.", "classifier", tensors, wide=5)
    with pytest.raises(CheckpointError, match=r"the head has shape \(1, 5\), expected \(1, 6\)"):
        read_weights(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    (tmp_path / "pytorch_model.bin").write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(CheckpointError, match="cannot be read"):
        read_weights(tmp_path)
