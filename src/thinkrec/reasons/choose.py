"""Which rows a teacher is asked about."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from thinkrec.data.columns import parse_order, require_columns
from thinkrec.data.dataset import Dataset
from thinkrec.data.rows import SPLITS
from thinkrec.data.tables import read_table
from thinkrec.errors import DataError
from thinkrec.reasons.config import SynthesisConfig


def choose_rows(ds: Dataset, config: SynthesisConfig) -> np.ndarray:
    """int64 row numbers in the order in which they are asked about.

    A random order of the rows that qualify, cut after `config.rows`: with the same seed a longer choice begins with the
    shorter one. Raises DataError where no row qualifies or the predictions do not fit.
    """
    rows = ds.interactions.rows(SPLITS.index(config.split))
    rows = rows[_lengths(ds, rows) >= config.min_history]
    what = f"with at least {config.min_history} earlier rows"
    if config.choose == "mixed":
        rows = rows[mixedness(ds, rows, config.history) >= config.mixed_share]
        what += f" and a history in which likes and dislikes make up {config.mixed_share:.0%} or more each"
    elif config.choose == "wrong":
        assert config.predictions is not None
        rows = rows[wrongly_predicted(ds, rows, config.predictions, config.threshold)]
        what += f" that {config.predictions} gets wrong"
    if not len(rows):
        raise DataError(f"the {config.split} split has no row {what}; choose otherwise")
    order = np.random.default_rng(config.seed).permutation(len(rows))
    return rows[order][: config.rows]


def _lengths(ds: Dataset, rows: np.ndarray) -> np.ndarray:
    return ds.interactions.past.length(rows)


def mixedness(ds: Dataset, rows: np.ndarray, length: int) -> np.ndarray:
    """float64 (m,): share of the rarer of likes and dislikes in each row's history of at most `length`; 0 for none."""
    past = ds.interactions.past
    likes = np.concatenate([[0], np.cumsum(ds.interactions.label[past.row], dtype=np.int64)])
    end = past.end[rows]
    begin = np.maximum(past.begin[rows], end - length)
    share = (likes[end] - likes[begin]) / np.maximum(end - begin, 1)
    return np.where(end > begin, np.minimum(share, 1 - share), 0.0)


def wrongly_predicted(ds: Dataset, rows: np.ndarray, path: Path, threshold: float | None) -> np.ndarray:
    """bool (m,): whether the predictions (order, score) take the row's label for the other one.

    Without a threshold, as many rows count as Yes as are likes among those predicted, so any monotone score serves; at
    the border, ties count as No. Rows without a prediction are not wrong. Raises DataError where none has one.
    """
    table, source = read_table(path), str(path)
    require_columns(table, ("order", "score"), source)
    order = parse_order(table["order"], source).to_numpy()
    score = table["score"].cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy()
    if not np.isfinite(score).all():
        at = int(np.flatnonzero(~np.isfinite(score))[0])
        raise DataError(f"{path}: score of row {at + 1} is {table['score'][at]!r}, no finite number; correct it")
    known = ds.interactions.find(order)
    predicted = np.full(len(ds.interactions), np.nan)
    predicted[known[known >= 0]] = score[known >= 0]
    mine, label = predicted[rows], ds.interactions.label[rows] == 1
    there = ~np.isnan(mine)
    if not there.any():
        raise DataError(
            f"{path}: none of its rows is in the split that is asked about; predict that split's rows, or set `split`"
        )
    if threshold is None:
        ranked = np.sort(mine[there])
        likes = int(label[there].sum())
        threshold = -np.inf if likes == len(ranked) else float(ranked[len(ranked) - likes - 1])
    return there & ((mine > threshold) != label)
