"""The stage `groups`: users by their vectors at their last train row, and both files read back."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from thinkrec.collab.mf import MF, MFConfig
from thinkrec.collab.training import EncoderTrainingConfig
from thinkrec.run.user_groups import (
    SLOTS,
    USERS,
    fit_slot_encoder,
    fit_user_groups,
    load_slot_encoder,
    load_user_groups,
)
from thinkrec.testing import plant_dataset
from thinkrec.train.model_config import ThinkRecConfig
from thinkrec.train.stages import find_last_train_rows


def test_what_the_stage_writes_is_read(tmp_path: Path) -> None:
    ds = plant_dataset()
    encoder = MF(MFConfig(dim=4, training=EncoderTrainingConfig(epochs=1)))
    encoder.fit(ds, seed=0)
    model = ThinkRecConfig()
    result = fit_user_groups(ds, encoder, model, 0, tmp_path)
    fit_slot_encoder(ds, encoder if model.embeddings else None, model, 0, tmp_path)
    assert {USERS, SLOTS} <= {path.name for path in tmp_path.iterdir()}
    groups = load_user_groups(tmp_path)
    users, rows = find_last_train_rows(ds)
    assert groups.users == [ds.user_ids[user] for user in users]
    assert result["sizes"] == np.bincount(groups.labels).tolist() == sorted(result["sizes"], reverse=True)
    vectors = encoder.encode_users(ds, rows)
    for number, centre in enumerate(groups.centres):
        np.testing.assert_allclose(centre, vectors[groups.labels == number].mean(axis=0), atol=1e-5)
    slots = load_slot_encoder(tmp_path, encoder if model.embeddings else None).encode_rows(ds)
    assert len(slots.user) == len(slots.item) == len(ds.interactions)
