"""A finished stage stands for contents, not for names: of backbone, reasons, keywords, prompts and code."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch
from safetensors.torch import load_file, save_file
from support.tiny_run import tiny_backbone, tiny_recipe

from thinkrec.data.interactions import TRAIN
from thinkrec.engine import checkpoint
from thinkrec.errors import CheckpointError
from thinkrec.model.backbone import BackboneConfig, compute_backbone_digest, load_backbone
from thinkrec.prompts.segments import Text, UserVector
from thinkrec.prompts.templates import DEFAULT_TEMPLATE, TEMPLATES
from thinkrec.run import inputs, provenance, stage
from thinkrec.run.layout import LOCK, lock_run_folder
from thinkrec.run.pipeline import Run
from thinkrec.run.recipe import Recipe, parse_recipe
from thinkrec.run.recipe_files import load_recipe
from thinkrec.run.stage import StageRunner, find_changed_inputs, read_stage_result
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue
from thinkrec.train import stages

WORLD = {"users": 30, "items": 60, "interactions_per_user": [6, 12]}
LANGUAGE = ["global", "experts", "vectors"]


@dataclasses.dataclass
class _Trained:
    slot_encoder: Any = None


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The stages whose work was done, in order; language models are not trained."""
    worked: list[str] = []
    run = StageRunner.run

    def counted(
        self: StageRunner, name: str, made_from: Any, work: Any, rooms: tuple[str, ...] = (), **options: Any
    ) -> str:
        return run(self, name, made_from, lambda folder: (worked.append(name), work(folder))[1], rooms, **options)

    monkeypatch.setattr(StageRunner, "run", counted)
    monkeypatch.setattr(Run, "load_predictor", lambda self, variant: _Trained())
    for name in ("train_global_adapter", "train_experts", "train_projector"):
        monkeypatch.setattr(stages, name, lambda *_: {"log": [], "best_step": 0})
    return worked


@pytest.fixture
def home(tmp_path: Path) -> Path:
    tiny_backbone(tmp_path / "lm")
    reasons = []
    ds = simulate_catalogue(SimulatorConfig.model_validate(WORLD), 5).dataset
    it = ds.interactions
    for row in it.get_split_rows(TRAIN)[:6]:
        reasons.append(
            {"order": int(it.order[row]), "reason": f"{'Yes' if it.label[row] else 'No'}. Because of {row}."}
        )
    pl.DataFrame(reasons).write_parquet(tmp_path / "reasons.parquet")
    return tmp_path


def recipe(home: Path, **more: Any) -> Recipe:
    content = tiny_recipe(home / "lm", baselines={})
    content["model"]["reasons"] = {"source": "written", "file": str(home / "reasons.parquet"), "share": 0.2}
    content["model"] |= more
    return parse_recipe(content, "tiny")


def walk(home: Path, done: list[str], chosen: Recipe | None = None, **options: Any) -> list[str]:
    """The stages that a run of the recipe works on."""
    done.clear()
    run = Run(chosen or recipe(home), home / "run", **options)
    run.prepare_folder()
    run.train_variants()
    return list(done)


def test_nothing_is_done_twice_wherever_the_files_lie(home: Path, done: list[str]) -> None:
    assert walk(home, done) == ["global", "scorers/encoder", "groups", "experts", "vectors"]
    assert walk(home, done) == []
    (home / "moved").mkdir()
    for name in ("lm", "reasons.parquet"):
        shutil.move(home / name, home / "moved" / f"other-{name}")
    other = recipe(home, backbone={"source": str(home / "moved" / "other-lm")})
    told = other.model.model_copy(
        update={"reasons": other.model.reasons.model_copy(update={"file": home / "moved" / "other-reasons.parquet"})}
    )
    assert walk(home, done, other.model_copy(update={"model": told})) == []


def test_other_weights_under_the_same_name_are_another_backbone(home: Path, done: list[str], capsys) -> None:
    walk(home, done)
    before = compute_backbone_digest(BackboneConfig(source=str(home / "lm")))
    weights = home / "lm" / "model.safetensors"
    held = load_file(weights)
    name = next(name for name in held if held[name].is_floating_point())
    held[name].view(-1)[0] += 1e-3
    save_file(held, weights, metadata={"format": "pt"})
    assert compute_backbone_digest(BackboneConfig(source=str(home / "lm"))) != before
    assert walk(home, done, progress=True) == LANGUAGE
    assert "global: done again, since backbone.digest changed" in " ".join(capsys.readouterr().err.split())


