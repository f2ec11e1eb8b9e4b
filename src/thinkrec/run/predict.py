"""Scores of any rows of a run's data, by any row of its table."""

from __future__ import annotations

import numpy as np
import polars as pl

from thinkrec.data.interactions import SPLITS
from thinkrec.errors import DataError
from thinkrec.io.progress import Progress
from thinkrec.run.pipeline import Run
from thinkrec.run.predictions import ORDER, SCORE
from thinkrec.run.table_rows import ScorerRow, choose_table_row, load_row_scorer
from thinkrec.run.variants import Variant

ALL = "all"
"""Every row, whatever its split."""
CHUNK = 8192
"""Rows that a scorer is asked about between two steps of the progress bar."""


def predict_split(run: Run, split: str, *, name: str | None = None) -> pl.DataFrame:
    """Score the rows of one split from each user's past strictly before the row.

    Args:
        run: a trained run.
        split: train, valid, test or all.
        name: the row of the run's table that scores, such as boosting or global; by default the run's own model.

    Returns:
        A table (order, user_id, item_id, score) by `order`, one line per row of the split.

    Raises:
        DataError: for a split or a name that the run does not have.
        CheckpointError: for a row that is not trained.
    """
    rows = select_split_rows(run, split)
    row = choose_table_row(run.recipe, run.folder, name)
    scores = (
        _score_by_scorer(run, row, rows) if isinstance(row, ScorerRow) else _score_by_variant(run, row.variant, rows)
    )
    return run.ds.to_frame(rows).select(ORDER, "user_id", "item_id", pl.Series(SCORE, scores)).sort(ORDER)


def select_split_rows(run: Run, split: str) -> np.ndarray:
    """int64: the row numbers of a split, or of all. Raises DataError where there are none."""
    interactions = run.ds.interactions
    if split not in (*SPLITS, ALL):
        raise DataError(f"--split {split}: there is no such split; choose {', '.join(SPLITS)} or {ALL}")
    if split == ALL:
        return np.arange(len(interactions))
    rows = interactions.get_split_rows(list(SPLITS).index(split))
    if not len(rows):
        raise DataError(f"{run.folder} has no {split} rows; choose other ones with --split, such as --split {ALL}")
    return rows


def _score_by_variant(run: Run, variant: Variant, rows: np.ndarray) -> np.ndarray:
    return run.load_predictor(variant).score(rows, title=f"scoring ({variant.label})", progress=run.progress)


def _score_by_scorer(run: Run, row: ScorerRow, rows: np.ndarray) -> np.ndarray:
    scorer, scores = load_row_scorer(row, run.folder), np.empty(len(rows), dtype=np.float64)
    with Progress(f"scoring ({row.name})", len(rows), shown=run.progress) as bar:
        for start in range(0, len(rows), CHUNK):
            chunk = rows[start : start + CHUNK]
            scores[start : start + len(chunk)] = scorer.score(run.ds, chunk)
            bar.advance(len(chunk))
    return scores
