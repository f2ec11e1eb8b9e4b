from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from thinkrec.collab import MFConfig, SASRecConfig
from thinkrec.collab.features.neighbourhood import NeighbourhoodResidual
from thinkrec.collab.features.past_statistics import (
    ItemStatistics,
    assign_row_tables,
    assign_user_folds,
    compute_user_log_count,
    compute_user_logit,
)
from thinkrec.collab.features.slot_encoder import FOLDS, SlotEncoder
from thinkrec.data.interactions import TEST, TRAIN
from thinkrec.data.query import Query
from thinkrec.errors import CheckpointError
from thinkrec.io.files import read_tensors, write_tensors
from thinkrec.testing import fit_scorer, flip_labels, plant_dataset


@pytest.fixture(scope="module")
def ds():
    plain = plant_dataset()
    words = [("old", "blue") if i % 3 else ("new", "red") for i in range(len(plain.items))]
    return replace(plain, items=replace(plain.items, keywords=words))


def fitted(ds, votes=True) -> SlotEncoder:
    return SlotEncoder.from_dataset(ds, None, statistics=True, votes=votes, seed=3)


def test_statistics_stand_where_the_docstring_says(ds):
    vectors, data = fitted(ds).encode_rows(ds), ds.interactions
    rows = np.arange(len(data))
    assert vectors.user.shape == vectors.item.shape == (len(data), 6)
    train = data.label[data.split == TRAIN]
    mean = (train.sum() + 1) / (len(train) + 2)
    np.testing.assert_allclose(vectors.user[:, 0], compute_user_logit(ds, rows, mean=mean), rtol=1e-5)
    np.testing.assert_allclose(vectors.user[:, 1], compute_user_log_count(ds, rows), rtol=1e-5)
    known, table = (
        ItemStatistics.from_dataset(ds, folds=FOLDS, seed=3),
        assign_row_tables(ds, rows, assign_user_folds(data.n_users, FOLDS, 3), FOLDS),
    )
    np.testing.assert_allclose(vectors.item[:, 0], known.logit[table, data.item], rtol=1e-5)
    expected = 1 / (1 + np.exp(-vectors.item[:, 2].astype(np.float64)))
    np.testing.assert_allclose(
        vectors.item[:, 3], NeighbourhoodResidual.from_dataset(ds).compute_row_residuals(ds, expected), atol=1e-5
    )
    assert (fitted(ds, votes=False).encode_rows(ds).item[:, 3] == 0).all() and vectors.item[:, 3].any()
    assert (vectors.user[:, -2:] == (1, 0)).all() and (vectors.item[:, -2:] == (0, 1)).all()


def test_a_rows_own_label_and_what_follows_are_in_none_of_its_vectors(ds):
    data, row = ds.interactions, int(ds.interactions.start[6] + 10)
    assert data.split[row] == TRAIN
    before, after = (fitted(d).encode_rows(d) for d in (ds, flip_labels(ds, np.arange(row, data.start[7]))))
    np.testing.assert_allclose(before.item[row], after.item[row], atol=1e-6)
    # Only the mean like rate of all train rows, one number for everybody, may move.
    np.testing.assert_allclose(before.user[row], after.user[row], atol=2e-2)
    np.testing.assert_array_equal(before.user[row, 1:], after.user[row, 1:])
    assert not np.allclose(before.item[row + 1 :], after.item[row + 1 :])


def as_test_rows(ds):
    """All rows as test rows: they read the statistics of all train rows, as a query does, which stands in no table."""
    held_out = np.full(len(ds.interactions), TEST, dtype=np.int8)
    return replace(ds, interactions=replace(ds.interactions, split=held_out))


@pytest.mark.parametrize(
    "config",
    [None, MFConfig(dim=4, training={"epochs": 1}), SASRecConfig(dim=4, heads=1, training={"epochs": 1})],
    ids=["none", "mf", "sasrec"],
)
@pytest.mark.parametrize("votes", [True, False])
def test_a_query_has_the_vectors_that_its_past_and_its_row_have_in_a_table(ds, config, votes):
    encoder = None if config is None else fit_scorer(config, ds)
    slots = SlotEncoder.from_dataset(ds, encoder, statistics=True, votes=votes, seed=3)
    table, data = as_test_rows(ds), ds.interactions
    vectors = slots.encode_rows(table)
    for row in (int(data.start[2]), int(data.start[5]) + 4, int(data.start[7]) + 15, len(data) - 1):
        query = Query.from_row(ds, row) if row == len(data) - 1 else Query.from_row(table, row)
        past, items = data.past.row[data.past.find_slice(row, len(data))], np.array([data.item[row], 0, 1])
        found, candidates = slots.encode_query(ds, query), slots.encode_candidates(ds, query, items)
        # A sequence alone in its batch may differ in the last digit; everything else is the same number.
        if config is None or config.kind == "mf":
            np.testing.assert_array_equal(found.user, vectors.user[row])
        np.testing.assert_allclose(found.user, vectors.user[row], atol=1e-6)
        np.testing.assert_array_equal(found.past, vectors.item[past])
        assert candidates.shape == (3, vectors.item.shape[1]) and candidates.dtype == np.float32
        np.testing.assert_allclose(candidates[0], vectors.item[row], atol=1e-6)


def test_held_out_labels_reach_item_vectors_only_as_votes_of_the_past(ds):
    data = ds.interactions
    changed = flip_labels(ds, np.flatnonzero(data.split != TRAIN))
    before, after = (fitted(d).encode_rows(d).item for d in (ds, changed))
    np.testing.assert_array_equal(np.delete(before, 3, axis=1), np.delete(after, 3, axis=1))
    held_out_before = np.array(
        [(data.split[data.start[data.user[row]] : row] != TRAIN).any() for row in range(len(data))]
    )
    np.testing.assert_allclose(before[~held_out_before], after[~held_out_before], atol=1e-6)
    assert not np.allclose(before[held_out_before, 3], after[held_out_before, 3])


@pytest.mark.parametrize(("statistics", "votes"), [(True, True), (True, False), (False, False)])
def test_saved_and_read_again(ds, statistics, votes, tmp_path):
    made = SlotEncoder.from_dataset(ds, None, statistics=statistics, votes=votes, seed=3)
    made.save(tmp_path / "slots.safetensors")
    read = SlotEncoder.load(tmp_path / "slots.safetensors", None)
    np.testing.assert_array_equal(made.encode_rows(ds).item, read.encode_rows(ds).item)
    np.testing.assert_array_equal(made.encode_rows(ds).user, read.encode_rows(ds).user)


def test_statistics_of_another_version_are_refused(ds, tmp_path):
    fitted(ds).save(tmp_path / "slots.safetensors")
    tensors = read_tensors(tmp_path / "slots.safetensors")
    tensors["facts.logit"] = tensors.pop("facts.rate")
    write_tensors(tmp_path / "slots.safetensors", tensors)
    with pytest.raises(CheckpointError, match="lacks 'rate', which this version keeps"):
        SlotEncoder.load(tmp_path / "slots.safetensors", None)
