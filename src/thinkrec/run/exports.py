"""What a results table rests on, copied out of a run."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from thinkrec.data.output_tables import write_table
from thinkrec.io.files import write_json, write_text
from thinkrec.run.pipeline import Run
from thinkrec.run.predictions import ORDER
from thinkrec.run.provenance import describe_environment
from thinkrec.run.recipe import dump_recipe
from thinkrec.run.results import RunResults, find_prediction_folders


def export_results(run: Run, done: RunResults, folder: Path) -> Path:
    """Write what a results table rests on: predictions, metrics, the resolved recipe, hardware and duration."""
    folder.mkdir(parents=True, exist_ok=True)
    last = list(find_prediction_folders(run).values())[-1]
    write_table(pl.read_parquet(last / "predictions.parquet").sort(ORDER), folder / "predictions.parquet")
    write_text(folder / "metrics.json", done.metrics_path.read_text(encoding="utf-8"))
    write_text(folder / "recipe.yaml", dump_recipe(run.recipe))
    write_json(
        folder / "environment.json", {**describe_environment(), "duration_s": round(run.stage_runner.sum_seconds(), 1)}
    )
    return folder
