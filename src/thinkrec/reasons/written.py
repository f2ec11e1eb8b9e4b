"""Reasons from a table, matched to the rows that they are about."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import polars as pl

from thinkrec.claims.verdict import format_verdict, parse_verdict
from thinkrec.data.columns import DataWarning, parse_labels, reject_rows, require_columns
from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import SPLITS, TRAIN
from thinkrec.data.tables import read_table
from thinkrec.errors import DataError
from thinkrec.reasons.matching import match_rows


def read_written_reasons(ds: Dataset, path: Path, *, unhinted: bool = False) -> dict[int, str]:
    """Row number -> reason, for the rows of the table at `path` (columns `order` and `reason`, best `user_id` and
    `item_id` too; see `match_rows`).

    One DataWarning says what became of every reason that is not simply trained on: those of other splits (they are
    returned, and `train.mixture.reason_pool` leaves them out), those left out here, and those whose row has moved.

    Args:
        unhinted: take only rows that the column `hinted` does not mark as written knowing the outcome.

    Raises DataError where no reason is about a row of the data, an `order` cannot be checked and is unknown, `hinted`
    is needed and missing, or a reason opens with another verdict than the row's label.
    """
    table, source = read_table(path), str(path)
    require_columns(table, ("order", "reason", "hinted") if unhinted else ("order", "reason"), source)
    matched, whole = match_rows(ds, table, source), table.height
    reject_rows(table["reason"], table["reason"].is_null(), source, "has no reason", "Fill in or drop these rows.")
    told = _parse_booleans(table["hinted"], source).to_numpy() if unhinted else np.zeros(whole, dtype=bool)
    there = matched.rows >= 0
    label = np.where(there, ds.interactions.label[np.maximum(matched.rows, 0)], -1)
    stale = np.zeros(whole, dtype=bool)
    if "label" in table.columns:
        stale = there & (parse_labels(table["label"], source).to_numpy() != label)
    if whole and not (there & ~stale).any():
        at = int(np.argmin(there & ~stale))
        what = "has another label than its reason argues for" if stale.any() else "is no row of the data"
        raise DataError(
            f"{path}: none of its {whole:,} reasons fits a row; order {table['order'][at]} {what}. Is this table about "
            "other data, or another threshold?"
        )
    kept = there & ~stale & ~told
    if not kept.any():
        raise DataError(f"{path}: all reasons that fit are hinted, and `unhinted` leaves those out; none is left")
    hinted = _read_hinted_mask(table) & kept
    split = ds.interactions.split[np.maximum(matched.rows, 0)]
    _warn_counts(source, whole, [
        (int((~there & ~matched.ambiguous).sum()), "left out: their rows (user and item) are not in the data"),
        (int(matched.ambiguous.sum()), "left out: their user has several rows with the item, and `order` names none"),
        (int(stale.sum()), "left out: their rows have another label by now"),
        (int((there & ~stale & told).sum()), "left out as hinted"),
        (int(hinted.sum()), "by a teacher that had been told the outcome (`unhinted: true` leaves them out)"),
        (int((kept & matched.moved).sum()), "found by user and item, since `order` names other rows by now"),
        *((int((kept & (split == code)).sum()), f"about {name} rows, which are not trained on")
          for code, name in enumerate(SPLITS) if code != TRAIN),
        (0 if (kept & (split == TRAIN)).any() else whole, "in all, and none to train on"),
        (0 if matched.has_ids else whole, "matched by `order` alone: without user_id and item_id nothing shows whether "
         "the data has changed"),
    ])
    rows, table = matched.rows[kept], table.filter(pl.Series(kept))
    found = {int(row): str(text) for row, text in zip(rows, table["reason"], strict=True)}
    for row, text in found.items():
        label = bool(ds.interactions.label[row])
        opening = f"{format_verdict(label)}."
        if not text.startswith(opening) or parse_verdict(text, [ds.items.titles[ds.interactions.item[row]]]) != label:
            order = int(ds.interactions.order[row])
            raise DataError(f"{path}: the reason of order {order} does not begin with {opening!r}, its row's label")
    return found


def _read_hinted_mask(table: pl.DataFrame) -> np.ndarray:
    """bool (m,): marked as hinted, where the table says so readably."""
    if "hinted" not in table.columns:
        return np.zeros(table.height, dtype=bool)
    return table["hinted"].cast(pl.String).str.to_lowercase().is_in(["true", "1"]).fill_null(False).to_numpy()


def _warn_counts(source: str, whole: int, parts: list[tuple[int, str]]) -> None:
    """One DataWarning with the counts that are not 0."""
    said = [f"{count:,} {what}" for count, what in parts if count]
    if said:
        warnings.warn(f"{source}: of {whole:,} reasons, {'; '.join(said)}.", DataWarning, stacklevel=3)


def _parse_booleans(column: pl.Series, source: str) -> pl.Series:
    """True and false, also where a text file spells them out. Raises DataError on anything else."""
    if column.dtype == pl.Boolean:
        found = column
    else:
        known = {"true": True, "1": True, "false": False, "0": False}
        text = column.cast(pl.String).str.to_lowercase()
        found = text.replace_strict(known, default=None, return_dtype=pl.Boolean)
    reject_rows(column, found.is_null(), source, "is neither true nor false", "Correct these rows.")
    return found
