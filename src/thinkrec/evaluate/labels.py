"""The rows that predictions are judged on, with their labels: of a table, or of a data set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from thinkrec.data.columns import parse_ids, parse_labels, parse_order, parse_ratings, parse_text, reject_rows
from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import SPLITS
from thinkrec.data.tables import read_table
from thinkrec.errors import DataError
from thinkrec.evaluate.judged_rows import require_table_columns
from thinkrec.evaluate.predictions import GroundTruth

ALL, JUDGED = "all", "test"
"""Every row, whatever its split; and the split that is judged where nothing is asked for."""


def choose_split(rows: pl.DataFrame, source: str, split: str | None) -> GroundTruth:
    """The rows of one split; `rows` as `build_label_table` gives them, perhaps without a column split."""
    known = "split" in rows.columns
    chosen = split or (JUDGED if known else ALL)
    if chosen not in (*SPLITS, ALL):
        raise DataError(f"--split {chosen}: there is no such split; choose {', '.join(SPLITS)} or {ALL}")
    if chosen == ALL:
        return GroundTruth(rows, source)
    if not known:
        raise DataError(f"--split {chosen}: {source} has no column 'split'; add it, or leave the option out")
    judged = rows.filter(pl.col("split") == chosen)
    if not judged.height:
        raise DataError(f"{source} has no {chosen} rows to judge; choose other ones with --split, such as --split all")
    return GroundTruth(
        judged, source, f"{chosen} rows", rows.filter(pl.col("split") != chosen).select("order", "split")
    )


def read_labels(path: Path, threshold: float | None = None, *, labels: bool = True) -> pl.DataFrame:
    """(order, user, label, user_id, perhaps item_id and split) of a table; without `order` the place of the row counts.

    Liked means `label` 1, or rating > threshold. With `labels` False there is no label. Raises DataError.
    """
    table, source = read_table(path), str(path)
    require_table_columns(table, ("user_id",), source)
    order = parse_order(table["order"], source) if "order" in table.columns else np.arange(table.height)
    user = parse_ids(table["user_id"], source)
    columns = {"order": pl.Series(order, dtype=pl.Int64), "user": user, "user_id": user}
    if labels:
        columns["label"] = _parse_label_column(table, source, threshold)
    if "item_id" in table.columns:
        columns["item_id"] = parse_ids(table["item_id"], source)
    if "split" in table.columns:
        columns["split"] = parse_text(table["split"], source)
        remedy = f"Use {', '.join(SPLITS)}, or leave the column out to judge all rows."
        reject_rows(table["split"], ~columns["split"].is_in(SPLITS), source, "has unknown splits", remedy)
    return pl.DataFrame(columns)


def _parse_label_column(table: pl.DataFrame, source: str, threshold: float | None) -> pl.Series:
    if "label" in table.columns and "rating" in table.columns:
        raise DataError(
            f"{source}: the table has both columns 'rating' and 'label'; keep the one that says what counts"
        )
    if "rating" not in table.columns:
        require_table_columns(table, ("user_id", "label"), source)
        if threshold is not None:
            raise DataError(f"{source}: column 'label' needs no --threshold; drop it")
        return parse_labels(table["label"], source)
    if threshold is None or not np.isfinite(threshold):
        raise DataError(f"{source}: column 'rating' needs --threshold NUMBER; liked means rating > threshold")
    return (parse_ratings(table["rating"], source) > threshold).cast(pl.Int8)


def build_label_table(ds: Dataset) -> pl.DataFrame:
    """(order, user, label, user_id, item_id, split) of all rows of a data set; `user` is the code."""
    return ds.to_frame().drop("timestamp").with_columns(pl.Series("user", ds.interactions.user))
