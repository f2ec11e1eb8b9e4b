"""Features of the boosted trees: the user's visible past (`Interactions.past`), cross-fitted encodings of items.

Every feature is computed in the same way for every split. A row's own label, and any label of the same user after it,
is in none of the row's features: item encodings of a train row come from other users (`past_statistics`), and
everything about the user from earlier rows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from scipy import sparse

from thinkrec.collab.features.item_neighbours import (
    build_tfidf_matrix,
    compute_idf,
    compute_item_factors,
    compute_neighbour_residuals,
)
from thinkrec.collab.features.past_statistics import (
    compute_past_mean,
    compute_range_sums,
    count_past_likes,
    split_user_blocks,
)
from thinkrec.collab.features.target_encoding import ItemTargetEncodings, TargetEncoder
from thinkrec.collab.trained_ids import IdentityCache, TrainedIds, take_rows
from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TRAIN

SHORT, SESSION, DAY = (10, 5, 3), 3600, 86400
AFFINITIES = ("greatest", "least", "mean", "weighted", "rate", "log_count")
"""Columns of `compute_term_affinity`, as their features end."""
_YEAR = re.compile(r"\((\d{4})\)\s*$")


@dataclass(frozen=True)
class FeatureTable:
    """A table of features."""

    names: tuple[str, ...]
    """One per column."""
    values: np.ndarray
    """float64 (n_rows, n_features); NaN where the row has no such thing."""


@dataclass(frozen=True, eq=False)
class ItemFeatures:
    """What the features take from the items of one data set, by their codes."""

    encodings: ItemTargetEncodings
    terms: sparse.csr_matrix
    """(n_items, n_terms): which keyword terms an item has, in ascending order of their codes."""
    unit: sparse.csr_matrix
    """float32 (n_items, n_terms): see `item_neighbours.build_tfidf_matrix`."""
    factors: np.ndarray
    """float64 (folds + 1, n_items, rank): see `item_neighbours.compute_item_factors`."""
    year: np.ndarray
    """float64 (n_items,): see `parse_years`."""

    def list_columns(self, table: np.ndarray | int, item: np.ndarray) -> dict[str, np.ndarray]:
        """Features of items alone by their names, float64 (n,) each.

        Args:
            table: int64 (n,) or one number, the table that each row reads (`past_statistics.assign_row_tables`).
            item: int64 (n,), item codes.
        """
        encodings = self.encodings
        columns = {
            "item_rate": encodings.rate[table, item],
            "item_log_count": encodings.log_count[table, item],
            "item_keywords": encodings.keywords[table, item],
            "item_best": encodings.best[table, item],
            "item_year": self.year[item],
            "item_terms": np.diff(self.terms.indptr)[item].astype(np.float64),
        }
        for column, name in enumerate(("mean", "least", "greatest")):
            columns[f"term_rate_{name}"] = encodings.targets[table, item, column]
        return columns


@dataclass(frozen=True, eq=False)
class FeatureStatistics:
    """What the features take from train rows; the rest of a row's features is the user's own past."""

    target_encoder: TargetEncoder
    idf: np.ndarray
    """float64 (n_terms,): see `item_neighbours.compute_idf`."""
    factors: np.ndarray
    """float64 (folds + 1, n_items, rank): see `item_neighbours.compute_item_factors`; of trained items."""
    year: float
    """Mean year over the rows of the fit whose item has one; NaN where none has."""
    _item_cache: IdentityCache[ItemFeatures] = field(default_factory=IdentityCache[ItemFeatures], repr=False)

    @classmethod
    def from_dataset(
        cls, ds: Dataset, *, folds: int = 10, seed: int = 0, keyword_strength: float = 0.003
    ) -> FeatureStatistics:
        """Fit on the train rows of `ds`. `seed` assigns users to `folds`; nothing else is random."""
        data = ds.interactions
        target_encoder = TargetEncoder.from_dataset(ds, folds=folds, seed=seed, keyword_strength=keyword_strength)
        expected = 1 / (1 + np.exp(-target_encoder.items.best))
        train = data.split == TRAIN
        factors = [
            compute_item_factors(ds, expected[k], train & (target_encoder.fold[data.user] != k))
            for k in range(folds + 1)
        ]
        year = parse_years(ds)[data.item[train]]
        dated = np.isfinite(year)
        mean_year = float(year[dated].mean()) if dated.any() else np.nan
        return cls(
            target_encoder,
            compute_idf(target_encoder.terms.build_matrix(ds.items.keywords)),
            np.stack(factors),
            mean_year,
        )

    def get_item_features(self, ds: Dataset) -> ItemFeatures:
        """What the features take from the items of `ds`; computed once for the data that are asked about."""
        return self._item_cache.get_or_compute(ds.items, lambda: self._compute_item_features(ds))

    def _compute_item_features(self, ds: Dataset) -> ItemFeatures:
        terms = self.target_encoder.terms.build_matrix(ds.items.keywords).sorted_indices()
        rows = self.target_encoder.ids.find_item_rows(ds)
        factors = np.moveaxis(take_rows(np.moveaxis(self.factors, 1, 0), rows, 0.0), 0, 1)
        encodings = self.target_encoder.encode_items(ds)
        return ItemFeatures(encodings, terms, build_tfidf_matrix(terms, self.idf), factors, parse_years(ds))

    def to_arrays(self) -> dict[str, np.ndarray]:
        """All but the ids, by name, for a file."""
        return self.target_encoder.to_arrays() | {
            "idf": self.idf,
            "factors": self.factors,
            "year": np.array([self.year]),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], ids: TrainedIds) -> FeatureStatistics:
        """Restore what `to_arrays` gave. Raises KeyError naming what is not there."""
        target_encoder = TargetEncoder.from_arrays(arrays, ids)
        return cls(target_encoder, arrays["idf"], arrays["factors"], float(arrays["year"][0]))


def parse_years(ds: Dataset) -> np.ndarray:
    """Years in brackets at the end of titles, float64 (n_items,), NaN without one."""
    matches = [_YEAR.search(title) for title in ds.items.titles]
    return np.array([float(match.group(1)) if match else np.nan for match in matches])


def compute_term_affinity(ds: Dataset, terms: sparse.csr_matrix, expected: np.ndarray) -> np.ndarray:
    """Residuals of the user's visible earlier rows that share a term of the row's item, float64 (n, 6).

    `expected`: float64 (n,), chance of liking without knowing the user. Columns: greatest, least, plain mean and
    count-weighted mean over terms of the smoothed mean residual (label - expected); the like rate over all pairs of
    term and earlier row; ln(1 + such pairs). Terms without earlier rows count only in the means, as 0.
    """
    data, past = ds.interactions, ds.interactions.past
    item, label = data.item[past.row], data.label[past.row].astype(np.float64)
    blocks = split_user_blocks(past.owner, np.diff(terms.indptr)[item])
    residual = label - expected[past.row]
    per_block = [
        _compute_block_affinity(terms, past.owner[block], item[block], label[block], residual[block])
        for block in blocks
    ]
    return (np.concatenate(per_block) if per_block else np.zeros((0, 6)))[past.end]


def _compute_block_affinity(
    terms: sparse.csr_matrix, owner: np.ndarray, item: np.ndarray, label: np.ndarray, residual: np.ndarray
) -> np.ndarray:
    """Term affinity (see `compute_term_affinity`) of entries (m,) of the visible past, those of whole users."""
    widths = np.diff(terms.indptr)[item]
    entry = np.repeat(np.arange(len(item)), widths)
    within = np.arange(len(entry)) - np.repeat(np.cumsum(widths) - widths, widths)
    term = terms.indices[terms.indptr[item[entry]] + within].astype(np.int64)
    # Sorted by (owner, term, entry), the earlier rows that share a term are the entries just before.
    key = owner[entry] * max(1, terms.indices.max(initial=0) + 1) + term
    order = np.lexsort((entry, key))
    key, sorted_row = key[order], entry[order]
    first = np.concatenate([[True], key[1:] != key[:-1]]) if len(key) else np.zeros(0, dtype=bool)
    begin = np.maximum.accumulate(np.where(first, np.arange(len(key)), 0))
    position = np.arange(len(key))

    def sum_before(values: np.ndarray) -> np.ndarray:
        return compute_range_sums(values[sorted_row], begin, position)

    count = (position - begin).astype(np.float64)
    likes = sum_before(label)
    return compute_affinity_columns(sorted_row, widths, count, likes, sum_before(residual))


def compute_affinity_columns(
    row: np.ndarray, widths: np.ndarray, count: np.ndarray, likes: np.ndarray, residual: np.ndarray
) -> np.ndarray:
    """Columns of `compute_term_affinity` (n, 6) from entries (m,), one for each row and term of its item.

    Args:
        row: int64 (m,), the row of each entry; the entries of one row ascend by term.
        widths: int64 (n,), terms of each row's item.
        count: float64 (m,), earlier rows that share the term.
        likes: float64 (m,), likes among them.
        residual: float64 (m,), sum of their residuals.
    """
    n = len(widths)
    shrunk = residual / (count + 3)
    greatest, least = np.full(n, -np.inf), np.full(n, np.inf)
    has_past = count > 0
    np.maximum.at(greatest, row[has_past], shrunk[has_past])
    np.minimum.at(least, row[has_past], shrunk[has_past])
    pairs = np.bincount(row, weights=count, minlength=n)
    with np.errstate(invalid="ignore", divide="ignore"):
        columns = [
            np.where(np.isinf(greatest), np.nan, greatest),
            np.where(np.isinf(least), np.nan, least),
            np.bincount(row, weights=shrunk, minlength=n) / widths,
            np.bincount(row, weights=shrunk * count, minlength=n) / pairs,
            np.bincount(row, weights=likes, minlength=n) / pairs,
            np.log1p(pairs),
        ]
    return np.stack(columns, axis=1)


def _compute_session_features(ds: Dataset, gap: int) -> dict[str, np.ndarray]:
    """Like rate and count of the user's visible earlier rows since the last pause longer than `gap` time units."""
    data, past = ds.interactions, ds.interactions.past
    positions = np.arange(len(past.row))
    starts_session = np.ones(len(positions), dtype=bool)
    starts_session[1:] = (np.diff(data.timestamp[past.row]) > gap) | (np.diff(past.owner) != 0)
    begin = np.maximum.accumulate(np.where(starts_session, positions, 0))[past.end]
    likes = np.concatenate([[0], np.cumsum(data.label[past.row], dtype=np.int64)])
    end, count = past.end, past.end - begin
    with np.errstate(invalid="ignore"):
        rate = np.where(count > 0, (likes[end] - likes[begin]) / np.maximum(1, count), np.nan)
    return {f"since_pause_{gap}_rate": rate, f"since_pause_{gap}_count": np.log1p(count)}


