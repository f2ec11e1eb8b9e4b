"""Labels from ratings, a threshold and marks for "not rated"."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

import polars as pl

from thinkrec.data import columns as col
from thinkrec.data import suspicious_values
from thinkrec.errors import DataError


def find_unrated_rows(df: pl.DataFrame, missing: Collection[Any] | None, source: str) -> pl.Series:
    """Mask of the rows whose rating is one of `missing`, Boolean (n,)."""
    unrated = pl.zeros(df.height, dtype=pl.Boolean, eager=True)
    if missing is None:
        return unrated
    if isinstance(missing, str) or not isinstance(missing, Collection):
        raise DataError(f"{source}: missing={missing!r}; give a list of values, such as [0].")
    if not missing:
        return unrated
    if "rating" not in df.columns:
        raise DataError(f"{source}: `missing` names ratings, but the table has no column 'rating'. Drop it.")
    rating = df["rating"]
    words = (
        rating.cast(pl.String, strict=False).str.strip_chars().str.to_lowercase()
        if not rating.dtype.is_nested()
        else unrated
    )
    numbers = words.cast(pl.Float64, strict=False)
    for value in missing:
        if value is None or (isinstance(value, float) and value != value) or str(value).strip().lower() in ("", "nan"):
            unrated = unrated | words.is_null() | (words == "") | (words == "nan").fill_null(False)
        elif isinstance(value, int | float):
            unrated = unrated | (numbers == float(value)).fill_null(False)
        else:
            text = str(value).strip().lower()
            unrated = unrated | (words == text).fill_null(False)
            if re.fullmatch(r"[-+]?\d+(\.\d*)?", text):
                unrated = unrated | (numbers == float(text)).fill_null(False)
    return unrated.fill_null(True)


def derive_labels(
    df: pl.DataFrame,
    source: str,
    threshold: float | None,
    absent: pl.Series,
    unsure: bool,
    is_implicit: bool = False,
) -> pl.Series:
    """Labels, Int8 (n,), of no meaning where `absent`.

    `unsure`: values that look like marks for "not rated" are warned of. `is_implicit`: that every label is a Yes is
    meant, and not warned of.
    """
    present = [name for name in ("rating", "label") if name in df.columns]
    if len(present) != 1:
        problem = "both columns 'rating' and 'label'" if present else "neither a column 'rating' nor 'label'"
        similar = (
            None
            if present
            else next((n for n in (_find_similar_column("rating", df), _find_similar_column("label", df)) if n), None)
        )
        hint = "" if similar is None else f" Did you mean '{similar}'?"
        raise DataError(
            f"{source}: the table has {problem}. Keep exactly one: 'rating' with a threshold, or 'label' (0 or 1)."
            f"{hint}"
        )
    if present == ["label"]:
        if threshold is not None:
            raise DataError(
                f"{source}: column 'label' needs no threshold, but threshold={threshold} was given. Drop one."
            )
        labels = col.parse_labels(df["label"], source)
        if not is_implicit:
            suspicious_values.warn_single_class(labels, None, None, source)
        return labels
    bar = col.check_threshold(threshold, source)
    rated = pl.select(pl.when(~absent).then(df["rating"].alias("rating"))).to_series() if absent.any() else df["rating"]
    ratings = pl.zeros(df.height, dtype=pl.Float64, eager=True)
    if not absent.all():
        ratings = _parse_ratings(rated, absent, source)
        known = ratings.filter(~absent)
        if unsure:
            suspicious_values.warn_outlier_ratings(df["rating"], ratings, bar, source)
        suspicious_values.warn_single_class((known > bar).cast(pl.Int8), known, bar, source)
    return (ratings > bar).cast(pl.Int8).alias("label")


def _parse_ratings(column: pl.Series, absent: pl.Series, source: str) -> pl.Series:
    """Ratings, Float64 (n,), 0 where `absent`."""
    if not absent.any():
        return col.parse_ratings(column, source)
    text = column.dtype == pl.String
    filled = column.fill_null("0") if text else column.cast(pl.Float64).fill_null(0.0)
    return col.parse_ratings(filled, source)


def _find_similar_column(name: str, df: pl.DataFrame) -> str | None:
    return col.find_similar_column(
        name, [column for column in df.columns if column not in ("user_id", "item_id", "timestamp")]
    )
