from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from thinkrec.collab.features.neighbourhood import NeighbourhoodResidual
from thinkrec.collab.features.past_statistics import (
    ItemStatistics,
    assign_row_tables,
    assign_user_folds,
    compute_user_log_count,
    compute_user_logit,
)
from thinkrec.collab.features.slot_encoder import FOLDS, SlotEncoder
from thinkrec.data.interactions import TRAIN
from thinkrec.errors import CheckpointError
from thinkrec.io.files import read_tensors, write_tensors
from thinkrec.testing import flip_labels, plant_dataset


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


def test_a_candidate_has_the_vector_it_would_have_as_a_row(ds):
    slots, data = fitted(ds), ds.interactions
    vectors = slots.encode_rows(ds)
    for row in (int(data.start[2]), int(data.start[5]) + 4, len(data) - 1):
        items = np.array([data.item[row], 0, 1])
        found = slots.encode_candidates(ds, row, items)
        assert found.shape == (3, 6) and found.dtype == np.float32
        np.testing.assert_allclose(found[0], vectors.item[row], atol=1e-6)


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
