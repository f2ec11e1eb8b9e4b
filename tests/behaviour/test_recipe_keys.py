"""Every key of a recipe, changed by itself: exactly the stages that depend on it run again.

What this assumes: every stage of a run goes through `StageRunner.run(name, inputs, work)`, `work` writes into the
folder that it is given, and a stage's key is made of its inputs and of the keys, or the outputs, of the stages before
it. The work itself is replaced: it writes down its inputs and nothing else, so that a case takes milliseconds.

A new key fails `test_every_key_is_in_the_table` until it stands in CHANGES with the stages that depend on it.
"""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from safetensors.torch import load_file, save_file
from support.opposite_tastes import model_values, reason, tables

from thinkrec.data.dataset import Dataset
from thinkrec.run import explained, pipeline, results
from thinkrec.run.data_sources import load_data
from thinkrec.run.layout import NON_PERSONALISED
from thinkrec.run.pipeline import Run
from thinkrec.run.recipe import Data, Recipe
from thinkrec.run.stage import StageRunner
from thinkrec.simulate.simulator import Simulation

# Which stages run again where an output changes: itself, and all that are built on it.
EXPLAIN = {"explain"}
FULL = {"scores/full"} | EXPLAIN
VECTORS = {"vectors"} | FULL
EXPERTS = {"experts", "scores/experts"} | VECTORS
GLOBAL = {"global", "scores/global"} | EXPERTS
GROUPS = {"groups"} | EXPERTS
ENCODER = {"scorers/encoder"} | GROUPS
BASELINE = {"scorers/MF"} | EXPLAIN
"""`explain` belongs to the table of results as a whole."""
EVERYTHING = GLOBAL | ENCODER | BASELINE | {f"scorers/{name}" for name in NON_PERSONALISED}
NOTHING: set[str] = set()

STAGE: dict[str, Any] = {
    "epochs": 2,
    "subsample_stride": 2,
    "history_loss": 0.5,
    "reason_share": 0.1,
    "lr": 1e-3,
    "weight_decay": 0.1,
    "warmup_steps": 3,
    "batch_tokens": 128,
    "max_grad_norm": 2.0,
    "evals_per_epoch": 3,
    "max_valid_rows": 30,
    "gradient_checkpointing": True,
    "cache_gb": 1.0,
    "save_steps": 7,
}
MF: dict[str, Any] = {
    "kind": {"kind": "lightgcn"},
    "dim": 16,
    "biases": True,
    "init_std": 0.2,
    "training.lr": 0.1,
    "training.weight_decay": 0.1,
    "training.batch_size": 64,
    "training.epochs": 3,
    "training.patience": 2,
}
WORLD: dict[str, Any] = {
    "users": 13,
    "items": 31,
    "interactions_per_user": [7, 9],
    "genres": 5,
    "themes": 7,
    "tones": 5,
    "user_genres": 1,
    "user_themes": 1,
    "favourite_share": 0.5,
    "taste_groups": 2,
    "deviation_rate": 0.5,
    "interaction_weight": 1.0,
    "main_effect_weight": 0.6,
    "tone_weight": 0.8,
    "quality_weight": 1.0,
    "user_bias_std": 1.0,
    "drift_rate": 0.9,
    "reception_share": 0.1,
    "creators": False,
    "valid": 0.2,
    "test": 0.2,
}

