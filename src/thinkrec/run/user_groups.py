"""What stands in the stage `groups`: the groups of users, the statistics behind slot vectors, or both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from thinkrec.collab.encoder import Encoder
from thinkrec.collab.features.slot_encoder import SlotEncoder
from thinkrec.data.dataset import Dataset
from thinkrec.personal.groups import UserGroups, fit_groups
from thinkrec.train.model_config import ThinkRecConfig
from thinkrec.train.stages import find_last_train_rows

USERS, SLOTS = "groups.safetensors", "slots.safetensors"


def fit_user_groups(ds: Dataset, encoder: Encoder, model: ThinkRecConfig, seed: int, folder: Path) -> dict[str, Any]:
    """Group users by their vectors at their last train row, and write the groups to `folder`.

    Returns what the stage says of itself: the sizes of the groups, the largest first.
    """
    _, rows = find_last_train_rows(ds)
    users = [ds.user_ids[user] for user in ds.interactions.user[rows]]
    groups = fit_groups(encoder.encode_users(ds, rows), model.groups, seed, users=users)
    groups.save(folder / USERS)
    return {"sizes": np.bincount(groups.labels).tolist()}


def fit_slot_encoder(ds: Dataset, encoder: Encoder | None, model: ThinkRecConfig, seed: int, folder: Path) -> None:
    """Fit the statistics behind slot vectors and write them to `folder`; `encoder`: where they carry its vectors."""
    slots = SlotEncoder.from_dataset(
        ds,
        encoder,
        statistics=model.target_encoding,
        votes=model.neighbourhood_residual,
        seed=seed,
    )
    slots.save(folder / SLOTS)


def load_user_groups(folder: Path) -> UserGroups:
    """The groups that `fit_user_groups` wrote. Raises CheckpointError."""
    return UserGroups.load(folder / USERS)


def load_slot_encoder(folder: Path, encoder: Encoder | None) -> SlotEncoder:
    """The slot encoder that `fit_slot_encoder` wrote; `encoder`: where slot vectors carry its vectors."""
    return SlotEncoder.load(folder / SLOTS, encoder)
