"""Figures of a data set by which one judges whether a recommender can learn from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import SPLITS, TEST, TRAIN

EARLIEST_DATE = 10**8
"""Smaller timestamps are no seconds since 1970."""


@dataclass(frozen=True)
class DataFacts:
    """Counts and shares; charts are pairs of a label and a count."""

    rows: int
    users: int
    train_users: int
    """Users with a train row."""
    items: int
    items_with_rows: int
    density: float
    """Distinct pairs of a user and an item over users times items with rows."""
    rows_per_user: tuple[int, float, int]
    """Least, median, most."""
    rows_per_item: tuple[int, float, int]
    """Likewise, of items with rows."""
    repeated_pairs: int
    """Rows whose user and item stand in another row too, less one each."""
    years: tuple[tuple[str, int], ...]
    """Rows per year, or per month where they span less than two years; empty where times are no dates."""
    activity: tuple[tuple[str, int], ...]
    """Users by their number of rows."""
    split_rows: dict[str, int]
    like_rates: dict[str, float | None]
    cold_test: dict[str, float | None]
    """Share of test rows whose user, item, or either has no train row."""
    one_sided_test_users: float | None
    """Share of the test's users whose test rows all have one outcome: they count in no metric per user."""
    with_keywords: float
    """Share of items with a keyword."""
    shared_keywords: float
    """Share of distinct keywords that two items or more have."""
    text_columns: tuple[str, ...]
    """Further columns of the items with texts of several words, in which keywords could be found."""
    repeated_titles: int
    """Items whose title another one has too."""

    def to_json(self) -> dict[str, object]:
        """As plain values."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in vars(self).items()}


def compute_facts(ds: Dataset) -> DataFacts:
    """The figures of a data set."""
    table = ds.interactions
    per_user = np.bincount(table.user, minlength=table.n_users)
    per_item = np.bincount(table.item, minlength=len(ds.items))
    met = per_item[per_item > 0]
    pairs = len(np.unique(table.user.astype(np.int64) * len(ds.items) + table.item))
    summary = ds.summarise()
    words = [word.casefold() for keywords in ds.items.keywords for word in {word.casefold() for word in keywords}]
    _, times_used = np.unique(words, return_counts=True) if words else (None, np.zeros(0))
    _, titled = np.unique(np.array(ds.items.titles, dtype=object).astype(str), return_counts=True)
    return DataFacts(
        rows=len(table),
        users=table.n_users,
        train_users=len(np.unique(table.user[table.split == TRAIN])),
        items=len(ds.items),
        items_with_rows=len(met),
        density=pairs / (table.n_users * len(met)),
        rows_per_user=_summarise_counts(per_user),
        rows_per_item=_summarise_counts(met),
        repeated_pairs=len(table) - pairs,
        years=count_by_date(table.timestamp),
        activity=_count_by_activity(per_user),
        split_rows={name: summary["rows"][name] for name in SPLITS},
        like_rates=summary["like_rate"],
        cold_test=_compute_cold_shares(ds),
        one_sided_test_users=_compute_one_sided_share(ds),
        with_keywords=sum(map(bool, ds.items.keywords)) / len(ds.items),
        shared_keywords=float((times_used > 1).mean()) if len(times_used) else 0.0,
        text_columns=tuple(column.name for column in ds.items.texts if has_words(column)),
        repeated_titles=int(titled[titled > 1].sum()),
    )


def has_words(column: pl.Series) -> bool:
    """Whether a column of text mostly holds three words or more, and no addresses."""
    texts = column.drop_nulls().head(1000)
    words = texts.str.contains(r"\S\s+\S+\s+\S") & ~texts.str.contains(r"https?://|www\.")
    return len(texts) > 0 and float(words.mean() or 0) > 0.3  # pyright: ignore[reportArgumentType]


def count_by_date(seconds: np.ndarray) -> tuple[tuple[str, int], ...]:
    """Rows per year, or per month where they span less than two years, in order; none where they are no dates."""
    if not len(seconds) or int(seconds.max()) < EARLIEST_DATE or int(seconds.max()) > 10**11:
        return ()
    dates = seconds.astype("datetime64[s]")
    unit = "M" if int(seconds.max()) - int(seconds.min()) < 2 * 365 * 86_400 else "Y"
    names, counts = np.unique(dates.astype(f"datetime64[{unit}]"), return_counts=True)
    return tuple((str(name), int(count)) for name, count in zip(names, counts, strict=True))


def _summarise_counts(counts: np.ndarray) -> tuple[int, float, int]:
    return int(counts.min()), float(np.median(counts)), int(counts.max())


def _count_by_activity(per_user: np.ndarray) -> tuple[tuple[str, int], ...]:
    edges = ((1, 1), (2, 4), (5, 9), (10, 19), (20, 49), (50, 99), (100, 499), (500, None))
    counts = []
    for low, high in edges:
        inside = (per_user >= low) & ((per_user <= high) if high is not None else True)
        name = f"{low}" if low == high else f"{low} and more" if high is None else f"{low} to {high}"
        counts.append((name, int(inside.sum())))
    return tuple((name, count) for name, count in counts if count)


def _compute_cold_shares(ds: Dataset) -> dict[str, float | None]:
    table = ds.interactions
    test, train = table.split == TEST, table.split == TRAIN
    cold = {
        name: ~np.isin(codes[test], np.unique(codes[train]))
        for name, codes in (("user", table.user), ("item", table.item))
    }
    cold["either"] = cold["user"] | cold["item"]
    return {name: float(mask.mean()) if len(mask) else None for name, mask in cold.items()}


def _compute_one_sided_share(ds: Dataset) -> float | None:
    table = ds.interactions
    test = table.split == TEST
    users, codes = np.unique(table.user[test], return_inverse=True)
    if not len(users):
        return None
    rates = np.bincount(codes, weights=table.label[test]) / np.bincount(codes)
    return float(((rates == 0) | (rates == 1)).mean())