def test_one_letter_of_a_reason_is_another_training(home: Path, done: list[str]) -> None:
    walk(home, done)
    table = pl.read_parquet(home / "reasons.parquet")
    table.with_columns(pl.col("reason").str.replace("Because", "because")).write_parquet(home / "reasons.parquet")
    assert walk(home, done) == LANGUAGE


def test_keywords_are_part_of_the_data(home: Path, done: list[str]) -> None:
    walk(home, done)
    ds = simulate_catalogue(SimulatorConfig.model_validate(WORLD), 5).dataset
    words = [*ds.items.keywords[:-1], ("something else",)]
    changed = dataclasses.replace(ds, items=dataclasses.replace(ds.items, keywords=words))
    assert walk(home, done, preloaded_dataset=changed) == ["global", "scorers/encoder", "groups", "experts", "vectors"]


def test_other_words_in_the_prompt_are_another_training(home: Path, done: list[str], monkeypatch) -> None:
    walk(home, done)
    segments = list(TEMPLATES[DEFAULT_TEMPLATE].segments)
    segments[4] = Text("\nAnd now? One {item}:\n")
    other = dataclasses.replace(TEMPLATES[DEFAULT_TEMPLATE], segments=tuple(segments))
    monkeypatch.setitem(TEMPLATES, DEFAULT_TEMPLATE, other)
    assert walk(home, done) == LANGUAGE


def test_other_code_is_another_result_unless_asked_otherwise(home: Path, done: list[str], monkeypatch, capsys) -> None:
    walk(home, done)
    real = stage.hash_code
    monkeypatch.setattr(stage, "hash_code", lambda rooms: real(rooms) + "x" * ("train" in rooms))
    assert walk(home, done, ignore_code_changes=True, progress=True) == []
    assert "experts: finished by other code, taken as it is" in " ".join(capsys.readouterr().err.split())
    assert walk(home, done) == LANGUAGE
    monkeypatch.setattr(stage, "hash_code", lambda rooms: real(rooms) + "y" * (rooms == inputs.GROUP_CODE))
    assert walk(home, done)[-3:] == ["groups", "experts", "vectors"]


