"""Warnings, with counts, of values in a table of interactions that are most likely wrong."""

from __future__ import annotations

import time
from collections.abc import Iterable

import polars as pl

from thinkrec.data.messages import COUNTED, emit_warning, format_rows, warn_rows
from thinkrec.data.row_trace import has_lines
from thinkrec.io.counts import choose_form, format_count

_UNITS = (
    ("seconds", 1, 10**8, 10**11),
    ("milliseconds", 10**3, 10**11, 10**14),
    ("microseconds", 10**6, 10**14, 10**17),
    ("nanoseconds", 10**9, 10**17, 2**63 - 1),
)
"""Unit, how many make a second, and the numbers that times after 1973 are between in it."""
_SHEET_DAYS = (25_569, 55_000)
"""The first of January 1970, and a day of 2050, as spreadsheets count them."""
_DAY = 86_400
_CODES = (-999, -99, -9, -1, 0, 9, 88, 98, 99, 999, 9999)
"""Codes of questionnaires for a missing answer."""


def warn_outlier_ratings(column: pl.Series, ratings: pl.Series, threshold: float, source: str) -> None:
    """Warn of each value that stands apart from all other ratings, as a mark for "not rated" does."""
    odd = find_outlier_values(ratings.unique().to_list())
    for value in odd:
        rest = ratings.filter(~ratings.is_in(odd))
        counts_as = "liked" if value > threshold else "not liked"
        warn_rows(
            column,
            ratings == value,
            source,
            f"have rating {value:g} where all others lie between {rest.min():g} and {rest.max():g}",
            f'They count as {counts_as}, but may mean "not rated": `missing: [{value:g}]` drops '
            "such rows, `missing: []` says that every value is a rating.",
        )


def find_outlier_values(distinct: Iterable[float]) -> list[float]:
    """Ratings that stand apart from the scale of the others: 0 below 1 .. 5, -1 below 0 .. 10, 99 above -10 .. 10.

    Of the codes that are usual for missing answers, 0 stands apart where the others begin at 0.5 or more and reach 3, a
    negative one where the others are at least 0 and reach 3, and any where it is as far from them as they are wide.
    """
    values, outliers = sorted(distinct), []
    while len(values) > 2 and values[0] in _CODES and values[0] <= 0:
        low, rest = values[0], values[1:]
        below = rest[-1] >= 3 and ((low == 0 and rest[0] >= 0.5) or (low < 0 <= rest[0]))
        apart = len(rest) > 2 and low < 0 and rest[0] - low >= rest[-1] - rest[0]
        if not below and not apart:
            break
        outliers.append(low)
        values = rest
    for number in range(3, len(values)):
        gap, width = values[number] - values[number - 1], values[number - 1] - values[0]
        if gap >= max(width, 3) and all(value in _CODES for value in values[number:]):
            return outliers + values[number:]
    return outliers


def warn_single_class(labels: pl.Series, ratings: pl.Series | None, threshold: float | None, source: str) -> None:
    """Warn where all labels are equal: nothing can be learned from them."""
    if labels.n_unique() != 1 or labels.null_count():
        return
    outcome = "liked" if labels[0] else "not liked"
    if ratings is None:
        emit_warning(
            f"{source}: column 'label': every row is {outcome} ({len(labels):,}); nothing can be learned from one "
            "outcome."
        )
    else:
        low, high = f"{ratings.min():g}", f"{ratings.max():g}"
        lie = f"all {len(labels):,} ratings lie between {low} and {high}" if low != high else f"every rating is {low}"
        emit_warning(
            f"{source}: column 'rating': {lie}, so with threshold {threshold:g} every row is "
            f"{outcome} (liked means rating > threshold); nothing can be learned from one outcome. Choose another "
            "threshold."
        )


def unify_time_units(
    column: pl.Series, whole: pl.Series, fraction: pl.Series, source: str
) -> tuple[pl.Series, pl.Series]:
    """Whole and fractional times, all in seconds, with a warning, where numbers are of several units; else as given."""
    size = whole.abs()
    masks = {name: (size >= low) & (size < high) for name, _, low, high in _UNITS}
    used = [name for name, mask in masks.items() if mask.any()]
    if not used or used == [_UNITS[0][0]]:
        return whole, fraction
    counts = [
        f"{int(masks[name].sum())} in {name} "
        f"({format_rows(column, masks[name].arg_true()[:1], source, is_explained=False)})"
        for name in used
    ]
    end = "" if has_lines(source, len(column)) else COUNTED
    seems = "mixes units" if len(used) > 1 else "is in no seconds"
    emit_warning(f"{source}: column 'timestamp' {seems}: {', '.join(counts)}{end}. All are read as seconds.")
    for name, per, _, _ in _UNITS[1:]:
        mask = masks[name]
        whole, fraction = (
            pl.select(pl.when(mask).then(whole // per).otherwise(whole)).to_series(),
            pl.select(pl.when(mask).then((whole % per).cast(pl.Float64) / per).otherwise(fraction)).to_series(),
        )
    return whole, fraction


def warn_implausible_times(column: pl.Series, whole: pl.Series, source: str) -> None:
    """Warn of times that were never set and of times in the future, where the numbers are dates at all."""
    size = whole.abs()
    unit = next((unit for unit in _UNITS if ((size >= unit[2]) & (size < unit[3])).any()), None)
    if unit is None:
        first, last = whole.min(), whole.max()
        if isinstance(first, int) and isinstance(last, int) and _SHEET_DAYS[0] <= first and last <= _SHEET_DAYS[1]:
            emit_warning(
                f"{source}: column 'timestamp': all values lie between {first:,} and {last:,}, days of a spreadsheet, "
                "it seems. They count as seconds: which came first is right, how long ago is not. Write dates."
            )
        return
    name, per, low, _ = unit
    if not ((whole > 0) & (whole < low)).any():
        note = f"They count as the earliest rows of their users. If the time is not known, drop these rows ({name})."
        warn_rows(column, whole <= 0, source, "have a time of 0 or below, where others are dates", note)
    note = f"They count as the latest rows of their users; correct them ({name} since 1970)."
    warn_rows(column, whole // per > int(time.time()) + 2 * _DAY, source, "lie in the future", note)


def warn_constant_times(users: pl.Series, whole: pl.Series, fraction: pl.Series, source: str) -> None:
    """Warn where half of the users with several rows, or more, have one time in all of them."""
    spans = (
        pl.DataFrame({"user": users, "time": whole, "part": fraction})
        .group_by("user", maintain_order=True)
        .agg(
            pl.len().alias("rows"),
            ((pl.col("time").min() == pl.col("time").max()) & (pl.col("part").min() == pl.col("part").max())).alias(
                "still"
            ),
        )
        .filter(pl.col("rows") > 1)
    )
    still = spans.filter("still")
    if len(still) and 2 * len(still) >= len(spans):
        emit_warning(
            f"{source}: column 'timestamp': {len(still):,} of {format_count(len(spans), 'user')} with several rows "
            f"{choose_form(len(still), 'has', 'have')} one and the same time in all of them (the first: "
            f"{still['user'][0]!r}). The place of a row in the table decides what came before; a column 'order' can "
            "say it otherwise."
        )
