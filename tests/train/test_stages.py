"""What the stages share: which rows calibrate, and the gate of a training row."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from support.tiny_lm import make_prompts

from thinkrec.collab.features.slot_vectors import PlaceholderVectors
from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TRAIN
from thinkrec.personal.groups import UserGroups
from thinkrec.train import stages


def make_router(users: list, labels: list[int], n_groups: int) -> SimpleNamespace:
    """Stands for a router whose users were put into these groups."""
    blank = np.zeros((n_groups, 2), dtype=np.float32)
    groups = UserGroups(users, np.array(labels, dtype=np.int32), blank, blank[0], blank[0] + 1)
    return SimpleNamespace(groups=groups)


def test_the_first_stage_trains_the_global_adapter_alone() -> None:
    gate = stages.make_global_gate(3)(np.array([4, 9]))
    assert gate.tolist() == [[1.0, 0.0, 0.0, 0.0]] * 2
    assert gate.dtype == make_prompts()[0].gate.dtype


def test_a_users_group_alone_trains_on_their_rows(tiny_dataset: Dataset) -> None:
    data = tiny_dataset.interactions
    router = make_router([30, 10, 20], [2, 0, 1], 3)
    assert stages.find_user_groups(tiny_dataset, router).tolist() == [0, 1, 2, -1]  # pyright: ignore
    rows = np.flatnonzero(data.split == TRAIN)
    gates = stages.make_group_gate(tiny_dataset, router)(rows)  # pyright: ignore
    for row, gate in zip(rows, gates, strict=True):
        group = {10: 0, 20: 1, 30: 2}[tiny_dataset.user_ids[data.user[row]]]
        assert gate.tolist() == [float(column == 1 + group) for column in range(4)]


def test_a_user_is_grouped_at_their_last_train_row(tiny_dataset: Dataset) -> None:
    data = tiny_dataset.interactions
    users, rows = stages.find_last_train_rows(tiny_dataset)
    expected = {}
    for row in range(len(data)):
        if data.split[row] == TRAIN:
            expected[int(data.user[row])] = row
    assert dict(zip(users.tolist(), rows.tolist(), strict=True)) == expected


@pytest.mark.parametrize("limit", [5, 10_000])
def test_a_projector_is_calibrated_on_train_rows(
    tiny_dataset: Dataset, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stages, "CALIBRATION_ROWS", limit)
    data = tiny_dataset.interactions
    numbers = np.arange(len(data), dtype=np.float32)
    vectors = PlaceholderVectors(numbers[:, None], 1000 + numbers[:, None])
    sample = stages.sample_calibration_vectors(tiny_dataset, vectors, seed=3)[:, 0]
    rows = sample[: len(sample) // 2]
    np.testing.assert_array_equal(sample[len(sample) // 2 :], 1000 + rows)
    train = np.flatnonzero(data.split == TRAIN)
    assert set(rows) <= set(train) and len(set(rows)) == min(limit, len(train)) == len(rows)
    again = stages.sample_calibration_vectors(tiny_dataset, vectors, seed=3)[:, 0]
    np.testing.assert_array_equal(again, sample)
