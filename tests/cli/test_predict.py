"""`thinkrec predict`: scores of any split by any row of the table, as the run itself gives them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from support.tiny_run import tiny_backbone, tiny_recipe
from support.variants import get_variant
from typer.testing import CliRunner, Result

from thinkrec.cli import app
from thinkrec.collab import load_scorer
from thinkrec.data.interactions import TEST, TRAIN, VALID
from thinkrec.run import predict, results
from thinkrec.run.pipeline import Run
from thinkrec.run.recipe import parse_recipe


def call(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["predict", *(str(a) for a in arguments)])


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("predicted")
    recipe = parse_recipe(tiny_recipe(tiny_backbone(folder / "backbone"), n_explained=0), "tiny")
    run = Run(recipe, folder / "run")
    run.run_all_stages(results.finish_run)
    return run


def test_the_test_rows_have_the_scores_of_the_run(trained: Run, tmp_path: Path) -> None:
    result = call(trained.folder, "--out", tmp_path / "deep" / "mine.parquet")
    assert result.exit_code == 0, result.output
    table = pl.read_parquet(tmp_path / "deep" / "mine.parquet")
    assert table.columns == ["order", "user_id", "item_id", "score"]
    known = pl.read_parquet(trained.folder / "scores" / "full" / "predictions.parquet").sort("order")
    assert table.drop("score").equals(known.drop("score"))
    np.testing.assert_allclose(table["score"], known["score"], atol=1e-5)
    assert f"scores of {table.height} rows" in result.stdout


@pytest.mark.parametrize(("split", "code"), [("train", TRAIN), ("valid", VALID), ("test", TEST), ("all", None)])
def test_a_scorer_scores_any_split(
    trained: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, split: str, code: int | None
) -> None:
    monkeypatch.setattr(predict, "CHUNK", 7)
    out = tmp_path / "mf.csv"
    assert call(trained.folder, "--split", split, "--model", "MF", "--out", out).exit_code == 0
    it = trained.ds.interactions
    rows = np.arange(len(it)) if code is None else it.get_split_rows(code)
    rows = rows[np.argsort(it.order[rows])]
    table = pl.read_csv(out)
    assert table["order"].to_list() == it.order[rows].tolist()
    scorer = load_scorer(trained.recipe.baselines["MF"], trained.folder / "scorers" / "MF")
    np.testing.assert_allclose(table["score"], scorer.score(trained.ds, rows), rtol=1e-5)


def test_an_earlier_stage_scores(trained: Run, tmp_path: Path) -> None:
    out = tmp_path / "global.jsonl"
    assert call(trained.folder, "--split", "valid", "--model", "global", "--out", out).exit_code == 0
    table = pl.read_ndjson(out)
    rows = trained.ds.interactions.find_rows(table["order"].to_numpy())
    np.testing.assert_allclose(table["score"], trained.load_predictor(get_variant("global")).score(rows), atol=1e-5)
    judged = CliRunner().invoke(
        app, ["evaluate", "ranking", str(out), "--run", str(trained.folder), "--split", "valid", "--draws", "100"]
    )
    assert judged.exit_code == 0, judged.output


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--out", "x.txt"), "end it with .parquet, .csv or .jsonl"),
        (("--out", "x.csv", "--split", "dev"), "no such split; choose train, valid, test or all"),
        (("--out", "x.csv", "--model", "boost"), "no row 'boost'"),
    ],
)
def test_wrong_calls_are_refused(trained: Run, tmp_path: Path, more: tuple[str, ...], words: str) -> None:
    result = call(trained.folder, *(str(tmp_path / part) if part.startswith("x.") else part for part in more))
    assert result.exit_code == 2 and words in " ".join(result.stderr.split())
    assert not (tmp_path / "x.csv").exists()


def test_a_saved_model_has_no_scorers_and_a_missing_run_is_named(trained: Run, tmp_path: Path) -> None:
    assert "there is no run 'nothing'" in call("nothing", "--out", tmp_path / "x.csv").stderr
    from thinkrec import ThinkRec

    ThinkRec.load(trained.folder).save(tmp_path / "saved")
    result = call(tmp_path / "saved", "--model", "item mean", "--out", tmp_path / "x.csv")
    assert result.exit_code == 2 and "does not hold the scorer" in " ".join(result.stderr.split())