def test_code_is_what_computes(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(provenance, "_PACKAGE", tmp_path)
    (tmp_path / "room").mkdir()
    file = tmp_path / "room" / "a.py"

    def digest(text: str) -> str:
        file.write_text(text)
        provenance.hash_code.cache_clear()
        return provenance.hash_code(("room",))

    plain = digest('"""Doc."""\ndef f(x: int) -> int:\n    """Says."""\n    return x + 1\n')
    assert digest("# note\ndef f(x: int) -> int:\n\n    return (x + 1)\n") == plain
    assert digest("def f(x: int) -> int:\n    return x + 2\n") != plain
    file.rename(file.with_name("b.py"))
    provenance.hash_code.cache_clear()
    assert provenance.hash_code(("room",)) != plain
    with pytest.raises(FileNotFoundError):
        provenance.hash_code(("nowhere",))
    provenance.hash_code.cache_clear()


def test_changes_are_named() -> None:
    before = {"seed": 0, "config": {"lr": 0.1, "dim": 8}, "gone": 1}
    assert find_changed_inputs(before, {"seed": 0, "config": {"lr": 0.2, "dim": 8}, "new": None}) == [
        "config.lr",
        "new",
        "gone",
    ]
    assert find_changed_inputs(before, json.loads(json.dumps(before))) == []


def test_a_stage_says_what_it_was_made_from(home: Path, done: list[str]) -> None:
    walk(home, done)
    found = read_stage_result(home / "run" / "global")["inputs"]
    assert set(found) == {
        "data",
        "seed",
        "backbone",
        "prompt",
        "adapters",
        "score",
        "reasons",
        "sample",
        "config",
        "code",
    }
    assert found["backbone"]["digest"] == compute_backbone_digest(BackboneConfig(source=str(home / "lm")))
    assert "source" not in found["backbone"]
    environment = json.loads((home / "run" / "environment.json").read_text())
    assert environment["cpu"] and environment["threads"] == torch.get_num_threads()
    assert set(environment) >= {"commit", "dirty", "code", "gpu", "torch", "python", "transformers", "date"}


def test_a_sample_of_prompts_sees_each_part_of_them(monkeypatch) -> None:
    ds = simulate_catalogue(SimulatorConfig.model_validate(WORLD), 5).dataset
    config = load_recipe("demo").model.prompt
    reasons = {int(ds.interactions.get_split_rows(TRAIN)[0]): "Yes. It is."}
    plain = inputs.hash_prompt_sample(ds, config, reasons)
    assert inputs.hash_prompt_sample(ds, config, {}) != plain
    assert inputs.hash_prompt_sample(ds, config.model_copy(update={"history": 3}), reasons) != plain
    usual = TEMPLATES[DEFAULT_TEMPLATE]
    for i, other in ((0, Text("something else")), (3, UserVector("something else")), (4, Text("something else"))):
        segments = (*usual.segments[:i], other, *usual.segments[i + 1 :])
        with monkeypatch.context() as patch:
            patch.setitem(TEMPLATES, DEFAULT_TEMPLATE, dataclasses.replace(usual, segments=segments))
            assert inputs.hash_prompt_sample(ds, config, reasons) != plain, other
    assert inputs.hash_prompt_sample(ds, config, reasons) == plain


def test_adapters_are_not_put_on_weights_that_they_were_not_trained_on(tmp_path: Path) -> None:
    from thinkrec.engine.recommender import Recommender
    from thinkrec.model.adapters import attach_adapters
    from thinkrec.model.lora import MultiLoRAConfig

    tiny_backbone(tmp_path / "lm")
    backbone = load_backbone(str(tmp_path / "lm"))
    assert backbone.digest == compute_backbone_digest(backbone.config)
    trained = Recommender(backbone, attach_adapters(backbone.model, MultiLoRAConfig(n_experts=0)))
    checkpoint.save_recommender(tmp_path / "stage", trained)
    checkpoint.load_recommender(tmp_path / "stage")
    weights = tmp_path / "lm" / "model.safetensors"
    held = load_file(weights)
    name = next(name for name in held if held[name].is_floating_point())
    save_file({**held, name: held[name] * 1.01}, weights, metadata={"format": "pt"})
    with pytest.raises(CheckpointError, match="trained on another backbone"):
        checkpoint.load_recommender(tmp_path / "stage")


def test_stages_that_the_recipe_no_longer_has_go(home: Path, done: list[str], capsys) -> None:
    walk(home, done)
    (home / "run" / "scores" / "full").mkdir(parents=True)
    (home / "run" / "scores" / "global").mkdir()
    walk(home, done, recipe(home, vector_stage=None), progress=True)
    assert sorted(p.name for p in (home / "run" / "scores").iterdir()) == ["global"]
    assert not (home / "run" / "vectors").exists() and (home / "run" / "experts").exists()
    assert "scores/full: removed, since the recipe no longer has it" in " ".join(capsys.readouterr().err.split())


def test_one_process_works_in_a_folder(tmp_path: Path) -> None:
    with lock_run_folder(tmp_path / "run"):
        assert (tmp_path / "run" / LOCK).is_file()
        with pytest.raises(CheckpointError, match="another process is working"), lock_run_folder(tmp_path / "run"):
            pass
    with lock_run_folder(tmp_path / "run"):
        pass


def test_a_broken_or_older_done_is_no_finished_stage(tmp_path: Path) -> None:
    room = StageRunner(tmp_path, progress=False)
    for name, text in (("a", "{"), ("b", "[]"), ("c", '{"inputs": "abc", "seconds": 1}')):
        (tmp_path / name).mkdir()
        (tmp_path / name / "done.json").write_text(text)
        (tmp_path / name / "old.bin").touch()
        room.run(name, {"x": 1}, lambda folder: {})
        assert not (tmp_path / name / "old.bin").exists() and read_stage_result(tmp_path / name)["inputs"]["x"] == 1


def test_a_stage_that_was_stopped_is_gone_on_with(tmp_path: Path) -> None:
    room = StageRunner(tmp_path, progress=False)

    def stop(folder: Path) -> dict:
        (folder / "half").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        room.run("a", {"x": 1}, stop)
    room.run("a", {"x": 1}, lambda folder: {"found": (folder / "half").exists()})
    assert read_stage_result(tmp_path / "a")["found"]
