"""Where the labels come from that predictions are judged by: a table, or the data of a run."""

from __future__ import annotations

from pathlib import Path

from thinkrec.errors import DataError
from thinkrec.evaluate.labels import build_label_table, choose_split, read_labels
from thinkrec.evaluate.predictions import GroundTruth
from thinkrec.run import saved_model
from thinkrec.run.folders import find_run_folder
from thinkrec.run.recipe import EvaluationConfig


def load_ground_truth(
    interactions: Path | None, run: str | None, *, split: str | None = None, threshold: float | None = None
) -> tuple[GroundTruth, EvaluationConfig]:
    """The rows to judge, of a table or of a run's data, and how results are counted.

    Args:
        interactions: a table with labels, or with ratings and a `threshold`.
        run: the name or folder of a run.
        split: train, valid, test or all; by default test, and all where the table has no column `split`.
        threshold: for a table with ratings: liked means rating > threshold.

    Raises:
        DataError: unless exactly one of both sources is given, or for an unknown split.
    """
    if run is not None and interactions is None:
        if threshold is not None:
            raise DataError("--threshold is for --interactions with ratings; a run knows its labels")
        folder = find_run_folder(run)
        rows = build_label_table(saved_model.read_training_data(folder))
        return choose_split(rows, str(folder), split), saved_model.read_recipe(folder).evaluation
    if interactions is not None and run is None:
        return choose_split(read_labels(interactions, threshold), str(interactions), split), EvaluationConfig()
    raise DataError("say where the labels are: either --interactions TABLE or --run RUN")
