"""A question about many items has the scores of a table with a row for each, to the last digit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from thinkrec.collab import GradientBoostingConfig
from thinkrec.collab.boosting import GradientBoosting
from thinkrec.collab.encoder import QueryScorer
from thinkrec.collab.features.item_neighbours import REACH
from thinkrec.collab.features.query_features import build_query_features
from thinkrec.collab.features.tree_features import build_features
from thinkrec.data.dataset import Dataset
from thinkrec.data.query import Query
from thinkrec.data.split import ByFractions, ByRandom, Split
from thinkrec.score import candidates
from thinkrec.testing import fit_scorer

N_ITEMS = 150


def draw_dataset(split: Split, *, times: bool = True) -> Dataset:
    """Pasts from none to more than REACH rows, items with and without keywords and years, pauses of days."""
    rng = np.random.default_rng(0)
    lengths = [130, 120, 90, 60, 40, 30, 20, 12, 8, 5, 3, 2]
    user = np.repeat(np.arange(len(lengths)), lengths)
    item = np.concatenate([rng.permutation(N_ITEMS)[:length] for length in lengths])
    label = (rng.random(len(user)) < 0.3 + 0.4 * (item % 3 == 0)).astype(int)
    rows = {"user_id": user, "item_id": item, "label": label}
    if times:
        rows["timestamp"] = 10**9 + rng.integers(0, 90, len(user)) * 40_000
    words = ["fog", "moss", "salt", "iron", "tide", "fern", "ash"]
    items = {
        "item_id": np.arange(N_ITEMS),
        "title": [f"Item {i} ({1950 + i % 60})" if i % 4 else f"Item {i}" for i in range(N_ITEMS)],
        "keywords": [list(rng.permutation(words)[: i % 5]) for i in range(N_ITEMS)],
    }
    return Dataset.from_tables(pl.DataFrame(rows), pl.DataFrame(items), split=split)


def fit(ds: Dataset) -> GradientBoosting:
    config = GradientBoostingConfig(trees=25, n_seeds=2, min_leaf_rows=5, folds=3, item_logit_weights=(0.1,))
    scorer = fit_scorer(config, ds)
    assert isinstance(scorer, GradientBoosting) and isinstance(scorer, QueryScorer)
    return scorer


def compare(scorer: GradientBoosting, ds: Dataset, query: Query, asked: np.ndarray) -> None:
    query = replace(query, candidates=asked)
    row_by_row = candidates._score_batch(scorer, ds, query, asked)
    assert np.array_equal(scorer.score_query(ds, query), row_by_row)
    assert np.array_equal(candidates.score_candidates(scorer, ds, query), row_by_row)


@pytest.mark.parametrize(
    ("split", "times"),
    [(ByFractions(valid=0.2, test=0.2), True), (ByRandom(), True), (ByRandom(per_user=True), False)],
    ids=["in time", "random", "without times"],
)
@pytest.mark.filterwarnings("ignore")
def test_every_candidate_of_every_user(split: Split, times: bool) -> None:
    ds = draw_dataset(split, times=times)
    scorer, everything = fit(ds), np.arange(N_ITEMS)
    assert max(np.bincount(ds.interactions.user)) > REACH
    for user in range(ds.interactions.n_users):
        compare(scorer, ds, Query.from_dataset(ds, user), everything)
    compare(scorer, ds, Query.from_row(ds, 40), everything[::7])
    compare(scorer, ds, Query.from_dataset(ds, 3), everything[5:6])


@pytest.mark.filterwarnings("ignore")
def test_features_are_those_of_rows() -> None:
    ds = draw_dataset(ByFractions(valid=0.2, test=0.2))
    learned = fit(ds).learned
    assert learned is not None
    row = int(ds.interactions.get_split_rows(2)[0])
    by_row = build_features(ds, learned)
    table, shared = build_query_features(ds, learned, Query.from_row(ds, row))
    assert table.names == by_row.names
    np.testing.assert_array_equal(table.values[0], by_row.values[row])
    for name, column in shared.items():
        np.testing.assert_array_equal(column, table.values[:, table.names.index(name)], err_msg=name)
    assert "item_best" not in shared and "user_rate_all" in shared


@pytest.mark.filterwarnings("ignore")
def test_somebody_new_no_past_and_new_items() -> None:
    ds = draw_dataset(ByFractions(valid=0.2, test=0.2))
    scorer, empty = fit(ds), np.zeros(0, np.int64)
    compare(scorer, ds, Query.from_ratings(ds, None, empty, np.zeros(0, np.int8)), np.arange(N_ITEMS))
    some = np.arange(20, 60)
    compare(scorer, ds, Query.from_ratings(ds, "new", some, (some % 2).astype(np.int8)), np.arange(N_ITEMS))
    assert scorer.score_query(ds, Query.from_dataset(ds, 3)).shape == (0,)
    items: dict[str, Any] = {"ids": [*ds.items.ids, "later"], "titles": (*ds.items.titles, "Later (2001)")}
    texts = pl.concat([ds.items.texts, ds.items.texts[:1]])
    larger = replace(ds, items=replace(ds.items, **items, keywords=[*ds.items.keywords, ("fog", "ash")], texts=texts))
    compare(scorer, larger, Query.from_dataset(larger, 2), np.arange(N_ITEMS + 1))


def test_trees_lose_the_nodes_of_known_features() -> None:
    ds = draw_dataset(ByFractions(valid=0.2, test=0.2))
    trees = fit(ds).trees
    assert trees is not None
    rng = np.random.default_rng(1)
    table = rng.normal(size=(50, int(trees.feature.max()) + 1))
    table[:, 1::2] = rng.normal(size=table.shape[1])[1::2]
    table[:, 3] = np.nan
    known = np.full(table.shape[1], np.inf)
    known[1::2] = table[0, 1::2]
    fixed = trees.fix_features(known)
    assert np.array_equal(fixed.score(table), trees.score(table))
    # Whatever the known features become, the fixed trees look at them no more.
    other = table.copy()
    other[:, 1::2] = rng.normal(size=(50, len(known[1::2])))
    assert np.array_equal(fixed.score(other), fixed.score(table))
    assert not np.array_equal(trees.score(other), trees.score(table))