def compute_past_columns(ds: Dataset, learned: FeatureStatistics) -> dict[str, np.ndarray]:
    """Features of the user's visible past alone by their names, float64 (n,) each; the row's item is not among them.

    `past_year`: the mean year of the past, which is a feature only as a difference.
    """
    data, items = ds.interactions, learned.get_item_features(ds)
    rows, item = np.arange(len(data)), data.item
    table = learned.target_encoder.find_row_tables(ds, rows)
    best = items.encodings.best[table, item]
    expected = 1 / (1 + np.exp(-best))
    label = data.label.astype(np.float64)
    year = items.year[item]
    columns: dict[str, np.ndarray] = {}
    for last in (None, *SHORT):
        likes, count = count_past_likes(ds, rows, last)
        ending = "all" if last is None else str(last)
        with np.errstate(invalid="ignore"):
            columns[f"user_rate_{ending}"] = likes / count
        columns[f"user_excess_{ending}"] = compute_past_mean(ds, label - expected, last) * count / (count + 3)
        columns[f"past_item_mean_{ending}"] = compute_past_mean(ds, best, last)
    likes, count = count_past_likes(ds, rows)
    columns["user_log_count"] = np.log1p(count)
    columns["user_log_likes"] = np.log1p(likes)
    columns["past_log_item_count"] = compute_past_mean(ds, items.encodings.log_count[table, item], 10)
    columns["past_year"] = compute_past_mean(ds, np.where(np.isfinite(year), year, learned.year))
    past = data.past
    first, newest = past.end == past.begin, past.row[np.maximum(past.end - 1, 0)]
    since = (data.timestamp - data.timestamp[newest]).astype(np.float64)
    columns["log_since_last"] = np.where(first, np.nan, np.log1p(np.maximum(0.0, since)))
    age = data.timestamp - data.timestamp[past.row[past.begin]]
    columns["log_age"] = np.log1p(age.astype(np.float64))
    for gap in (SESSION, DAY):
        columns |= _compute_session_features(ds, gap)
    columns["last_label"] = np.where(first, np.nan, label[newest])
    return columns


