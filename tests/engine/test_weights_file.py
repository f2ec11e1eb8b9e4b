"""Weights of format 2: its manifest in today's words, and its adapters alone where there is no projector."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from support.tiny_lm import make_recommender

from thinkrec.engine.weights_file import FORMAT_2, load_weights_file, upgrade_manifest
from thinkrec.errors import CheckpointError


def test_a_manifest_has_todays_keys_and_no_parts() -> None:
    older = {"format": FORMAT_2, "experts": {"rank": 4}, "projector": None, "weights": "weights-1.safetensors"}
    assert upgrade_manifest(older) == {
        "format": FORMAT_2,
        "adapters": {"rank": 4},
        "projector": None,
        "weights": "weights-1.safetensors",
        "parts": {},
    }
    assert "experts" in older, "what came in stays"


def test_adapters_are_put_into_a_recommender(tmp_path: Path) -> None:
    source, target = make_recommender(dim=0), make_recommender(dim=0)
    state = {f"experts.{name}": 2 * tensor for name, tensor in source.adapters.state_dict().items()}
    save_file(state, tmp_path / "weights-1.safetensors")
    load_weights_file(target, tmp_path, {"weights": "weights-1.safetensors", "projector": None})
    for name, tensor in target.adapters.state_dict().items():
        torch.testing.assert_close(tensor, state[f"experts.{name}"])


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"weights-1\.safetensors"):
        load_weights_file(make_recommender(dim=0), tmp_path, {"weights": "weights-1.safetensors", "projector": None})