CHANGES: dict[str, tuple[Any, set[str]]] = {
    # Key -> (another value, the stages that run again). A dict replaces the section in which the key stands.
    "name": ("other", NOTHING),
    "label": ("Other", EXPLAIN),
    "seed": (1, EVERYTHING),
    "data.kind": (None, EVERYTHING),  # another kind of data: see test_the_tables_contents_count
    "data.seed": (8, EVERYTHING),
    **{f"data.simulator.{key}": (value, EVERYTHING) for key, value in WORLD.items()},
    "model.kind": (None, EVERYTHING),  # another kind of model: see test_another_kind_of_model
    "model.backbone.source": (None, GLOBAL),  # see test_the_backbones_weights_count
    "model.backbone.dtype": ("bfloat16", GLOBAL),
    "model.backbone.bits": (8, GLOBAL),
    "model.backbone.attention": ("eager", GLOBAL),
    "model.backbone.revision": ("main", NOTHING),  # of a hub model; a folder is known by its contents
    "model.prompt.template": ("prompt4nr", GLOBAL),
    "model.prompt.history": (4, GLOBAL),
    "model.prompt.history_step": (2, GLOBAL),
    "model.prompt.keywords": (3, GLOBAL),
    "model.prompt.history_keywords": (3, GLOBAL),
    "model.prompt.item_columns": (None, GLOBAL),  # see test_text_columns_count
    "model.prompt.reason_text": (None, GLOBAL),  # see test_text_columns_count
    "model.prompt.reason_text_tokens": (7, GLOBAL),
    "model.prompt.reason_sides": (True, GLOBAL),
    "model.prompt.reason_history": (3, GLOBAL),
    "model.prompt.max_tokens": (512, GLOBAL),
    "model.prompt.history_vectors": (False, GLOBAL),
    **{f"model.encoder.{key}": (value, ENCODER) for key, value in MF.items()},
    "model.target_encoding": ({"target_encoding": False, "neighbourhood_residual": False, "score_prior": None}, GROUPS),
    "model.neighbourhood_residual": (False, GROUPS),
    "model.embeddings": (False, GROUPS),
    "model.adapters.rank": (2, GLOBAL),
    "model.adapters.alpha": (4.0, GLOBAL),
    "model.adapters.dropout": (0.5, GLOBAL),
    "model.adapters.targets": (["v_proj"], GLOBAL),
    "model.adapters.layers": (0.9, GLOBAL),
    "model.adapters.expert_layers": (0.5, GLOBAL),
    "model.adapters.fusion": ("linear", GLOBAL),
    "model.groups.n_groups": (3, GROUPS),
    "model.groups.method": ("ward", GROUPS),
    "model.groups.ward_limit": (100, GROUPS),
    "model.gate.kind": ({"kind": "uniform"}, EXPERTS),
    "model.gate.tau": (0.5, EXPERTS),
    "model.gate.single_base": (0.9, EXPERTS),
    "model.gate.single_share": (0.1, EXPERTS),
    "model.gate.entropy_threshold": (0.5, EXPERTS),
    "model.reasons.source": ("rules", GLOBAL),
    "model.reasons.file": (None, GLOBAL),  # see test_the_reasons_contents_count
    "model.reasons.exclude_hinted": (True, NOTHING),  # of a table of reasons: see test_hinted_reasons_left_out_count
    "model.reasons.share": (0.4, GLOBAL),
    "model.reasons.side_weight": (3.0, GLOBAL),
    "model.reasons.plan_share": ({"source": "rules", "plan_share": 0.2}, GLOBAL),
    "model.reasons.plan_source": ("rules", NOTHING),  # of plan-first rows: see tests/run/test_inputs.py
    "model.reasons.plan_prose": (True, NOTHING),
    "model.global_stage.train": (["global", "projector"], GLOBAL),
    **{f"model.{stage}.weights": (None, NOTHING) for stage in ("global_stage", "expert_stage", "vector_stage")},
    # See tests/run/test_inputs.py: without them their weight counts for nothing.
    **{f"model.{stage}.soft_labels": (None, NOTHING) for stage in ("global_stage", "expert_stage", "vector_stage")},
    **{
        f"model.{stage}.soft_label_weight": (0.5, NOTHING) for stage in ("global_stage", "expert_stage", "vector_stage")
    },
    **{f"model.global_stage.{key}": (value, GLOBAL) for key, value in STAGE.items()},
    "model.expert_stage.train": (["experts", "global"], EXPERTS),
    **{f"model.expert_stage.{key}": (value, EXPERTS) for key, value in STAGE.items()},
    "model.vector_stage.train": (["projector", "global"], VECTORS),
    **{f"model.vector_stage.{key}": (value, VECTORS) for key, value in STAGE.items()},
    "model.score": ("yes", GLOBAL),
    "model.score_prior.source": ("both", FULL),
    "model.score_prior.weight": (0.9, FULL),
    "model.composition": ({"composition": {"item": "mean"}}, {"composition"} | FULL),
    **{f"baselines.MF.{key}": (value, BASELINE) for key, value in MF.items()},
    "evaluation.k": (3, NOTHING),
    "evaluation.map_denominator": ("min", NOTHING),
    "evaluation.bootstrap_draws": (200, NOTHING),
    "evaluation.seed": (5, NOTHING),
    "n_explained": (3, EXPLAIN),
    "reason_tokens": (50, EXPLAIN),
    "citation_policy": ("history", EXPLAIN),
    "max_citations": (1, EXPLAIN),
    "writer": ("rules", EXPLAIN),
    "decoding.no_repeat_ngram": (4, EXPLAIN),
    "decoding.presence_penalty": (1.0, EXPLAIN),
    "decoding.temperature": (0.7, EXPLAIN),
    "decoding.top_p": ({"temperature": 0.7, "top_p": 0.9}, EXPLAIN),
    "decoding.min_p": ({"temperature": 0.7, "min_p": 0.1}, EXPLAIN),
    "decoding.label_contrast": (0.5, EXPLAIN),
    "decoding.label_contrast_min_p": ({"label_contrast": 0.5, "label_contrast_min_p": 0.5}, EXPLAIN),
    **{f"decoding.{k}": ({"temperature": 0.7, k: v}, EXPLAIN) for k, v in {"seed": 1, "n_samples": 2}.items()},
    "decoding.choose_by": ("likelihood", EXPLAIN),
}


