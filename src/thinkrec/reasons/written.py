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
    """Reasons by row number, for the rows of the table at `path`.

    One DataWarning counts every reason that is not simply trained on: those of other splits (they are returned, and
    `train.mixture` leaves them out), those left out here, and those whose row has moved.

    Args:
        ds: the data.
        path: a table with columns `order` and `reason`, best `user_id` and `item_id` too; see `match_rows`.
        unhinted: take only rows that the column `hinted` does not mark as written knowing the outcome.

    Raises:
        DataError: no reason is about a row of the data, an `order` cannot be checked and is unknown, `hinted` is needed
            and missing, or a reason opens with another verdict than the row's label.
    """
    table, source = read_table(path), str(path)
    require_columns(table, ("order", "reason", "hinted") if unhinted else ("order", "reason"), source)
    matched, n_reasons = match_rows(ds, table, source), table.height
    reject_rows(table["reason"], table["reason"].is_null(), source, "has no reason", "Fill in or drop these rows.")
    is_hinted = _parse_booleans(table["hinted"], source).to_numpy() if unhinted else np.zeros(n_reasons, dtype=bool)
    is_matched = matched.rows >= 0
    label = np.where(is_matched, ds.interactions.label[np.maximum(matched.rows, 0)], -1)
    stale = np.zeros(n_reasons, dtype=bool)
    if "label" in table.columns:
        stale = is_matched & (parse_labels(table["label"], source).to_numpy() != label)
    if n_reasons and not (is_matched & ~stale).any():
        first = int(np.argmin(is_matched & ~stale))
        what = "has another label than its reason argues for" if stale.any() else "is no row of the data"
        raise DataError(
            f"{path}: none of its {n_reasons:,} reasons fits a row; order {table['order'][first]} {what}. Is this "
            "table about other data, or another threshold?"
        )
    is_used = is_matched & ~stale & ~is_hinted
    if not is_used.any():
        raise DataError(f"{path}: all reasons that fit are hinted, and `unhinted` leaves those out; none is left")
    hinted = _read_hinted_mask(table) & is_used
    split = ds.interactions.split[np.maximum(matched.rows, 0)]
    _warn_counts(
        source,
        n_reasons,
        [
            (int((~is_matched & ~matched.ambiguous).sum()), "left out: their rows (user and item) are not in the data"),
            (
                int(matched.ambiguous.sum()),
                "left out: their user has several rows with the item, and `order` names none",
            ),
            (int(stale.sum()), "left out: their rows have another label by now"),
            (int((is_matched & ~stale & is_hinted).sum()), "left out as hinted"),
            (int(hinted.sum()), "by a teacher that had been told the outcome (`unhinted: true` leaves them out)"),
            (int((is_used & matched.moved).sum()), "found by user and item, since `order` names other rows by now"),
            *(
                (int((is_used & (split == code)).sum()), f"about {name} rows, which are not trained on")
                for code, name in enumerate(SPLITS)
                if code != TRAIN
            ),
            (0 if (is_used & (split == TRAIN)).any() else n_reasons, "in all, and none to train on"),
            (
                0 if matched.has_ids else n_reasons,
                "matched by `order` alone: without user_id and item_id nothing shows whether the data has changed",
            ),
        ],
    )
    rows, table = matched.rows[is_used], table.filter(pl.Series(is_used))
    reasons = {int(row): str(text) for row, text in zip(rows, table["reason"], strict=True)}
    for row, text in reasons.items():
        label = bool(ds.interactions.label[row])
        opening = f"{format_verdict(label)}."
        if not text.startswith(opening) or parse_verdict(text, [ds.items.titles[ds.interactions.item[row]]]) != label:
            order = int(ds.interactions.order[row])
            raise DataError(f"{path}: the reason of order {order} does not begin with {opening!r}, its row's label")
    return reasons


def _read_hinted_mask(table: pl.DataFrame) -> np.ndarray:
    """Mask of the lines marked as hinted, bool (m,), where the table says so readably."""
    if "hinted" not in table.columns:
        return np.zeros(table.height, dtype=bool)
    return table["hinted"].cast(pl.String).str.to_lowercase().is_in(["true", "1"]).fill_null(False).to_numpy()


def _warn_counts(source: str, n_reasons: int, counts: list[tuple[int, str]]) -> None:
    """One DataWarning with the counts that are not 0."""
    phrases = [f"{count:,} {what}" for count, what in counts if count]
    if phrases:
        warnings.warn(f"{source}: of {n_reasons:,} reasons, {'; '.join(phrases)}.", DataWarning, stacklevel=3)


def _parse_booleans(column: pl.Series, source: str) -> pl.Series:
    """True and false, also where a text file spells them out. Raises DataError on anything else."""
    if column.dtype == pl.Boolean:
        parsed = column
    else:
        known = {"true": True, "1": True, "false": False, "0": False}
        text = column.cast(pl.String).str.to_lowercase()
        parsed = text.replace_strict(known, default=None, return_dtype=pl.Boolean)
    reject_rows(column, parsed.is_null(), source, "is neither true nor false", "Correct these rows.")
    return parsed
