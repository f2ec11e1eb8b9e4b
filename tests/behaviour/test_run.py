"""A whole run of a few seconds: every variant is the model of its stage, and the predictions are its scores."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from support.opposite_tastes import model_values, stage, tables

from thinkrec.data.interactions import TEST
from thinkrec.engine import checkpoint
from thinkrec.run.pipeline import Run
from thinkrec.run.recipe import Recipe
from thinkrec.run.variants import VARIANTS, Variant, get_final_variant


@pytest.fixture(scope="module")
def run(backbone: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run without baselines of its own."""
    folder = tmp_path_factory.mktemp("run")
    paths = {"interactions": folder / "interactions.parquet", "items": folder / "items.parquet"}
    for table, path in zip(tables(), paths.values(), strict=True):
        table.write_parquet(path)
    trained = {
        name: stage(*parts, epochs=3)
        for name, parts in (
            ("global_stage", ["global"]),
            ("expert_stage", ["experts"]),
            ("vector_stage", ["projector"]),
        )
    }
    # Single experts always: what an expert has learned then shows in every score.
    gate = {"single_base": 0.0, "single_share": 0.0}
    recipe = Recipe.model_validate(
        {
            "name": "run",
            "data": {"kind": "tables", **{name: str(path) for name, path in paths.items()}},
            "model": {**model_values(backbone), "gate": gate, **trained},
        }
    )
    found = Run(recipe, folder / "run")
    found.run_all_stages(lambda run, tables: None)
    return found


def adapters(folder: Path) -> dict[str, torch.Tensor]:
    return checkpoint.load_recommender(folder).adapters.state_dict()


@pytest.mark.parametrize("variant", VARIANTS, ids=[variant.key for variant in VARIANTS])
def test_each_variant_is_the_model_of_its_stage(variant: Variant, run: Run) -> None:
    system, saved = run.load_predictor(variant), adapters(run.folder / variant.stage)
    found = system.recommender.adapters.state_dict()
    assert found.keys() == saved.keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in saved.items())
    assert (system.router is not None) is (variant.key != "global")
    assert (system.slot_encoder is not None) is (variant.key == "full")
    assert (system.recommender.projector is not None) is (variant.key == "full")


def test_each_stage_goes_on_from_the_one_before(run: Run) -> None:
    first, second, third = (adapters(run.folder / name) for name in (variant.stage for variant in VARIANTS))
    assert any(name.endswith("expert_b") and tensor.any() for name, tensor in second.items())
    for name, tensor in first.items():
        assert torch.equal(second[name], tensor), "experts leave the global adapter alone"
    for name, tensor in second.items():
        assert torch.equal(third[name], tensor), "the projector leaves all adapters alone"
    a, b = "global_b", "expert_b"
    learned = [
        name for name in first if name.endswith(a) and not torch.equal(second[name.replace(a, b)][:, :4], first[name])
    ]
    assert learned, "experts have moved away from where they began"


@pytest.mark.parametrize("variant", VARIANTS, ids=[variant.key for variant in VARIANTS])
def test_predictions_are_the_scores_of_the_test_rows(variant: Variant, run: Run) -> None:
    it = run.ds.interactions
    table = pl.read_parquet(run.folder / variant.scores / "predictions.parquet")
    rows = np.flatnonzero(it.split == TEST)
    assert sorted(table["order"].to_list()) == sorted(it.order[rows].tolist())
    scores = dict(zip(it.order[rows].tolist(), run.load_predictor(variant).score(rows), strict=True))
    assert np.std(list(scores.values())) > 0.01
    np.testing.assert_allclose(table["score"], [scores[order] for order in table["order"]], atol=1e-5)


def test_the_last_stage_answers(run: Run) -> None:
    whole = run.model
    assert get_final_variant(whole).key == "full"
    assert get_final_variant(whole.model_copy(update={"vector_stage": None})).key == "experts"
    assert get_final_variant(whole.model_copy(update={"vector_stage": None, "expert_stage": None})).key == "global"
