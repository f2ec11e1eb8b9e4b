"""One validation row and one test row per user, the commonest protocol: training must learn, and say what selects."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from accelerate import Accelerator

from thinkrec.collab import ItemBaselineConfig, build_scorer
from thinkrec.data.columns import DataWarning
from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TEST, VALID
from thinkrec.engine import checkpoint
from thinkrec.evaluate.metrics.ranking import compute_auc
from thinkrec.run.recipe_files import load_recipe
from thinkrec.run.stage import StageRunner, read_stage_result
from thinkrec.score.predictor import Predictor
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue
from thinkrec.train.config import StageConfig
from thinkrec.train.model_config import ThinkRecConfig
from thinkrec.train.stages import StageContext, train_global_adapter


def leave_one_out() -> Dataset:
    """The simulated catalogue; of each user the last row is for the test and the one before for validation."""
    world = SimulatorConfig(
        users=300, items=400, taste_groups=4, deviation_rate=0.25, creators=False, interactions_per_user=(12, 24)
    )
    ds = simulate_catalogue(world, 7).dataset
    it = ds.interactions
    split, ends = np.zeros(len(it), dtype=np.int8), it.start[1:]
    split[ends - 2], split[ends - 1] = VALID, TEST
    return replace(ds, interactions=replace(it, split=split))


def test_a_fit_on_one_validation_row_per_user_beats_its_untrained_self_and_the_item_mean(tmp_path: Path) -> None:
    ds = leave_one_out()
    it, model = ds.interactions, load_recipe("demo").model
    assert isinstance(model, ThinkRecConfig)
    stage = StageConfig(
        train=("global",),
        subsample_stride=10,
        history_loss=1.0,
        lr=1e-3,
        batch_tokens=2048,
        evals_per_epoch=1,
        max_valid_rows=150,
    )
    model = model.model_copy(update={"global_stage": stage})
    teaching = StageContext(ds, model, {}, 0, False, Accelerator())
    with pytest.warns(DataWarning, match="selected by validation AUC: none of the 150 users has liked and disliked"):
        StageRunner(tmp_path, False).run("global", {}, lambda folder: train_global_adapter(teaching, folder))
    trained, test = checkpoint.load_recommender(tmp_path / "global"), it.get_split_rows(TEST)
    assert all(float(layer.global_b.detach().abs().sum()) > 0 for layer in trained.adapters.layers.values())

    def reached(scores: np.ndarray) -> float:
        return compute_auc(it.label[test], scores)

    found = reached(Predictor(ds, trained, model.prompt).score(test))
    assert found > 0.05 + reached(Predictor(ds, teaching.build_recommender(0), model.prompt).score(test))
    prior = build_scorer(ItemBaselineConfig())
    prior.fit(ds, seed=0)
    assert found > 0.2 + reached(prior.score(ds, test))

    done = read_stage_result(tmp_path / "global")
    assert done["selected_by"] == "AUC" and "UAUC is not defined" in done["selected_because"]
    assert [entry["step"] for entry in done["log"]] == [0, done["best_step"]]
    assert all(entry["uauc"] is None and entry["value"] == entry["auc"] for entry in done["log"])

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    for file in [*tmp_path.rglob("*.json"), *tmp_path.rglob("*.jsonl")]:
        for line in file.read_text().splitlines() if file.suffix == ".jsonl" else [file.read_text()]:
            json.loads(line, parse_constant=refuse)