def join_columns(
    of_items: dict[str, np.ndarray], of_past: dict[str, np.ndarray], affinity: np.ndarray, votes: dict[str, np.ndarray]
) -> FeatureTable:
    """The table of all features, in the order in which trees know them.

    Args:
        of_items: `ItemFeatures.list_columns`.
        of_past: `compute_past_columns`.
        affinity: float64 (n, 6), `compute_term_affinity`.
        votes: `item_neighbours.compute_neighbour_residuals`.
    """
    of_past = {name.replace("past_year", "year_from_past"): column for name, column in of_past.items()}
    of_past["year_from_past"] = of_items["item_year"] - of_past["year_from_past"]
    of_terms = {f"affinity_{name}": column for name, column in zip(AFFINITIES, affinity.T, strict=True)}
    columns = of_items | of_past | of_terms | votes
    return FeatureTable(tuple(columns), np.stack(list(columns.values()), axis=1))


def build_features(ds: Dataset, learned: FeatureStatistics) -> FeatureTable:
    """Features of all rows of `ds`, in row order: the data of the fit, or other rows of its users and items."""
    data, items = ds.interactions, learned.get_item_features(ds)
    table = learned.target_encoder.find_row_tables(ds, np.arange(len(data)))
    of_items = items.list_columns(table, data.item)
    expected = 1 / (1 + np.exp(-items.encodings.best))
    return join_columns(
        of_items,
        compute_past_columns(ds, learned),
        compute_term_affinity(ds, items.terms, expected[table, data.item]),
        compute_neighbour_residuals(ds, items.unit, expected, table, items.factors),
    )
