"""Rows of one user and one item: kept, reduced to one, or refused."""

from __future__ import annotations

from typing import Literal

import polars as pl

from thinkrec.data.messages import emit_warning, reject_rows
from thinkrec.data.row_trace import has_lines, keep_rows, name_rows
from thinkrec.errors import DataError
from thinkrec.io.counts import format_count

Duplicates = Literal["keep", "first", "last", "refuse"]
"""keep: all. first, last: of each user and item the earliest or the latest row. refuse: an error."""


def resolve_duplicates(rows: pl.DataFrame, fraction: pl.Series, rule: Duplicates | None, source: str) -> pl.DataFrame:
    """Canonical interactions after the rule about rows of one user and item; without a rule all stay, with a warning.

    `fraction`: the fractions of a second that were cut off the times. Raises DataError under `refuse`, naming rows, and
    for an unknown rule.
    """
    if rule not in (None, "keep", "first", "last", "refuse"):
        raise DataError(f"duplicates={rule!r} is not known. Use 'keep', 'first', 'last' or 'refuse'.")
    if rule == "keep":
        return rows
    pair = _find_repeated_pairs(rows["user_id"], rows["item_id"])
    if not pair.any():
        return rows
    if rule == "refuse":
        reject_rows(
            rows["item_id"],
            pair,
            source,
            "names an item more than once for one user",
            "Keep one row each, or choose `duplicates: first`, `last` or `keep`.",
        )
    if rule is None:
        repeated = rows.with_columns(fraction.alias("part")).filter(pair)
        exact = len(repeated) - repeated.select("user_id", "item_id", "label", "timestamp", "part").n_unique()
        others = len(repeated) - repeated.select("user_id", "item_id").n_unique() - exact
        repeats = format_count(exact, "row repeats", "rows repeat")
        findings = [f"{repeats} an earlier row exactly (user, item, label, time)"] if exact else []
        names = format_count(others, "row names", "rows name")
        findings += [f"{names} a user and item of another row with another label or time"] if others else []
        first = name_rows(pair.arg_true()[:1].to_list(), len(pair), source)[0]
        first += "" if has_lines(source, len(pair)) else ", counted from 1"
        emit_warning(
            f"{source}: {', and '.join(findings)} (the first: {first}); all are kept. "
            "`duplicates: first`, `last` or `refuse` settles it otherwise, `keep` says nothing."
        )
        return rows
    by_time = rows.with_columns(fraction.alias("part")).with_row_index("row").sort("timestamp", "part", "order")
    keep = "first" if rule == "first" else "last"
    chosen = by_time.unique(["user_id", "item_id"], keep=keep, maintain_order=True)["row"].sort()
    keep_rows(source, pl.int_range(len(rows), eager=True, dtype=pl.UInt32).is_in(chosen.implode()))
    emit_warning(
        f"{source}: {format_count(len(rows) - len(chosen), 'row is', 'rows are')} left out, because the user met the "
        f"item in another row; the {rule} one is kept (duplicates: {rule})."
    )
    return rows[chosen.to_list()]


def _find_repeated_pairs(users: pl.Series, items: pl.Series) -> pl.Series:
    """Mask of the rows whose user and item stand together in another row, too."""
    if users.dtype == items.dtype == pl.Categorical:
        # One number per pair, sorted, takes a fraction of the memory that a hash table of two columns takes.
        pairs = users.to_physical().cast(pl.UInt64)
        pairs = pairs * 2**32 + items.to_physical()
        ranked = pairs.sort()
        repeated = ranked.filter(ranked == ranked.shift()).unique()
        del ranked
        return pairs.is_in(repeated.implode())
    return pl.DataFrame([users, items]).is_duplicated()
