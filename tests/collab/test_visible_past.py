"""A split that is not in time order: no label of a validation or test row reaches a train row, by any reader."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from thinkrec.collab import build_scorer
from thinkrec.collab.features.keyword_terms import KeywordVocabulary
from thinkrec.collab.features.neighbourhood import NeighbourhoodResidual
from thinkrec.collab.features.past_statistics import (
    compute_past_mean,
    compute_past_residual,
    compute_user_log_count,
    compute_user_logit,
    count_past_likes,
)
from thinkrec.collab.features.slot_encoder import SlotEncoder
from thinkrec.collab.features.tree_features import FeatureStatistics, _compute_session_features, compute_term_affinity
from thinkrec.collab.features.tree_features import build_features as build_features
from thinkrec.collab.lightgcn import LightGCNConfig
from thinkrec.collab.mf import MFConfig
from thinkrec.collab.sasrec import SASRec, SASRecConfig
from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TEST, TRAIN, VALID, Interactions
from thinkrec.data.query import Query
from thinkrec.reasons.choose import compute_minority_share
from thinkrec.teacher.rule_reasons import argue_row
from thinkrec.testing import flip_labels, plant_dataset


@pytest.fixture(scope="module")
def ds() -> Dataset:
    """`plant_dataset` with splits dealt at random, 60 / 20 / 20."""
    plain = plant_dataset(n_users=40, per_user=24)
    split = np.random.default_rng(1).choice(3, size=len(plain.interactions), p=(0.6, 0.2, 0.2)).astype(np.int8)
    return replace(plain, interactions=replace(plain.interactions, split=split))


def up_to(ds: Dataset, split: int) -> tuple[Dataset, np.ndarray]:
    """The data set without the rows of later splits, and the row numbers that are left."""
    it = ds.interactions
    kept = np.flatnonzero(it.split <= split)
    columns = (getattr(it, name)[kept] for name in ("user", "item", "label", "timestamp", "split", "order"))
    return replace(ds, interactions=Interactions.build(*columns, n_users=it.n_users)), kept


def flipped(ds: Dataset, *splits: int) -> Dataset:
    return flip_labels(ds, np.flatnonzero(np.isin(ds.interactions.split, splits)))


def numbers(ds: Dataset) -> dict[str, np.ndarray]:
    """Every number that a reader takes from the past, by row."""
    rows = np.arange(len(ds.interactions))
    slots = SlotEncoder.from_dataset(ds, None, statistics=True, votes=True, seed=3).encode_rows(ds)
    expected = np.full(len(rows), 0.5)
    found = {
        "user": slots.user,
        "item": slots.item,
        "features": build_features(ds, FeatureStatistics.from_dataset(ds)).values,
        "logit": compute_user_logit(ds, rows),
        "count": compute_user_log_count(ds, rows),
        "excess": compute_past_residual(ds, expected),
        "recent": compute_past_residual(ds, expected, 3),
        "mixed": compute_minority_share(ds, rows, 5),
    }
    return {name: np.asarray(value).reshape(len(rows), -1) for name, value in found.items()}


@pytest.mark.parametrize("split", [TRAIN, VALID])
def test_a_row_has_the_numbers_it_would_have_without_later_splits(ds: Dataset, split: int) -> None:
    alone, kept = up_to(ds, split)
    mine = ds.interactions.split[kept] == split
    whole, part = numbers(ds), numbers(alone)
    for name, value in whole.items():
        np.testing.assert_allclose(value[kept][mine], part[name][mine], rtol=1e-6, atol=1e-7, err_msg=name)
    assert not np.allclose(whole["logit"][kept][~mine], 0) or split == TRAIN


@pytest.mark.parametrize("split", [TRAIN, VALID, TEST])
def test_readers_of_the_past_read_each_visible_row_once(ds: Dataset, split: int) -> None:
    """As on a table in time order, which has no other rows at all."""
    alone, kept = up_to(ds, split)
    plain = replace(alone, interactions=replace(alone.interactions, split=np.full(len(kept), TEST, dtype=np.int8)))
    assert plain.interactions.past.is_complete and not ds.interactions.past.is_complete
    expected = np.random.default_rng(3).uniform(0.2, 0.8, len(ds.interactions))
    mine, votes = ds.interactions.split[kept] == split, NeighbourhoodResidual.from_dataset(ds)
    terms = KeywordVocabulary.from_keywords(ds.items.keywords).build_matrix(ds.items.keywords)

    def read(data: Dataset, chance: np.ndarray) -> list[np.ndarray]:
        rows = np.arange(len(data.interactions))
        return [
            votes.compute_row_residuals(data, chance),
            compute_term_affinity(data, terms, chance),
            compute_past_mean(data, chance, 4),
            *count_past_likes(data, rows),
            *count_past_likes(data, rows, 3),
            *_compute_session_features(data, 1500).values(),
        ]

    for number, (whole, part) in enumerate(zip(read(ds, expected), read(plain, expected[kept]), strict=True)):
        np.testing.assert_allclose(whole[kept][mine], part[mine], atol=1e-9, err_msg=str(number))


def test_labels_of_held_out_rows_move_nothing_of_a_train_row(ds: Dataset) -> None:
    split, before = ds.interactions.split, numbers(ds)
    for changed, still in ((flipped(ds, VALID, TEST), split == TRAIN), (flipped(ds, TEST), split != TEST)):
        after = numbers(changed)
        for name, value in before.items():
            np.testing.assert_array_equal(value[still], after[name][still], err_msg=name)
        # A test row sees everything before it, whatever its split.
        assert (before["logit"][split == TEST] != after["logit"][split == TEST]).any()


def test_candidates_are_asked_from_the_visible_past(ds: Dataset) -> None:
    slots, changed = SlotEncoder.from_dataset(ds, None, statistics=True, votes=True, seed=3), flipped(ds, VALID, TEST)
    row = int(ds.interactions.get_split_rows(TRAIN)[-1])
    items = np.array([int(ds.interactions.item[row]), 0])
    asked, again = Query.from_row(ds, row), Query.from_row(changed, row)
    assert len(asked.items) and asked.splits.tolist() == [TRAIN] * len(asked.items)
    np.testing.assert_array_equal(
        slots.encode_candidates(ds, asked, items), slots.encode_candidates(changed, again, items)
    )
    np.testing.assert_array_equal(slots.encode_query(ds, asked).user, slots.encode_query(changed, again).user)


@pytest.mark.parametrize("history", ["liked", "labelled"])
def test_a_sequence_is_read_as_if_later_splits_were_not_there(ds: Dataset, history: str) -> None:
    config = SASRecConfig(dim=8, heads=1, layers=1, max_length=6, history=history, dropout=0, training={"epochs": 2})
    model, other = SASRec(config), SASRec(config)
    model.fit(ds, seed=0)
    other.fit(flipped(ds, TEST), seed=0)
    assert model.net is not None and other.net is not None
    for (name, a), (_, b) in zip(model.net.state_dict().items(), other.net.state_dict().items(), strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy(), err_msg=name)
    alone, kept = up_to(ds, TRAIN)
    np.testing.assert_allclose(model.encode_users(ds, kept), model.encode_users(alone, np.arange(len(kept))), atol=1e-5)
    moved = model.encode_users(flipped(ds, VALID, TEST), kept)
    np.testing.assert_array_equal(model.encode_users(ds, kept), moved)


@pytest.mark.parametrize(
    "config",
    [
        MFConfig(dim=4, training={"epochs": 1}),
        LightGCNConfig(dim=4, training={"epochs": 1}),
        SASRecConfig(dim=4, heads=1, training={"epochs": 1}),
    ],
)
def test_no_held_out_label_reaches_the_weights_of_an_encoder(ds: Dataset, config) -> None:
    train = ds.interactions.get_split_rows(TRAIN)
    models = [build_scorer(config) for _ in range(2)]
    for model, data in zip(models, (ds, flipped(ds, VALID, TEST)), strict=True):
        model.fit(data, seed=0)
    np.testing.assert_array_equal(*(model.encode_users(ds, train) for model in models))
    np.testing.assert_array_equal(*(model.encode_items(ds) for model in models))


def test_the_rules_argue_from_the_visible_past(ds: Dataset) -> None:
    changed = flipped(ds, VALID, TEST)
    for row in ds.interactions.get_split_rows(TRAIN)[::7]:
        told = [argue_row(data, int(row), 10, np.random.default_rng(0)) for data in (ds, changed)]
        assert told[0] == told[1]
