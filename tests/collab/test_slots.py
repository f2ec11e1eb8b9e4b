from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from contracts.encoder import planted, relabelled

from thinkrec.collab.slots import FOLDS, SlotEncoder
from thinkrec.collab.statistics import ItemStatistics, table_of_row, user_like_logit, user_log_count
from thinkrec.data.rows import TRAIN
from thinkrec.errors import CheckpointError
from thinkrec.model.disk import read_tensors, write_tensors


@pytest.fixture(scope="module")
def ds():
    plain = planted()
    words = [("old", "blue") if i % 3 else ("new", "red") for i in range(len(plain.items))]
    return replace(plain, items=replace(plain.items, keywords=words))


def fitted(ds) -> SlotEncoder:
    return SlotEncoder.fit(ds, None, statistics=True, seed=3)


def test_statistics_stand_where_the_docstring_says(ds):
    vectors, data = fitted(ds).vectors(ds), ds.interactions
    rows = np.arange(len(data))
    assert vectors.user.shape == vectors.item.shape == (len(data), 6)
    assert vectors.catalogue.shape == (len(ds.items), 6)
    train = data.label[data.split == TRAIN]
    mean = (train.sum() + 1) / (len(train) + 2)
    np.testing.assert_allclose(vectors.user[:, 0], user_like_logit(ds, rows, mean=mean), rtol=1e-5)
    np.testing.assert_allclose(vectors.user[:, 1], user_log_count(ds, rows), rtol=1e-5)
    known, table = ItemStatistics.of(ds, folds=FOLDS, seed=3), table_of_row(ds, rows, FOLDS, 3)
    np.testing.assert_allclose(vectors.item[:, 0], known.logit[table, data.item], rtol=1e-5)
    np.testing.assert_allclose(vectors.catalogue[:, 1], known.log_count[-1], rtol=1e-5)
    assert (vectors.user[:, -2:] == (1, 0)).all() and (vectors.item[:, -2:] == (0, 1)).all()


def test_a_rows_own_label_and_what_follows_are_in_none_of_its_vectors(ds):
    data, row = ds.interactions, int(ds.interactions.start[6] + 10)
    assert data.split[row] == TRAIN
    before, after = (fitted(d).vectors(d) for d in (ds, relabelled(ds, np.arange(row, data.start[7]))))
    np.testing.assert_array_equal(before.item[row], after.item[row])
    # Only the mean like rate of all train rows, one number for everybody, may move.
    np.testing.assert_allclose(before.user[row], after.user[row], atol=2e-2)
    np.testing.assert_array_equal(before.user[row, 1:], after.user[row, 1:])
    assert not np.array_equal(before.catalogue, after.catalogue)


def test_held_out_labels_are_in_no_item_vector(ds):
    changed = relabelled(ds, np.flatnonzero(ds.interactions.split != TRAIN))
    np.testing.assert_array_equal(fitted(ds).vectors(ds).item, fitted(changed).vectors(changed).item)


@pytest.mark.parametrize("statistics", [True, False])
def test_saved_and_read_again(ds, statistics, tmp_path):
    made = SlotEncoder.fit(ds, None, statistics=statistics, seed=3)
    made.save(tmp_path / "slots.safetensors")
    read = SlotEncoder.load(tmp_path / "slots.safetensors", None)
    np.testing.assert_array_equal(made.vectors(ds).item, read.vectors(ds).item)
    np.testing.assert_array_equal(made.vectors(ds).user, read.vectors(ds).user)


def test_statistics_of_another_version_are_refused(ds, tmp_path):
    fitted(ds).save(tmp_path / "slots.safetensors")
    tensors = read_tensors(tmp_path / "slots.safetensors")
    tensors["logit"] = tensors.pop("rate")
    write_tensors(tmp_path / "slots.safetensors", tensors)
    with pytest.raises(CheckpointError, match="this version keeps rate"):
        SlotEncoder.load(tmp_path / "slots.safetensors", None)
