"""The projector is standardised on train rows alone, and on a bounded number of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from thinkrec.collab.features.slot_vectors import PlaceholderVectors
from thinkrec.data.interactions import TRAIN
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue
from thinkrec.train import stages

DS = simulate_catalogue(SimulatorConfig(users=40, items=80, interactions_per_user=(8, 20)), 11).dataset


def vectors(seed: int = 0) -> PlaceholderVectors:
    rng, n = np.random.default_rng(seed), len(DS.interactions)
    return PlaceholderVectors(*rng.normal(size=(2, n, 5)).astype(np.float32))


def test_vectors_of_other_rows_than_train_rows_do_not_matter() -> None:
    train, plain, other = DS.interactions.split == TRAIN, vectors(), vectors(1)
    mixed = PlaceholderVectors(
        *(np.where(train[:, None], getattr(plain, n), getattr(other, n)) for n in ("user", "item"))
    )
    sample = stages.sample_calibration_vectors(DS, plain, 0)
    np.testing.assert_array_equal(sample, stages.sample_calibration_vectors(DS, mixed, 0))
    np.testing.assert_array_equal(sample, np.concatenate([plain.user[train], plain.item[train]]))


def test_of_many_rows_a_sample_is_drawn_by_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "CALIBRATION_ROWS", 50)
    plain = vectors()
    plain = replace(plain, user=np.repeat(np.arange(len(DS.interactions)), 5).reshape(-1, 5).astype(np.float32))
    first = stages.sample_calibration_vectors(DS, plain, 0)
    rows = first[:50, 0].astype(int)
    assert first.shape == (100, 5) and len(set(rows)) == 50
    assert (DS.interactions.split[rows] == TRAIN).all()
    np.testing.assert_array_equal(first[50:], plain.item[rows])
    np.testing.assert_array_equal(first, stages.sample_calibration_vectors(DS, plain, 0))
    assert not np.array_equal(first, stages.sample_calibration_vectors(DS, plain, 1))
