"""A run whose score is composed: the stage, and that every way of asking gives the composed score."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from support.tiny_run import tiny_backbone, tiny_recipe

import thinkrec
from thinkrec.data.interactions import TEST, VALID
from thinkrec.data.query import Query
from thinkrec.errors import CheckpointError
from thinkrec.run import saved_model
from thinkrec.run.composition import PARTS
from thinkrec.run.pipeline import Run
from thinkrec.run.recipe import parse_recipe
from thinkrec.run.stage import read_stage_result
from thinkrec.run.variants import find_variant
from thinkrec.score.composer import build_batch_queries
from thinkrec.score.composition import ScoreComposition


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("composed")
    content = tiny_recipe(tiny_backbone(folder / "lm"), baselines={}, n_explained=0)
    content["model"] |= {"expert_stage": None, "composition": {"scorer": {"kind": "item_baseline"}}}
    content["model"]["global_stage"]["epochs"] = content["model"]["vector_stage"]["epochs"] = 1
    run = Run(parse_recipe(content, "tiny"), folder / "run")
    run.run_all_stages(lambda *_: None)
    # Weights as a fit would hardly give them here, so that every part counts.
    stage = run.folder / "composition"
    fitted = ScoreComposition.load(stage)
    replace(
        fitted,
        weights={"model": 1.0, "batch": 0.5, "scorer": 0.25, "item": 0.75},
        scale=0.5,
        offset=0.1,
    ).save(stage)
    return run


def test_the_stage_keeps_parts_weights_and_figures(run: Run) -> None:
    done = read_stage_result(run.folder / "composition")
    parts = pl.read_parquet(run.folder / "composition" / PARTS)
    valid = run.ds.interactions.get_split_rows(VALID)
    assert parts.columns == ["order", "model", "batch", "scorer", "item"]
    assert parts["order"].to_list() == run.ds.interactions.order[valid].tolist()
    assert set(done["weights"]) == set(parts.columns[1:]) == set(done["alone"])
    assert done["weights"]["model"] == 1
    assert read_stage_result(run.folder / "scores/full")["inputs"]["composition"] == done["key"]


def test_rows_are_scored_by_all_parts(run: Run) -> None:
    predictor = run.load_predictor(find_variant(run.recipe))
    plain = run.load_predictor(find_variant(run.recipe), is_composed=False)
    rows = run.ds.interactions.get_split_rows(TEST)[5:25]
    queries, places = build_batch_queries(run.ds, rows)
    batch = np.zeros(len(rows))
    for at, values in zip(places, plain.score_queries(queries), strict=True):
        batch[at] = values
    model, slots = plain.score(rows), run.slot_encoder
    item = slots.compute_item_logit(run.ds, run.ds.interactions.item[rows], "both", rows)
    assert predictor.composer is not None
    prior = predictor.composer.scorer.score(run.ds, rows)
    expected = 0.5 * (model + 0.5 * batch + 0.25 * prior + 0.75 * item) + 0.1
    np.testing.assert_allclose(predictor.score(rows), expected, atol=1e-4)
    assert np.abs(batch - model).max() > 1e-3


def test_a_batch_state_is_that_of_the_first_row_of_the_split(run: Run) -> None:
    data = run.ds.interactions
    rows = data.get_split_rows(TEST)
    queries, places = build_batch_queries(run.ds, rows[::-1].copy())
    assert sum(map(len, places)) == len(rows)
    for query, at in zip(queries, places, strict=True):
        own = rows[::-1][at]
        first = min(row for row in rows if data.user[row] == data.user[own[0]])
        np.testing.assert_array_equal(query.items, Query.from_row(run.ds, int(first)).items)
        np.testing.assert_array_equal(query.candidates, data.item[own])


def test_questions_have_the_composed_score_and_its_parts(run: Run, tmp_path: Path) -> None:
    model = thinkrec.load(run.folder)
    user, items = run.ds.user_ids[3], run.ds.items.ids[:6]
    ranked = model.rank(user, items)
    predictor = run.load_predictor(find_variant(run.recipe), is_composed=False)
    code = run.ds.user_ids.index(user)
    query = Query.from_dataset(run.ds, code, np.array([run.ds.items.ids.index(r.item) for r in ranked]))
    own = predictor.score_queries([query])[0]
    item = run.slot_encoder.compute_item_logit(run.ds, query.candidates, "both")
    prior = model.predictor.composer.scorer.values[query.candidates]
    expected = 0.5 * (1.5 * own + 0.25 * prior + 0.75 * item) + 0.1
    assert [r.score for r in ranked] == pytest.approx(expected, abs=1e-4)
    assert ranked[0].probability == pytest.approx(1 / (1 + np.exp(-ranked[0].score)))
    for entry in ranked:
        parts = entry.parts
        assert parts.base + parts.item + parts.user + parts.personal == pytest.approx(entry.score)
    assert len({round(entry.parts.user, 9) for entry in ranked}) == 1
    told = model.explain(user, ranked[0].item)
    assert told.score == pytest.approx(ranked[0].score, abs=1e-4)
    assert told.parts.personal == pytest.approx(ranked[0].parts.personal, abs=1e-4)
    model.save(tmp_path / "saved")
    again = thinkrec.load(tmp_path / "saved")
    assert [r.score for r in again.rank(user, items)] == pytest.approx([r.score for r in ranked], abs=1e-4)


def test_a_run_without_its_weights_does_not_answer(run: Run, tmp_path: Path) -> None:
    assert "composition" in saved_model.list_required_stages(run.recipe)
    plain = parse_recipe(
        {
            **run.recipe.model_dump(mode="json"),
            "model": {**run.recipe.model.model_dump(mode="json"), "composition": None},
        },
        "plain",
    )
    assert "composition" not in saved_model.list_required_stages(plain)
    with pytest.raises(CheckpointError, match="not finished"):
        read_stage_result(tmp_path)