@cache
def simulated(config: Data) -> tuple[Dataset, Simulation | None]:
    """The data set of a simulated catalogue, made once."""
    return load_data(config)


def plain(lm: Path) -> dict[str, Any]:
    """The recipe that every case changes in one place."""
    given = {
        "name": "keys",
        "data": {"kind": "simulator", "simulator": {"users": 12, "items": 30, "interactions_per_user": [6, 8]}},
        "model": {**model_values(lm), "score_prior": {"weight": 0.5}},
        "baselines": {"MF": {"kind": "mf", "dim": 8}},
        "n_explained": 2,
    }
    return Recipe.model_validate(given).model_dump(mode="json")


def leaves(value: Any, path: str = "") -> dict[str, Any]:
    """Dotted path -> value."""
    if not (isinstance(value, dict) and value):
        return {path: value}
    return {at: leaf for key, inner in value.items() for at, leaf in leaves(inner, f"{path}.{key}".lstrip(".")).items()}


def changed(content: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy with another value at a dotted path; a dict replaces, or adds to, what stands around it."""
    out = copy.deepcopy(content)
    *outer, last = path.split(".")
    section = out
    for name in outer:
        section = section[name]
    if not isinstance(value, dict):
        section[last] = value
    elif last == "kind":
        section.clear()
        section.update(value)
    else:
        section.update(value)
    return out


@pytest.fixture(autouse=True)
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the stages whose work was done, in order; the work is to write down the inputs."""
    names: list[str] = []
    run = StageRunner.run

    def watched(
        self: StageRunner, name: str, inputs: Mapping[str, Any], work: Callable, *more: Any, **options: Any
    ) -> Any:
        def note(folder: Path) -> dict[str, Any]:
            names.append(name)
            (folder / "inputs.json").write_text(json.dumps(inputs, sort_keys=True, default=str), encoding="utf-8")
            (folder / "reasons.json").write_text('{"cases": []}', encoding="utf-8")
            return {}

        return run(self, name, inputs, note, *more, **options)

    monkeypatch.setattr(StageRunner, "run", watched)
    monkeypatch.setattr(
        pipeline,
        "load_data",
        lambda config, *rest: simulated(config) if config.kind == "simulator" else load_data(config, *rest),
    )
    return names


def walk(content: dict[str, Any], folder: Path) -> None:
    """All stages of a recipe, the explanations among them."""

    def report(run: Run, tables: dict[str, Path]) -> None:
        if run.recipe.model.kind == "thinkrec":
            explained.explain_test_rows(run, np.zeros(len(run.test_rows)), results.hash_report_inputs(tables))

    Run(Recipe.model_validate(content), folder).run_all_stages(report)


@pytest.fixture(scope="module")
def base(backbone: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the run that the cases start from; the first case fills it."""
    return tmp_path_factory.mktemp("keys") / "run"


@pytest.fixture
def done(base: Path, backbone: Path, tmp_path: Path, ran: list[str]) -> Path:
    """A copy of a finished run of `plain`."""
    if not base.exists():
        walk(plain(backbone), base)
    shutil.copytree(base, tmp_path / "run")
    ran.clear()
    return tmp_path / "run"


def test_every_key_is_in_the_table(backbone: Path) -> None:
    assert set(leaves(plain(backbone))) == set(CHANGES)


def test_without_a_change_nothing_runs_and_at_first_everything(backbone: Path, tmp_path: Path, ran: list[str]) -> None:
    walk(plain(backbone), tmp_path / "run")
    assert len(ran) == len(set(ran))
    assert set(ran) == EVERYTHING
    walk(plain(backbone), tmp_path / "run")
    assert len(ran) == len(EVERYTHING)


@pytest.mark.parametrize("key", [key for key, (value, _) in CHANGES.items() if value is not None])
def test_a_changed_key_runs_again_what_depends_on_it(key: str, backbone: Path, done: Path, ran: list[str]) -> None:
    value, dependent = CHANGES[key]
    content = changed(plain(backbone), key, value)
    assert content != plain(backbone), "the table's value is the one that the recipe has"
    walk(content, done)
    assert set(ran) == dependent
    walk(content, done)
    assert len(ran) == len(dependent), "a second time nothing runs"


@pytest.mark.parametrize(("key", "value"), [("item_columns", ["story"]), ("reason_text", "story")])
def test_text_columns_count(
    key: str, value: Any, backbone: Path, tmp_path: Path, ran: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def tell(config: Any, *_: Any) -> tuple[Dataset, Simulation]:
        ds, simulation = simulated(config)
        stories = pl.DataFrame({"story": [f"The story of {title}." for title in ds.items.titles]})
        told = replace(ds, items=replace(ds.items, texts=stories))
        return told, replace(simulation, dataset=told)

    monkeypatch.setattr(pipeline, "load_data", tell)
    walk(plain(backbone), tmp_path / "run")
    ran.clear()
    walk(changed(plain(backbone), f"model.prompt.{key}", value), tmp_path / "run")
    assert set(ran) == GLOBAL


@pytest.mark.parametrize(
    ("key", "gone", "rest"),
    [
        ("model.expert_stage", {"experts", "scores/experts"}, VECTORS),
        ("model.vector_stage", {"vectors", "scores/full"}, EXPLAIN),
    ],
)
def test_a_stage_taken_out(
    key: str, gone: set[str], rest: set[str], backbone: Path, done: Path, ran: list[str]
) -> None:
    content = changed(plain(backbone), "model.score_prior", None)
    content = changed(content, key, None)
    walk(content, done)
    assert set(ran) == rest - gone


def test_another_kind_of_model(backbone: Path, done: Path, ran: list[str]) -> None:
    walk(changed(plain(backbone), "model", {"model": {"kind": "mf"}}), done)
    assert set(ran) == {"scorers/model"}


def test_the_backbones_weights_count(backbone: Path, tmp_path: Path, ran: list[str]) -> None:
    lm = tmp_path / "lm"
    shutil.copytree(backbone, lm)
    walk(plain(lm), tmp_path / "run")
    ran.clear()
    weights = load_file(lm / "model.safetensors")
    weights["model.norm.weight"] = weights["model.norm.weight"] * 1.001
    save_file(weights, lm / "model.safetensors", metadata={"format": "pt"})
    walk(plain(lm), tmp_path / "run")
    assert set(ran) == GLOBAL


def test_the_tables_contents_count(backbone: Path, tmp_path: Path, ran: list[str]) -> None:
    interactions, items = tables()
    content = on_tables(plain(backbone), tmp_path, interactions, items)
    walk(content, tmp_path / "run")
    ran.clear()
    on_tables(plain(backbone), tmp_path, interactions, items.with_columns(pl.col("title").str.to_uppercase()))
    walk(content, tmp_path / "run")
    assert set(ran) == EVERYTHING


def on_tables(content: dict[str, Any], folder: Path, interactions: pl.DataFrame, items: pl.DataFrame) -> dict[str, Any]:
    """The recipe on these two tables, which are written to `folder`."""
    interactions.write_parquet(folder / "interactions.parquet")
    items.write_parquet(folder / "items.parquet")
    paths = {name: str(folder / f"{name}.parquet") for name in ("interactions", "items")}
    return {**content, "data": {"kind": "tables", **paths}}


def written(content: dict[str, Any], path: Path, labels: pl.Series, colour: str, **more: Any) -> dict[str, Any]:
    """The recipe on written reasons, which are written to `path`; every third of them is hinted."""
    texts = [reason(bool(label), colour) for label in labels]
    table = {"order": range(len(texts)), "reason": texts, "hinted": [i % 3 == 0 for i in range(len(texts))]}
    pl.DataFrame(table).write_parquet(path)
    return changed(content, "model.reasons", {"reasons": {"source": "written", "file": str(path), **more}})


def test_the_reasons_contents_count(backbone: Path, tmp_path: Path, ran: list[str]) -> None:
    interactions, items = tables()
    content, path = on_tables(plain(backbone), tmp_path, interactions, items), tmp_path / "reasons.parquet"
    walk(written(content, path, interactions["label"], "red"), tmp_path / "run")
    ran.clear()
    walk(written(content, path, interactions["label"], "blue"), tmp_path / "run")
    assert set(ran) == GLOBAL


def test_hinted_reasons_left_out_count(backbone: Path, tmp_path: Path, ran: list[str]) -> None:
    interactions, items = tables()
    content, path = on_tables(plain(backbone), tmp_path, interactions, items), tmp_path / "reasons.parquet"
    walk(written(content, path, interactions["label"], "red"), tmp_path / "run")
    ran.clear()
    walk(written(content, path, interactions["label"], "red", exclude_hinted=True), tmp_path / "run")
    assert set(ran) == GLOBAL
