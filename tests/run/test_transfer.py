"""A run's global adapter on another catalogue, and the recipes of that catalogue's own models."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from support.tiny_run import train_tiny_run
from typer.testing import CliRunner

from thinkrec.cli import app
from thinkrec.data.interactions import TEST, TRAIN
from thinkrec.errors import DataError
from thinkrec.evaluate.metrics.ranking import compute_auc
from thinkrec.run.data_sources import load_data
from thinkrec.run.pipeline import Run
from thinkrec.run.recipe_files import list_recipes, load_recipe
from thinkrec.run.transfer import compute_recent_like_rate, evaluate_transfer
from thinkrec.run.variants import find_variant


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train_tiny_run(tmp_path_factory.mktemp("transfer"))


@pytest.fixture(scope="module")
def slice_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made-up products in the form of the prepared slice of Amazon Fashion: five stars in about half of the rows."""
    folder, rng = tmp_path_factory.mktemp("fashion"), np.random.default_rng(0)
    rows = [(f"u{i % 20}", f"p{rng.integers(30)}", float(rng.integers(2) + 4), 1_500_000_000 + i) for i in range(300)]
    columns = ["user_id", "item_id", "rating", "timestamp"]
    pl.DataFrame(rows, schema=columns, orient="row").write_parquet(folder / "interactions.parquet")
    items = {"item_id": [f"p{i}" for i in range(30)], "title": [f"shirt {i}" for i in range(30)]}
    more = {"brand": ["Acme" if i % 2 else None for i in range(30)], "description": ["cotton"] * 30}
    pl.DataFrame({**items, **more}).write_parquet(folder / "items.parquet")
    return folder


@pytest.mark.filterwarnings("ignore")
def test_the_global_adapter_judges_other_products(trained: Run, slice_folder: Path, tmp_path: Path) -> None:
    data = ["amazon-fashion/mf", "-o", f"data.folder={slice_folder}", "-o", "evaluation.bootstrap_draws=100"]
    options = ["--data", *data, "--text-rows", 4, "--out", tmp_path / "out"]
    done = CliRunner().invoke(app, ["evaluate", "transfer", *map(str, [trained.folder, *options])])
    assert done.exit_code == 0, done.output
    content = json.loads((tmp_path / "out" / "transfer.json").read_text())
    names = [row["name"] for row in content["ranking"]["rows"]]
    assert names == ["run global", "item mean", "keyword prior", "item mean + keywords", "like rate of the last 10"]
    ds = load_data(load_recipe("amazon-fashion/mf", [data[2]]).data)[0]
    rows = ds.interactions.get_split_rows(TEST)
    own = Run(trained.recipe, trained.folder, preloaded_dataset=ds).load_predictor(
        find_variant(trained.recipe, "global")
    )
    scores = pl.read_parquet(tmp_path / "out" / "predictions.parquet").sort("order")["score"].to_numpy()
    np.testing.assert_allclose(scores, own.score(rows), atol=1e-5)
    auc = content["ranking"]["rows"][0]["estimates"]["auc"]["value"]
    assert auc == pytest.approx(compute_auc(ds.interactions.label[rows], scores))
    reasons = pl.read_parquet(tmp_path / "out" / "reasons.parquet")
    assert reasons.height == content["text"]["rows"] <= 4 and content["text"]["references"] == "the rules' reasons"
    assert "meteor_no_synonyms" in content["text"]["metrics"]


@pytest.mark.filterwarnings("ignore")
def test_fewer_rows_are_whole_users_and_what_reads_no_text_is_refused(
    trained: Run, slice_folder: Path, tmp_path: Path
) -> None:
    recipe = load_recipe("amazon-fashion/mf", [f"data.folder={slice_folder}", "evaluation.bootstrap_draws=100"])
    ds = load_data(recipe.data)[0]
    results, text = evaluate_transfer(trained.folder, recipe, ds, rows=15)
    judged = ds.interactions.get_split_rows(TEST)
    counts = np.bincount(ds.interactions.user[judged])
    assert 0 < results.n_rows <= 15 and text is None and results.n_rows >= counts[counts > 0].min()
    (tmp_path / "recipe.yaml").write_text("name: x\ndata: {kind: simulator}\nmodel: {kind: mf}\n")
    with pytest.raises(DataError, match="trains mf, which reads no text"):
        evaluate_transfer(tmp_path, recipe, ds)


def test_the_like_rate_is_that_of_the_past(slice_folder: Path) -> None:
    ds = load_data(load_recipe("amazon-fashion/mf", [f"data.folder={slice_folder}"]).data)[0]
    data = ds.interactions
    mine = np.flatnonzero(data.user == data.user[0])
    rates = compute_recent_like_rate(ds, mine[[0, 1, 13]])
    assert rates[0] == pytest.approx(data.label[data.split == TRAIN].mean()) and rates[1] == data.label[mine[0]]
    assert rates[2] == pytest.approx(data.label[mine[3:13]].mean())


FASHION = [name for name in list_recipes() if name.startswith("amazon-fashion/")]


def test_fashion_has_every_kind_of_row() -> None:
    assert [name.rpartition("/")[2] for name in FASHION] == [
        *("boosting", "collm", "mf", "prompt4nr", "tallrec", "thinkrec-nano")
    ]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["amazon-fashion/thinkrec-nano", "amazon-fashion/tallrec"])
def test_a_fashion_recipe_trains_on_the_slice(name: str, slice_folder: Path, trained: Run, tmp_path: Path) -> None:
    source = trained.recipe.model.backbone.source
    small = [f"data.folder={slice_folder}", f"model.backbone.source={source}", "model.encoder.training.epochs=1"]
    stages = ("global", "expert", "vector") if name.endswith("nano") else ("global", "vector")
    changes = [f"model.{stage}_stage.{key}" for stage in stages for key in ("max_valid_rows=20", "subsample_stride=12")]
    run = Run(load_recipe(name, [*small, *changes]), tmp_path / "run")
    assert run.ds.interactions.label.mean() == pytest.approx(0.5, abs=0.1), "liked is five stars, not four"
    run.folder.mkdir()
    run.prepare_folder()
    assert [variant.key for variant in run.train_variants()] == [
        "global",
        *(["experts", "full"] if name.endswith("nano") else ["full"]),
    ]
