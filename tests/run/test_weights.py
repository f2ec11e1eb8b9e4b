"""Weights that were trained before, in place of training: taken exactly, and refused where they do not fit."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from support.opposite_tastes import model_values, tables
from support.tiny_folder import write_backbone
from support.variants import get_variant
from typer.testing import CliRunner

from thinkrec.cli import app
from thinkrec.data.dataset import Dataset
from thinkrec.engine import checkpoint
from thinkrec.errors import CheckpointError, DataError
from thinkrec.run.exports import export_weights
from thinkrec.run.pipeline import Run
from thinkrec.run.recipe import Recipe


def make_recipe(backbone: Path, **model: Any) -> Recipe:
    values = {**model_values(backbone), **model}
    return Recipe.model_validate({"name": "weights", "data": {"kind": "in_memory"}, "model": values})


def train(recipe: Recipe, folder: Path) -> Run:
    run = Run(recipe, folder, preloaded_dataset=Dataset.from_tables(*tables()))
    run.train_all_stages()
    return run


def take(backbone: Path, folder: Path, **changes: Any) -> Recipe:
    """The recipe with every stage's weights from `folder`."""
    values = model_values(backbone)
    stages = {key: {**values[key], "weights": str(folder)} for key in ("global_stage", "expert_stage", "vector_stage")}
    return make_recipe(backbone, **{**stages, **changes})


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_backbone(tmp_path_factory.mktemp("weights") / "lm", Dataset.from_tables(*tables()))


@pytest.fixture(scope="module")
def trained(backbone: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(make_recipe(backbone), tmp_path_factory.mktemp("trained") / "run")


def test_a_run_with_trained_weights_answers_as_the_one_that_trained(
    backbone: Path, trained: Run, tmp_path: Path
) -> None:
    weights = export_weights(trained, tmp_path / "weights")
    taken = train(take(backbone, weights), tmp_path / "run")
    scores = [run.load_predictor(get_variant("full")).score(run.test_rows) for run in (trained, taken)]
    np.testing.assert_array_equal(*scores)
    done = json.loads((taken.folder / "vectors" / "done.json").read_text())
    assert done["log"] == [] and done["weights"] == str(weights)
    # Nothing is scored for a table.
    assert not (taken.folder / "scores").exists()


def test_halves_of_weights_come_back_rounded(backbone: Path, trained: Run, tmp_path: Path) -> None:
    whole, half = (
        export_weights(trained, tmp_path / str(dtype), dtype=dtype) for dtype in (torch.float32, torch.bfloat16)
    )
    file = "adapters/expert_2/adapter_model.safetensors"
    for name, tensor in load_file(whole / file).items():
        halved = load_file(half / file)[name]
        assert halved.dtype == torch.bfloat16
        torch.testing.assert_close(halved, tensor.bfloat16(), rtol=0, atol=0)
    taken = train(take(backbone, half), tmp_path / "run")
    a = next(iter(checkpoint.load_recommender(taken.folder / "vectors").adapters.layers.values())).global_a
    assert a.dtype == torch.float32 and torch.equal(a, a.bfloat16().float())


def test_other_contents_of_the_weights_make_the_stage_run_again(backbone: Path, trained: Run, tmp_path: Path) -> None:
    weights = export_weights(trained, tmp_path / "weights", "global")
    recipe = make_recipe(
        backbone,
        global_stage={**model_values(backbone)["global_stage"], "weights": str(weights)},
        expert_stage=None,
        vector_stage=None,
    )
    keys = []
    for dtype in (None, None, torch.bfloat16):
        export_weights(trained, weights, "global", dtype)
        train(recipe, tmp_path / "run")
        keys.append(json.loads((tmp_path / "run" / "global" / "done.json").read_text())["key"])
    assert keys[0] == keys[1] != keys[2]


def test_weights_that_do_not_fit_are_refused(backbone: Path, trained: Run, tmp_path: Path) -> None:
    weights = export_weights(trained, tmp_path / "weights")
    adapters = {**model_values(backbone)["adapters"], "rank": 2}
    with pytest.raises(CheckpointError, match=r"adapters with rank 4, and the recipe has 2"):
        train(take(backbone, weights, adapters=adapters), tmp_path / "rank")
    with pytest.raises(CheckpointError, match=r"n_experts 2, and the recipe has 3"):
        train(take(backbone, weights, groups={"n_groups": 3}), tmp_path / "groups")
    other = shutil.copytree(backbone, tmp_path / "other")
    values = load_file(other / "model.safetensors")
    save_file({name: value + 1e-3 for name, value in values.items()}, other / "model.safetensors", {"format": "pt"})
    with pytest.raises(CheckpointError, match="trained on another backbone"):
        train(take(other, weights), tmp_path / "backbone")
    text = export_weights(trained, tmp_path / "text", "global")
    with pytest.raises(CheckpointError, match=r"have no projector, they have global"):
        values = model_values(backbone)
        vectors = {**values["vector_stage"], "weights": str(text)}
        train(make_recipe(backbone, expert_stage=None, vector_stage=vectors), tmp_path / "part")
    with pytest.raises(CheckpointError, match=r"there is no recommender\.json"):
        train(take(backbone, tmp_path / "nowhere"), tmp_path / "missing")


def test_the_command_writes_weights_and_never_over_other_files(trained: Run, tmp_path: Path) -> None:
    out = tmp_path / "weights"
    arguments = ["weights", str(trained.folder), "--out", str(out), "--dtype", "bfloat16", "--model", "global"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "MB)" in result.output and (out / "adapters" / "global" / "adapter_config.json").is_file()
    assert not (out / "projector.safetensors").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("kept")
    with pytest.raises(DataError, match="holds other files"):
        export_weights(trained, tmp_path / "mine")
    assert (tmp_path / "mine" / "notes.txt").read_text() == "kept"
