"""The scores of a run's test rows on disk: `predictions.parquet` of a stage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from thinkrec.data.dataset import Dataset
from thinkrec.data.output_tables import write_table
from thinkrec.errors import CheckpointError

PREDICTIONS = "predictions.parquet"
ORDER, SCORE = "order", "score"


def write_predictions(folder: Path, ds: Dataset, rows: np.ndarray, scores: np.ndarray) -> None:
    """Write `order`, user, item and score of rows of a data set; `scores` (len(rows),)."""
    table = ds.to_frame(rows).select(ORDER, "user_id", "item_id", pl.Series(SCORE, scores))
    write_table(table, folder / PREDICTIONS)


def read_predictions(folder: Path, ds: Dataset, rows: np.ndarray) -> np.ndarray:
    """float64 (len(rows),): the scores that were written, in the order of `rows`, which go by `order`.

    Raises CheckpointError where the file is about other rows.
    """
    table = pl.read_parquet(folder / PREDICTIONS).sort(ORDER)
    if table[ORDER].to_list() != ds.interactions.order[rows].tolist():
        raise CheckpointError(f"{folder} holds scores of other test rows than the run's; run the recipe again")
    return table[SCORE].to_numpy().copy()
