"""Settings that fit a data set: threshold, marks for "not rated", repeats and split, each with its reason."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, get_args

import polars as pl

from thinkrec.data.keyword_rules import KeywordRules, Keywords, apply_keyword_rules
from thinkrec.data.split import Split
from thinkrec.data.suspicious_values import find_outlier_values
from thinkrec.io.counts import format_count

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
    """Value and rows, in order; at most 24 values, else in 10 equal steps by their lower ends, or in steps of 1, 2, 5,
    10, 20 and so on where a few are many times the usual one."""
    distinct: int


def count_ratings(column: pl.Series) -> RatingFacts:
    """How often each rating comes up; values that are no numbers are left out."""
    numbers = list_numbers(column)
    table = numbers.value_counts().sort(numbers.name)
    if len(table) > 24 and float(numbers.min()) >= 0 and float(numbers.max()) > 20 * float(numbers.median()):  # pyright: ignore[reportArgumentType]
        return RatingFacts(_count_by_magnitude(numbers), len(table))
    if len(table) > 24:
        low, high = float(numbers.min()), float(numbers.max())  # pyright: ignore[reportArgumentType]
        step = (high - low) / 10
        bins = ((numbers - low) / step).floor().clip(0, 9).cast(pl.Int64)
        steps = bins.alias("bin").value_counts().sort("bin")
        return RatingFacts(tuple((low + step * b, int(n)) for b, n in steps.iter_rows()), len(table))
    return RatingFacts(tuple((float(value), int(count)) for value, count in table.iter_rows()), len(table))


def _count_by_magnitude(numbers: pl.Series) -> tuple[tuple[float, int], ...]:
    """Rows by the largest of 0, 1, 2, 5, 10, 20, 50, ... that is no more than their value."""
    high = float(numbers.max())  # pyright: ignore[reportArgumentType]
    ends = [0.0] + [digit * 10.0**power for power in range(19) for digit in (1, 2, 5) if digit * 10.0**power <= high]
    places = pl.Series(ends).search_sorted(numbers, side="right") - 1
    counts = places.alias("place").value_counts().sort("place")
    return tuple((ends[place], int(count)) for place, count in counts.iter_rows())


def propose_missing(column: pl.Series) -> Proposal | None:
    """Marks that stand apart from all other ratings, and empty values, as `missing`; None where there are none."""
    numbers = list_numbers(column)
    odd: list[Any] = list(find_outlier_values(numbers.unique().to_list()))
    whys = []
    if odd:
        rest = numbers.filter(~numbers.is_in(odd))
        count = int(numbers.is_in(odd).sum())
        shown = ", ".join(f"{value:g}" for value in odd)
        whys.append(
            f"{format_count(count, 'row has', 'rows have')} {shown}, all others lie between {rest.min():g} and "
            f"{rest.max():g}"
        )
    empty = column.null_count()
    if 0 < empty < len(column):  # a column without any value says nothing of single rows
        odd.append(None)
        whys.append(f"{format_count(empty, 'row has', 'rows have')} no rating")
    if not odd:
        return None
    return Proposal("missing", odd, f"{'; '.join(whys)}: not rated, it seems")


def propose_threshold(column: pl.Series, missing: list[Any]) -> Proposal | None:
    """The value that leaves the share of likes nearest to a half; None where all ratings are equal."""
    numbers = list_numbers(column)
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


def propose_negatives(counts: pl.Series | None) -> list[Proposal]:
    """Every row as a Yes, with drawn items as No, for plays and purchases; counts of 0 are rows that say nothing.

    `counts`: how often or how long, where the table has such a column.
    """
    if counts is None:
        why = (
            "no column of ratings or labels was found, so that every row counts as a Yes, and items that a user never "
            "met are drawn as No; name the column by -o interactions_format.columns.rating=NAME if there is one, or "
            "those of what was taken and what was not by -o feedback.positive=PLAYS -o feedback.negative=SKIPS"
        )
        return [Proposal("negatives", {"per_positive": 1.0}, why)]
    name = counts.name
    why = (
        f"'{name}' counts and is no opinion: every row is a Yes, and items that a user never met are drawn as No; "
        "-o threshold=NUMBER takes it as a rating"
    )
    zeros = int((list_numbers(counts) == 0).sum())
    proposals = [Proposal("negatives", {"per_positive": 1.0}, why)]
    if zeros:
        proposals.append(
            Proposal(
                "missing", [0.0], f"{format_count(zeros, 'row has', 'rows have')} '{name}' 0: nothing happened there"
            )
        )
    return proposals


def has_commas(column: pl.Series) -> bool:
    """Whether a text of the column has a comma."""
    return column.dtype == pl.String and bool(column.str.contains(",", literal=True).any())


def propose_split(columns: Collection[str], *, per_user: bool = False) -> Proposal | None:
    """The table's own split, else the last shares in time, else a random one; None where there is no such rule.

    `columns`: ours that the table has. `per_user`: a random split draws among each user's rows, as is usual for
    implicit feedback.
    """
    if "split" in columns:
        return Proposal("split", {"by": "column"}, "the table has a column with train, valid and test")
    shares = {"valid": 0.1, "test": 0.1}
    if "timestamp" in columns:
        why = "the last tenth of all rows in time, and the tenth before it"
        return Proposal("split", {"by": "fractions", **shares}, why)
    if "random" not in list_split_rules():
        return None
    why = "there are no times, so that no split by time is possible"
    rule = {"by": "random", **shares, **({"per_user": True} if per_user else {})}
    return Proposal("split", rule, why)


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


def list_numbers(column: pl.Series) -> pl.Series:
    """The finite numbers among the values of a column, Float64, a decimal comma read as a point."""
    texts = column.cast(pl.String, strict=False).str.strip_chars().str.replace(r"^(-?\d+),(\d+)$", "$1.$2")
    numbers = texts.cast(pl.Float64, strict=False)
    return numbers.filter(numbers.is_finite().fill_null(False)).alias("rating")
