"""Tables of predictions beside the rows of a run's data that they are for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from thinkrec.data.dataset import Dataset
from thinkrec.errors import DataError
from thinkrec.evaluate.labels import build_label_table, choose_split
from thinkrec.evaluate.predictions import match_predictions, read_predictions
from thinkrec.run import saved_model
from thinkrec.run.recipe import EvaluationConfig


@dataclass(frozen=True, eq=False)
class JudgedTables:
    """Scores of several models on the same rows of one data set."""

    ds: Dataset
    config: EvaluationConfig
    """Cut-off, draws and seed of the run's recipe."""
    rows: np.ndarray
    """int64 (n,): row numbers in `ds`."""
    user: np.ndarray
    """int (n,)."""
    label: np.ndarray
    """int64 (n,)."""
    scores: dict[str, np.ndarray]
    """Model -> float64 (n,)."""
    remark: str
    """On rows left out; empty where none is."""


def name_tables(paths: Sequence[Path]) -> dict[str, Path]:
    """Tables by name: of the folder where the file is called predictions, else of the file.

    Raises DataError where two would have the same name.
    """
    tables = {path.parent.name if path.stem == "predictions" else path.stem: path for path in paths}
    if len(tables) < len(paths):
        raise DataError("two tables would have the same name; rename one (a table called predictions: its folder)")
    return tables


def read_judged_tables(
    tables: Mapping[str, Path], folder: Path, *, split: str | None = None, partial: bool = False
) -> JudgedTables:
    """Read predictions by name and match them with the rows of a run's data.

    Args:
        tables: name of a model -> its predictions.
        folder: of the run whose data the rows are of.
        split: train, valid, test (the default) or all.
        partial: take the rows that all tables have.

    Raises DataError as `match_predictions` does.
    """
    ds, config = saved_model.read_training_data(folder), saved_model.read_recipe(folder).evaluation
    truth = choose_split(build_label_table(ds), str(folder), split)
    read = {name: read_predictions(path) for name, path in tables.items()}
    matched, remark = match_predictions(read, truth, partial=partial)
    rows = ds.interactions.find_rows(matched[0]["order"].to_numpy())
    scores = {name: frame["score"].to_numpy() for name, frame in zip(read, matched, strict=True)}
    user, label = ds.interactions.user[rows], ds.interactions.label[rows].astype(np.int64)
    return JudgedTables(ds, config, rows, user, label, scores, remark)
