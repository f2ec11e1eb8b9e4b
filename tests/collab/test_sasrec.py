from __future__ import annotations

import numpy as np
import pytest

from thinkrec.collab import EncoderTrainingConfig, SASRecConfig
from thinkrec.collab.sasrec import compute_gbce_beta
from thinkrec.collab.sequences import UserSequences
from thinkrec.testing import check_encoder, fit_scorer, flip_labels, plant_dataset

FAST = EncoderTrainingConfig(lr=0.01, weight_decay=1e-5, batch_size=256, epochs=6, patience=6)


@pytest.mark.parametrize(
    ("loss", "history", "biases"), [("bce", "liked", False), ("gbce", "liked", True), ("bce", "labelled", True)]
)
def test_contract(loss, history, biases, tmp_path):
    config = SASRecConfig(
        loss=loss, history=history, biases=biases, max_length=10, dim=16, layers=1, init_std=0.1, training=FAST
    )
    check_encoder(config, tmp_path)


def test_beta_against_values_worked_by_hand():
    # The two ends: t = 0 leaves plain cross-entropy, t = 1 gives alpha = 256 / 3415.
    assert compute_gbce_beta(256, 3416, 0.0) == pytest.approx(1.0)
    assert compute_gbce_beta(256, 3416, 1.0) == pytest.approx(256 / 3415)
    # alpha = 1/4, t = 1/2: 1/4 * (1/2 * (1 - 4) + 4) = 1/4 * 5/2
    assert compute_gbce_beta(1, 5, 0.5) == pytest.approx(0.625)


def _read(past, windows, k, of):
    read = windows.read(windows.window[[k]])[("item", "label").index(of)][0]
    assert set(read[windows.count[windows.window[k]] :].tolist()) <= {past.padding if of == "item" else 0}
    return read[: windows.place[k]].tolist()


@pytest.mark.parametrize("history", ["liked", "labelled"])
@pytest.mark.parametrize("length", [1, 2, 7, 25])
def test_windows_hold_the_past_strictly_before_each_row(history, length):
    ds = plant_dataset()
    data = ds.interactions
    past = UserSequences.from_dataset(ds, history)
    rows = np.random.default_rng(0).permutation(len(data))
    latest = past.build_latest_windows(rows, length)
    for call in range(3):
        strided = past.build_strided_windows(rows, length, np.random.default_rng(call))
        assert strided.length == latest.length == length
        for k, row in enumerate(rows):
            before = np.arange(data.start[data.user[row]], row)
            if history == "liked":
                before = before[data.label[before] == 1]
            expected = data.item[before].tolist()
            assert _read(past, latest, k, "item") == expected[-length:]
            assert _read(past, latest, k, "label") == data.label[before].tolist()[-length:]
            seen = _read(past, strided, k, "item")
            assert seen == expected[len(expected) - len(seen) :]
            assert len(seen) >= min(len(expected), length - max(1, length // 2) + 1)


def test_shared_windows_are_fewer_than_rows():
    ds = plant_dataset()
    rows = np.arange(len(ds.interactions))
    shared = UserSequences.from_dataset(ds, "labelled").build_strided_windows(rows, 10, np.random.default_rng(0))
    assert len(shared) < len(rows) / 4


def test_a_past_without_likes_is_the_same_start_for_all():
    ds = plant_dataset()
    ds = flip_labels(ds, np.flatnonzero(ds.interactions.label[: ds.interactions.start[2]]))
    encoder = fit_scorer(
        SASRecConfig(max_length=5, dim=8, layers=1, training=FAST.model_copy(update={"epochs": 1})), ds
    )
    vectors = encoder.encode_users(ds, np.array([0, ds.interactions.start[1], ds.interactions.start[30]]))
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-6)
    np.testing.assert_allclose(vectors[0], vectors[2], atol=1e-6)


def test_dislikes_are_read_only_from_labelled_histories():
    ds = plant_dataset()
    row = int(ds.interactions.start[5] - 1)
    other = flip_labels(ds, np.arange(row - 5, row))
    quick = FAST.model_copy(update={"epochs": 1})
    encoder = fit_scorer(SASRecConfig(history="labelled", max_length=5, dim=8, layers=1, training=quick), ds)
    rows = np.array([row])
    assert not np.allclose(encoder.encode_users(ds, rows), encoder.encode_users(other, rows))
