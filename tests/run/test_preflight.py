"""What all stages need is checked before the first one trains; a baseline that fails costs its own row."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.tiny_run import tiny_backbone, tiny_recipe

from thinkrec import ThinkRec
from thinkrec.collab import KINDS
from thinkrec.data.interactions import TEST, TRAIN, VALID
from thinkrec.errors import DataError
from thinkrec.run import results
from thinkrec.run.pipeline import Run
from thinkrec.run.preflight import check_data
from thinkrec.run.recipe import parse_recipe
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue
from thinkrec.train import stages

WORLD = {"users": 30, "items": 60, "interactions_per_user": [6, 12]}


def changed(**arrays: np.ndarray):
    ds = simulate_catalogue(SimulatorConfig.model_validate(WORLD), 5).dataset
    return replace(ds, interactions=replace(ds.interactions, **arrays))


def data():
    return simulate_catalogue(SimulatorConfig.model_validate(WORLD), 5).dataset


@pytest.mark.parametrize(("split", "label", "words"), [(VALID, 1, "all likes"), (TRAIN, 0, "all dislikes")])
def test_one_class_is_refused_before_anything_is_trained(
    split: int, label: int, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> dict:
        raise AssertionError("a stage was trained")

    for name in ("train_global_adapter", "train_experts", "train_projector"):
        monkeypatch.setattr(stages, name, never)
    it = data().interactions
    ds = changed(label=np.where(it.split == split, label, it.label).astype(np.int8))
    recipe = parse_recipe(tiny_recipe(tiny_backbone(tmp_path / "lm")), "tiny")
    with pytest.raises(DataError, match=words):
        Run(recipe, tmp_path / "run", preloaded_dataset=ds).run_all_stages(results.finish_run)
    assert not (tmp_path / "run" / "global").exists()
    with pytest.raises(DataError, match=words):
        ThinkRec(recipe, progress=False).fit(ds)


def test_empty_splits_and_too_few_users_are_refused(tmp_path: Path) -> None:
    recipe = parse_recipe(tiny_recipe(tmp_path), "tiny")
    it = data().interactions
    check_data(recipe, data())
    with pytest.raises(DataError, match="valid split has no rows"):
        check_data(recipe, changed(split=np.where(it.split == VALID, TRAIN, it.split)))
    with pytest.raises(DataError, match="test split has no rows"):
        check_data(recipe, changed(split=np.where(it.split == TEST, TRAIN, it.split)))
    many = recipe.model.model_copy(update={"groups": recipe.model.groups.model_copy(update={"n_groups": 31})})
    with pytest.raises(DataError, match=r"28 users .* cannot make 31 groups; lower model\.groups\.n"):
        check_data(recipe.model_copy(update={"model": many}), data())


def test_a_baseline_that_fails_costs_its_own_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = tiny_recipe(
        tmp_path,
        model={"kind": "item_baseline"},
        baselines={
            "broken": {"kind": "lightgcn", "dim": 4, "training": {"epochs": 1}},
            "MF": {"kind": "mf", "dim": 4, "training": {"epochs": 1}},
        },
    )

    def fail(*_: object, **__: object) -> None:
        raise ValueError("no edge\nin this graph")

    monkeypatch.setattr(KINDS["lightgcn"], "fit", fail)
    run = Run(parse_recipe(content, "tiny"), tmp_path / "run")
    done = run.run_all_stages(results.finish_run)
    names = [row.name for row in done.results.rows]
    assert "MF" in names and "broken" not in names
    assert run.failures == {"broken": "ValueError: no edge"}
    assert json.loads(done.metrics_path.read_text())["provenance"]["failed"] == run.failures
    assert "no row for broken" in done.report_path.read_text() and "ValueError: no edge" in done.report_path.read_text()


def test_an_encoder_that_fails_stops_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ValueError("no vectors")

    monkeypatch.setattr(KINDS["mf"], "fit", fail)
    with pytest.raises(ValueError, match="no vectors"):
        Run(parse_recipe(tiny_recipe(tiny_backbone(tmp_path / "lm")), "tiny"), tmp_path / "run").run_all_stages(
            results.finish_run
        )


@pytest.mark.parametrize("titles", ["Plain", "Dated (1999)"])
def test_boosting_is_fitted_with_and_without_years(titles: str, tmp_path: Path) -> None:
    content = tiny_recipe(
        tmp_path, model={"kind": "boosting", "trees": 4, "n_seeds": 1, "min_leaf_rows": 5}, baselines={}
    )
    ds = data()
    ds = replace(ds, items=replace(ds.items, titles=[titles] * len(ds.items)))
    run = Run(parse_recipe(content, "tiny"), tmp_path / "run", preloaded_dataset=ds)
    rows = {row.name: row for row in run.run_all_stages(results.finish_run).results.rows}
    assert np.isfinite(rows["tiny"].estimates["auc"].value)
