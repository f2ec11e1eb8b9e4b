"""What a results table rests on, copied out of a run."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import torch

from thinkrec.data.output_tables import write_table
from thinkrec.engine import checkpoint
from thinkrec.errors import DataError
from thinkrec.io.files import write_json, write_text
from thinkrec.run.pipeline import Run
from thinkrec.run.predictions import ORDER
from thinkrec.run.recipe import dump_recipe
from thinkrec.run.results import RunResults, find_prediction_folders
from thinkrec.run.variants import find_variant


def export_results(run: Run, done: RunResults, folder: Path) -> Path:
    """Write what a results table rests on: predictions, metrics, the resolved recipe, hardware and duration."""
    folder.mkdir(parents=True, exist_ok=True)
    last = list(find_prediction_folders(run).values())[-1]
    write_table(pl.read_parquet(last / "predictions.parquet").sort(ORDER), folder / "predictions.parquet")
    write_text(folder / "metrics.json", done.metrics_path.read_text(encoding="utf-8"))
    write_text(folder / "recipe.yaml", dump_recipe(run.recipe))
    write_json(
        folder / "environment.json",
        {**run.describe_environment(), "duration_s": round(run.stage_runner.sum_seconds(), 1)},
    )
    return folder


def export_weights(run: Run, folder: Path, name: str | None = None, dtype: torch.dtype | None = None) -> Path:
    """Write what a variant of a run learned, without backbone and data, for a stage's key `weights` and for PEFT.

    Args:
        run: with the variant trained.
        folder: made if needed. One that holds something else is refused.
        name: of the variant; by default the one that answers.
        dtype: number format of the files; by default float32, as trained.

    Raises DataError where the run has no such variant or `folder` holds other files, CheckpointError where the variant
    is not trained.
    """
    variant = find_variant(run.recipe, name)
    if folder.is_dir() and any(folder.iterdir()) and not (folder / checkpoint.CONFIG_NAME).is_file():
        raise DataError(f"{folder} holds other files than weights; give an empty folder or a new one")
    checkpoint.save_recommender(folder, checkpoint.load_recommender(run.folder / variant.stage), dtype=dtype)
    return folder
