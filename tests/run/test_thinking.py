"""`evaluate thinking` on a run of the embedded backbone that was trained for a moment; its scores as soft labels."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner, Result

from thinkrec.cli import app
from thinkrec.data.interactions import VALID
from thinkrec.errors import DataError
from thinkrec.run.pipeline import Run
from thinkrec.run.recipe import parse_recipe
from thinkrec.run.thinking import EMPTY, ONE_PASS, OTHER, RANDOM, RULES, measure_thinking
from thinkrec.run.variants import find_variant
from thinkrec.score.plan_scorer import PlanScorer

SIZES = {"users": 14, "items": 40, "interactions_per_user": [14, 20], "creators": False}


def make_recipe(stage: dict[str, Any] | None = None, **reasons: Any) -> dict[str, Any]:
    short = {"train": ["global"], "subsample_stride": 8, "batch_tokens": 1024, "evals_per_epoch": 1, "lr": 0.003}
    return {
        "name": "plans",
        "seed": 3,
        "data": {"kind": "simulator", "seed": 5, "simulator": SIZES},
        "model": {
            "kind": "thinkrec",
            "prompt": {"history": 5, "keywords": 3, "history_keywords": 3},
            "adapters": {"rank": 4, "alpha": 8, "dropout": 0.0},
            "reasons": {"source": "rules", "share": 0.1, **reasons},
            "global_stage": {**short, "max_valid_rows": 20, "history_loss": 0.5, **(stage or {})},
            "expert_stage": None,
            "vector_stage": None,
        },
        "evaluation": {"bootstrap_draws": 100},
    }


def train(folder: Path, stage: dict[str, Any] | None = None, **reasons: Any) -> Run:
    run = Run(parse_recipe(make_recipe(stage, **reasons), "plans"), folder)
    run.train_all_stages()
    return run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(tmp_path_factory.mktemp("plans") / "run", plan_share=0.4)


def call(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["evaluate", "thinking", *map(str, arguments)])


def test_the_curve_beside_one_pass_and_controls(run: Run, tmp_path: Path) -> None:
    out, scores = tmp_path / "t.json", tmp_path / "s.parquet"
    result = call(run.folder, "--samples", "0,1,3", "--draws", "100", "--out", out, "--scores", scores)
    assert result.exit_code == 0, result.output
    for words in ("one pass", "3 plans", "tokens written", "empty plan: a plan that names nothing", "for '"):
        assert words in result.stdout, words
    stored = json.loads(out.read_text())
    rows = stored["rows"]
    assert list(rows) == [ONE_PASS, "1 plan", "3 plans", RULES, OTHER, RANDOM, EMPTY]
    assert stored["n_rows"] == len(run.ds.interactions.get_split_rows(VALID))
    assert rows[ONE_PASS]["tokens_written"] == 0 and rows[ONE_PASS]["differences"] is None
    assert 2.5 * rows["1 plan"]["tokens_written"] < rows["3 plans"]["tokens_written"]
    assert rows["3 plans"]["seconds"] > rows[ONE_PASS]["seconds"] > 0
    assert rows[OTHER]["samples"] == 3 and rows[RULES]["samples"] == 1
    assert {"within", "between", "named", "cause", "balance_auc_rules", "sided"} <= set(stored["diagnosis"])
    assert stored["provenance"]["split"] == "valid" and stored["provenance"]["clock"] == "processor time"
    table = pl.read_parquet(scores)
    assert table.columns == ["order", "user_id", "item_id", "score", "one_pass"]
    predictor = run.load_predictor(find_variant(run.recipe))
    numbers = run.ds.interactions.find_rows(table["order"].to_numpy())
    np.testing.assert_allclose(table["one_pass"], predictor.score(numbers), atol=1e-4)
    own = PlanScorer(predictor).sample_plans(numbers, 3, seed=0)
    np.testing.assert_allclose(table["score"], own.scores.mean(axis=1), atol=1e-4)
    assert np.abs(table["score"] - table["one_pass"]).mean() > 0.01


def test_scores_behind_sampled_plans_are_those_behind_the_same_plans_given(run: Run) -> None:
    scorer = PlanScorer(run.load_predictor(find_variant(run.recipe)))
    rows = run.test_rows[:13]
    sampled = scorer.sample_plans(rows, 3, seed=1)
    for j in range(3):
        given = scorer.score_plans(rows, [plans[j] for plans in sampled.plans])
        np.testing.assert_allclose(sampled.scores[:, j], given, atol=1e-4)
    lengths = [[len(scorer.renderer.tokens.encode_plan(plan)) for plan in plans] for plans in sampled.plans]
    np.testing.assert_array_equal(sampled.tokens, lengths)
    np.testing.assert_array_equal(sampled.average_scores(2), sampled.scores[:, :2].mean(axis=1))
    alone = scorer.sample_plans(rows[4:6], 2, seed=1, batch=1)
    assert alone.plans == [plans[:2] for plans in sampled.plans[4:6]]
    other = scorer.sample_plans(rows, 3, seed=2)
    assert other.plans != sampled.plans
    assert len({plan for plans in sampled.plans for plan in plans}) > 13


def test_one_pass_is_the_models_own_score_where_scores_are_composed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = measure_thinking(run.folder, samples=[0], draws=20, progress=False).scores
    predictor = run.load_predictor(find_variant(run.recipe, None))

    class Composer:
        def compose_rows(self, *_: object) -> np.ndarray:
            return np.zeros(expected.height)

    monkeypatch.setattr(Run, "load_predictor", lambda *_: replace(predictor, composer=Composer()))
    measured = measure_thinking(run.folder, samples=[0], draws=20, progress=False).scores
    np.testing.assert_allclose(measured["one_pass"], expected["one_pass"], atol=1e-6)


def test_whole_users_are_drawn_and_one_pass_alone_is_possible(run: Run) -> None:
    measured = measure_thinking(run.folder, samples=[0], n_rows=12, draws=100, progress=False)
    assert list(measured.results.rows) == [ONE_PASS] and measured.results.n_rows <= 12
    np.testing.assert_array_equal(measured.scores["score"], measured.scores["one_pass"])


def test_what_cannot_be_measured_is_refused(run: Run, tmp_path: Path) -> None:
    usual = train(tmp_path / "usual")
    with pytest.raises(DataError, match="was not trained to think first; train it with plans"):
        measure_thinking(usual.folder, samples=[1], progress=False)
    with pytest.raises(DataError, match="give numbers of plans, 0 or more"):
        measure_thinking(run.folder, samples=[1, -1], progress=False)
    with pytest.raises(DataError, match="trains no variant 'boosting'"):
        measure_thinking(run.folder, samples=[1], model="boosting", progress=False)
    with pytest.raises(DataError, match="there is no such split"):
        measure_thinking(run.folder, samples=[1], split="dev", progress=False)
    assert "no list of whole numbers" in call(run.folder, "--samples", "0,one").output


def test_scores_are_folded_back_as_soft_labels(run: Run, tmp_path: Path) -> None:
    table = tmp_path / "soft.parquet"
    result = call(run.folder, "--samples", "2", "--split", "train", "--no-controls", "--scores", table)
    assert result.exit_code == 0, result.output
    folded = train(tmp_path / "folded", {"soft_labels": str(table), "soft_label_weight": 0.5}, plan_share=0.4)
    scores = [each.load_predictor(find_variant(each.recipe)).score(run.test_rows[:10]) for each in (run, folded)]
    assert np.abs(scores[0] - scores[1]).max() > 1e-3
    valid = tmp_path / "valid.parquet"
    call(run.folder, "--samples", "1", "--rows", "12", "--no-controls", "--scores", valid)
    refused = tmp_path / "refused"
    with pytest.raises(DataError, match="rows that are not trained on"):
        train(refused, {"soft_labels": str(valid)}, plan_share=0.4)
    assert not (refused / "global").exists(), "refused before anything is trained"
