"""Settings that fit a data set: threshold, marks for "not rated", repeats and split, each with its reason."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, get_args

import polars as pl

from thinkrec.data.keyword_rules import KeywordRules, Keywords, apply_keyword_rules
from thinkrec.data.split import Split
from thinkrec.data.suspicious_values import find_outlier_values

MOST_EMPTIED = 0.05
"""Keywords are proposed to be dropped where at most this share of the items with keywords is left without any."""


@dataclass(frozen=True)
class Proposal:
    """A key of `data` with a value, and why."""

    key: str
    value: Any
    why: str


@dataclass(frozen=True)
class RatingFacts:
    """The values of a column of ratings."""

    counts: tuple[tuple[float, int], ...]
    """Value and rows, in order; at most 24 values, else in 10 equal steps by their lower ends."""
    distinct: int


def count_ratings(column: pl.Series) -> RatingFacts:
    """How often each rating comes up; values that are no numbers are left out."""
    numbers = _to_numbers(column)
    table = numbers.value_counts().sort(numbers.name)
    if len(table) > 24:
        low, high = float(numbers.min()), float(numbers.max())  # pyright: ignore[reportArgumentType]
        step = (high - low) / 10
        bins = ((numbers - low) / step).floor().clip(0, 9).cast(pl.Int64)
        steps = bins.alias("bin").value_counts().sort("bin")
        return RatingFacts(tuple((low + step * b, int(n)) for b, n in steps.iter_rows()), len(table))
    return RatingFacts(tuple((float(value), int(count)) for value, count in table.iter_rows()), len(table))


def propose_missing(column: pl.Series) -> Proposal | None:
    """Marks that stand apart from all other ratings, and empty values, as `missing`; None where there are none."""
    numbers = _to_numbers(column)
    odd: list[Any] = list(find_outlier_values(numbers.unique().to_list()))
    whys = []
    if odd:
        rest = numbers.filter(~numbers.is_in(odd))
        count = int(numbers.is_in(odd).sum())
        shown = ", ".join(f"{value:g}" for value in odd)
        whys.append(f"{count:,} rows have {shown}, all others lie between {rest.min():g} and {rest.max():g}")
    empty = column.null_count()
    if empty:
        odd.append(None)
        whys.append(f"{empty:,} rows have no rating")
    if not odd:
        return None
    return Proposal("missing", odd, f"{'; '.join(whys)}: not rated, it seems")


def propose_threshold(column: pl.Series, missing: list[Any]) -> Proposal | None:
    """The value that leaves the share of likes nearest to a half; None where all ratings are equal."""
    numbers = _to_numbers(column)
    numbers = numbers.filter(~numbers.is_in([value for value in missing if value is not None]))
    values = sorted(numbers.unique().to_list())
    if len(values) < 2:
        return None
    candidates = values[:-1] if len(values) <= 200 else [float(numbers.quantile(q / 20) or 0) for q in range(1, 20)]
    rates = {value: float((numbers > value).mean() or 0) for value in candidates}  # pyright: ignore[reportArgumentType]
    best = min(rates, key=lambda value: abs(rates[value] - 0.5))
    others = [value for value in sorted(rates, key=lambda value: abs(rates[value] - 0.5))[1:3]]
    more = "".join(f", {value:g} {rates[value]:.0%}" for value in sorted(others))
    return Proposal("threshold", best, f"liked means rating > {best:g}, which are {rates[best]:.0%} of the rows{more}")


def propose_split(columns: Collection[str]) -> Proposal | None:
    """The table's own split, else the last shares in time, else a random one; None where there is no such rule.

    `columns`: ours that the table has.
    """
    if "split" in columns:
        return Proposal("split", {"by": "column"}, "the table has a column with train, valid and test")
    shares = {"valid": 0.1, "test": 0.1}
    if "timestamp" in columns:
        why = "the last tenth of all rows in time, and the tenth before it"
        return Proposal("split", {"by": "fractions", **shares}, why)
    if "random" not in list_split_rules():
        return None
    return Proposal("split", {"by": "random", **shares}, "there are no times, so that no split by time is possible")


def propose_keyword_rules(keywords: Keywords) -> Proposal | None:
    """Rules that help on a catalogue, each where it changes something; None where none does.

    Keywords of too many items, or of one alone, are dropped only where nearly all items keep some: a genre that half of
    the films have is all that some of them have.
    """
    off = KeywordRules(join_case=False, max_share=1, min_items=1)
    joined = apply_keyword_rules(keywords, off.model_copy(update={"join_case": True}))[1].joined
    chosen, whys = off.model_copy(update={"join_case": bool(joined)}), []
    if joined:
        whys.append(f"spellings that differ in case alone: {sum(len(others) for _, others in joined):,}")
    for key in ("max_share", "min_items"):
        rules = chosen.model_copy(update={key: KeywordRules.model_fields[key].default})
        report = apply_keyword_rules(keywords, rules)[1]
        dropped = report.frequent if key == "max_share" else report.rare
        if dropped and report.emptied <= MOST_EMPTIED * report.with_keywords:
            chosen = rules
            what = f"more than {rules.max_share:.0%} of the items" if key == "max_share" else "one item alone"
            whys.append(f"keywords on {what}: {len(dropped):,}")
    if not whys:
        return None
    return Proposal("keyword_rules", chosen.model_dump(), "; ".join(whys))


def list_split_rules() -> list[str]:
    """What `by` of a split can be."""
    return [rule.model_fields["by"].default for rule in get_args(get_args(Split)[0])]


def _to_numbers(column: pl.Series) -> pl.Series:
    numbers = column.cast(pl.String, strict=False).str.strip_chars().cast(pl.Float64, strict=False)
    return numbers.filter(numbers.is_finite().fill_null(False)).alias("rating")
