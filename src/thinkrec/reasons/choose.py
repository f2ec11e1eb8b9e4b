"""Which rows a teacher is asked about."""

from __future__ import annotations

import hashlib
import warnings
from pathlib import Path

import numpy as np
import polars as pl

from thinkrec.data.columns import DataWarning, require_columns
from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import SPLITS
from thinkrec.data.tables import read_table
from thinkrec.errors import DataError
from thinkrec.reasons.config import SynthesisConfig
from thinkrec.reasons.matching import match_rows


def choose_rows(ds: Dataset, config: SynthesisConfig) -> np.ndarray:
    """int64 row numbers in the order in which they are asked about.

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
    return rows[np.argsort(_hash_rows(ds, rows, config.seed), kind="stable")][: config.n_rows]


def _hash_rows(ds: Dataset, rows: np.ndarray, seed: int) -> np.ndarray:
    """uint64 (m,): a number by chance for each row, from what it is (user, item, time) and not from where it stands."""
    it = ds.interactions
    names = (f"{seed}\0{ds.user_ids[it.user[row]]}\0{ds.items.ids[it.item[row]]}\0{it.timestamp[row]}" for row in rows)
    lots = (hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest() for name in names)
    return np.frombuffer(b"".join(lots), dtype="<u8")


def _count_histories(ds: Dataset, rows: np.ndarray) -> np.ndarray:
    return ds.interactions.past.count_visible_rows(rows)


def compute_minority_share(ds: Dataset, rows: np.ndarray, length: int) -> np.ndarray:
    """float64 (m,): share of the rarer of likes and dislikes in each row's history of at most `length`; 0 for none."""
    past = ds.interactions.past
    likes = np.concatenate([[0], np.cumsum(ds.interactions.label[past.row], dtype=np.int64)])
    end = past.end[rows]
    begin = np.maximum(past.begin[rows], end - length)
    share = (likes[end] - likes[begin]) / np.maximum(end - begin, 1)
    return np.where(end > begin, np.minimum(share, 1 - share), 0.0)


def find_misclassified_rows(ds: Dataset, rows: np.ndarray, path: Path, threshold: float | None) -> np.ndarray:
    """bool (m,): whether the predictions (order, score) take the row's label for the other one.

    Without a threshold, as many rows count as Yes as are likes among those predicted, so any monotone score serves; at
    the border, ties count as No. Rows without a prediction are not wrong, and a DataWarning counts them. Raises
    DataError where none has one.
    """
    table, source = read_table(path), str(path)
    require_columns(table, ("order", "score"), source)
    known = match_rows(ds, table, source).rows
    score = table["score"].cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy()
    if not np.isfinite(score).all():
        at = int(np.flatnonzero(~np.isfinite(score))[0])
        raise DataError(f"{path}: score of row {at + 1} is {table['score'][at]!r}, no finite number; correct it")
    predicted = np.full(len(ds.interactions), np.nan)
    predicted[known[known >= 0]] = score[known >= 0]
    mine, label = predicted[rows], ds.interactions.label[rows] == 1
    there = ~np.isnan(mine)
    if not there.any():
        raise DataError(
            f"{path}: none of its rows is in the split that is asked about; predict that split's rows, or set `split`"
        )
    unknown, lacking = int((known < 0).sum()), int((~there).sum())
    if unknown or lacking:
        text = (
            f"{source}: {unknown:,} predictions are about rows that the data does not have, and {lacking:,} of "
            f"{len(rows):,} rows that qualify have none and count as right."
        )
        warnings.warn(text, DataWarning, stacklevel=3)
    if threshold is None:
        ranked = np.sort(mine[there])
        likes = int(label[there].sum())
        threshold = -np.inf if likes == len(ranked) else float(ranked[len(ranked) - likes - 1])
    return there & ((mine > threshold) != label)
