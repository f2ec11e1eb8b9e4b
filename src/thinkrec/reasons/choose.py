"""Selection of the rows that a teacher is asked about."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import polars as pl

from thinkrec.data.columns import DataWarning, require_columns
from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import SPLITS
from thinkrec.data.tables import read_table
from thinkrec.errors import DataError
from thinkrec.io.hashing import hash_text_to_number
from thinkrec.reasons.config import SynthesisConfig
from thinkrec.reasons.matching import match_rows


def choose_rows(ds: Dataset, config: SynthesisConfig) -> np.ndarray:
    """Row numbers, int64, in the order in which they are asked about.

    A random order of the rows that qualify, cut after `config.rows`: with the same seed a longer choice begins with the
    shorter one, and rows that are added to the data or stand elsewhere in it leave the order of the others as it is.
    Raises DataError where no row qualifies or the predictions do not fit; a DataWarning says where fewer qualify.
    """
    rows = ds.interactions.get_split_rows(SPLITS.index(config.split))
    rows = rows[_count_histories(ds, rows) >= config.min_history]
    what = f"with at least {config.min_history} earlier rows"
    if config.selection == "mixed":
        rows = rows[compute_minority_share(ds, rows, config.max_history) >= config.mixed_share]
        what += f" and a history in which likes and dislikes make up {config.mixed_share:.0%} or more each"
    elif config.selection == "wrong":
        assert config.predictions is not None
        rows = rows[find_misclassified_rows(ds, rows, config.predictions, config.threshold)]
        what += f" that {config.predictions} gets wrong"
    if not len(rows):
        raise DataError(f"the {config.split} split has no row {what}; choose otherwise")
    if config.n_rows is not None and len(rows) < config.n_rows:
        text = (
            f"{len(rows):,} rows are asked about, not {config.n_rows:,}: the {config.split} split has no more {what}."
        )
        warnings.warn(text, DataWarning, stacklevel=2)
    return rows[np.argsort(hash_rows(ds, rows, config.seed), kind="stable")][: config.n_rows]


def hash_rows(ds: Dataset, rows: np.ndarray, seed: int) -> np.ndarray:
    """Hash of (seed, user, item, time) of each row, uint64 (m,): independent of the row's position."""
    user, item, timestamp = ds.interactions.user, ds.interactions.item, ds.interactions.timestamp
    names = (f"{seed}\0{ds.user_ids[user[row]]}\0{ds.items.ids[item[row]]}\0{timestamp[row]}" for row in rows)
    return np.array([hash_text_to_number(name, "blake2b") for name in names], dtype=np.uint64)


def _count_histories(ds: Dataset, rows: np.ndarray) -> np.ndarray:
    return ds.interactions.past.count_visible_rows(rows)


def compute_minority_share(ds: Dataset, rows: np.ndarray, length: int) -> np.ndarray:
    """Share of the rarer of likes and dislikes in each row's history of at most `length`, float64 (m,); 0 for none."""
    past = ds.interactions.past
    likes = np.concatenate([[0], np.cumsum(ds.interactions.label[past.row], dtype=np.int64)])
    end = past.end[rows]
    begin = np.maximum(past.begin[rows], end - length)
    share = (likes[end] - likes[begin]) / np.maximum(end - begin, 1)
    return np.where(end > begin, np.minimum(share, 1 - share), 0.0)


def find_misclassified_rows(ds: Dataset, rows: np.ndarray, path: Path, threshold: float | None) -> np.ndarray:
    """Whether the predictions (order, score) take each row's label for the other one, bool (m,).

    Without a threshold, as many rows count as Yes as are likes among those predicted, so any monotone score serves; at
    the border, ties count as No. Rows without a prediction are not wrong, and a DataWarning counts them. Raises
    DataError where none has one.
    """
    table, source = read_table(path), str(path)
    require_columns(table, ("order", "score"), source)
    known = match_rows(ds, table, source).rows
    score = table["score"].cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy()
    if not np.isfinite(score).all():
        first = int(np.flatnonzero(~np.isfinite(score))[0])
        raise DataError(f"{path}: score of row {first + 1} is {table['score'][first]!r}, no finite number; correct it")
    predicted = np.full(len(ds.interactions), np.nan)
    predicted[known[known >= 0]] = score[known >= 0]
    row_scores, label = predicted[rows], ds.interactions.label[rows] == 1
    is_predicted = ~np.isnan(row_scores)
    if not is_predicted.any():
        raise DataError(
            f"{path}: none of its rows is in the split that is asked about; predict that split's rows, or set `split`"
        )
    unknown, lacking = int((known < 0).sum()), int((~is_predicted).sum())
    if unknown or lacking:
        text = (
            f"{source}: {unknown:,} predictions are about rows that the data does not have, and {lacking:,} of "
            f"{len(rows):,} rows that qualify have none and count as right."
        )
        warnings.warn(text, DataWarning, stacklevel=3)
    if threshold is None:
        ranked = np.sort(row_scores[is_predicted])
        likes = int(label[is_predicted].sum())
        threshold = -np.inf if likes == len(ranked) else float(ranked[len(ranked) - likes - 1])
    return is_predicted & ((row_scores > threshold) != label)
