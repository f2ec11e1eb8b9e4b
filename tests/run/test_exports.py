"""What is exported of a run is what its table rests on."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import yaml

from thinkrec.run import results
from thinkrec.run.exports import export_results
from thinkrec.run.pipeline import Run
from thinkrec.run.recipe import parse_recipe


def test_the_own_row_is_exported_in_order(tmp_path: Path) -> None:
    world = {"users": 30, "items": 60, "interactions_per_user": [6, 12]}
    model = {"kind": "mf", "dim": 4, "training": {"epochs": 2}}
    content = {"name": "x", "data": {"kind": "simulator", "simulator": world}, "model": model}
    recipe = parse_recipe({**content, "evaluation": {"bootstrap_draws": 100}}, "x")
    run = Run(recipe, tmp_path / "run")
    done = run.run_all_stages(results.finish_run)
    folder = export_results(run, done, tmp_path / "deep" / "out")
    names = {"predictions.parquet", "metrics.json", "recipe.yaml", "environment.json"}
    assert folder == tmp_path / "deep" / "out" and {path.name for path in folder.iterdir()} == names
    table = pl.read_parquet(folder / "predictions.parquet")
    own = pl.read_parquet(tmp_path / "run" / "scorers" / "model" / "predictions.parquet")
    assert table["order"].is_sorted() and table.equals(own.sort("order"))
    assert (folder / "metrics.json").read_bytes() == done.metrics_path.read_bytes()
    assert parse_recipe(yaml.safe_load((folder / "recipe.yaml").read_text()), "exported") == recipe
    assert json.loads((folder / "environment.json").read_text())["duration_s"] >= 0
