"""What other programs compute from an export, and that a wrong one is noticed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from thinkrec import ThinkRec
from thinkrec.errors import CheckpointError
from thinkrec.export.check import check_export, read_pairs
from thinkrec.export.folders import Target, export_model
from thinkrec.export.scored_pairs import PAIRS, choose_pairs

NEEDS = {"peft": "peft", "vllm": "peft", "cross-encoder": "sentence_transformers", "merged": "transformers"}


def change_weight(path: Path, name: str | None = None) -> None:
    tensors = load_file(path)
    chosen = name or next(key for key in sorted(tensors) if "lora_B" in key)
    changed = tensors[chosen].clone()
    changed[..., 0] += 1.0
    save_file({**tensors, chosen: changed}, path, metadata={"format": "pt"})


@pytest.mark.parametrize("target", ["peft", "vllm", "cross-encoder", "merged"])
def test_an_export_gives_our_scores_and_a_changed_weight_is_noticed(
    exported_model: ThinkRec, folder: Path, target: Target
) -> None:
    pytest.importorskip(NEEDS[target], reason=f"{NEEDS[target]} is not installed")
    report = export_model(exported_model.predictor, folder, target, prototypes=3)
    assert report.extra_tokens == 90
    _, pairs = read_pairs(folder)
    assert len(pairs) == 20 and np.std([pair.score for pair in pairs]) > 0.01
    ways = check_export(folder)
    assert len(ways) == 2 and max(ways.values()) < 1e-4
    if target in ("peft", "vllm"):
        change_weight(folder / "adapters" / pairs[-1].adapter / "adapter_model.safetensors")
    else:
        change_weight(folder / "model.safetensors", "model.layers.1.self_attn.v_proj.weight")
    with pytest.raises(CheckpointError, match=r"most of all pair \d+ \(user .*, item .*\): |by adapter"):
        check_export(folder)


def test_a_changed_extra_row_is_noticed(exported_model: ThinkRec, folder: Path) -> None:
    export_model(exported_model.predictor, folder, "merged")
    tensors = load_file(folder / "model.safetensors")
    rows = tensors["model.embed_tokens.weight"]
    rows[-90:] += torch.randn(90, rows.shape[1])
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(CheckpointError, match="other scores than were exported"):
        check_export(folder)


def test_the_score_of_a_pair_is_that_of_the_user_s_own_mixture(exported_model: ThinkRec, folder: Path) -> None:
    user = str(choose_pairs(exported_model.predictor)[3].user)
    export_model(exported_model.predictor, folder, "merged", mixture=f"user:{user}")
    _, pairs = read_pairs(folder)
    mine = next(pair for pair in pairs if pair.user == user)
    assert exported_model.score([mine.user], [mine.item])[0] == pytest.approx(mine.score, abs=1e-5)


def test_pairs_that_are_missing_or_empty_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no readable list"):
        check_export(tmp_path)
    (tmp_path / PAIRS).write_text(json.dumps({"target": "merged", "pairs": []}))
    with pytest.raises(CheckpointError, match="holds no pairs"):
        check_export(tmp_path)
