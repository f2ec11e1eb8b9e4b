"""A data set in which two groups of users want opposite things, and a model that is small enough to learn it in a test.

Items are red or blue. Users of group 0 like what is red and nothing else, users of group 1 what is blue and nothing
else. So the text of an item says nothing about its label unless one knows the group, and everything if one does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from accelerate import Accelerator

from support.tiny_folder import write_backbone
from thinkrec.data.dataset import Dataset, Domain
from thinkrec.personal.gate import EntropyGateConfig, GateConfig
from thinkrec.personal.groups import UserGroups
from thinkrec.score.predictor import AdapterRouter
from thinkrec.train.model_config import ThinkRecConfig
from thinkrec.train.stages import StageContext

USERS, ITEMS, STEPS = 10, 12, 12
SPLIT = ("train",) * 8 + ("valid",) * 2 + ("test",) * 2
"""By step; each split of each user holds likes and dislikes."""


def tables(flip: Callable[[str, int], bool] = lambda split, user: False) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(interactions, items); labels of rows for which `flip(split, user)` is true are turned round."""
    rows = []
    for user in range(USERS):
        for step in range(STEPS):
            item = (3 * user + step) % ITEMS
            label = int(item % 2 == user % 2) ^ int(flip(SPLIT[step], user))
            rows.append((user, item, label, 1000 + step, SPLIT[step]))
    names = ["user_id", "item_id", "label", "timestamp", "split"]
    items = pl.DataFrame(
        {
            "item_id": list(range(ITEMS)),
            "title": [f"Toy{i}" for i in range(ITEMS)],
            "keywords": [["blue" if i % 2 else "red"] for i in range(ITEMS)],
        }
    )
    return pl.DataFrame(rows, schema=names, orient="row"), items


def data_set(**options: Any) -> Dataset:
    """`tables` as a data set."""
    return Dataset.from_tables(*tables(**options), domain=Domain("toy", "toys", "child"))


def group_of(ds: Dataset, rows: np.ndarray) -> np.ndarray:
    """int (len(rows),): 0 where the row's user likes red, 1 where blue."""
    return np.array([ds.user_ids[user] % 2 for user in ds.interactions.user[rows]])


class ByTaste:
    """An encoder whose user vector is the user's group: (1, 0) or (0, 1)."""

    dim = 2

    def encode_users(self, ds: Dataset, rows: np.ndarray) -> np.ndarray:
        """float32 (len(rows), 2)."""
        return np.eye(2, dtype=np.float32)[group_of(ds, rows)]

    def encode_items(self, ds: Dataset) -> np.ndarray:
        """float32 (n_items, 2): the colour."""
        return np.eye(2, dtype=np.float32)[np.arange(ITEMS) % 2]


def personal(ds: Dataset, config: GateConfig | None = None) -> AdapterRouter:
    """Both groups with their true members and centres."""
    labels = np.array([user % 2 for user in ds.user_ids], dtype=np.int32)
    centres = np.eye(2, dtype=np.float32)
    groups = UserGroups(ds.user_ids, labels, centres, np.zeros(2, dtype=np.float32), np.ones(2, dtype=np.float32))
    return AdapterRouter(ByTaste(), groups, config or EntropyGateConfig())  # pyright: ignore[reportArgumentType]


def stage(*parts: str, **changes: Any) -> dict[str, Any]:
    """A stage as plain values."""
    return {"train": list(parts), "lr": 1e-2, "warmup_steps": 0, "batch_tokens": 512, "evals_per_epoch": 1, **changes}


def model(backbone: Path, **changes: Any) -> ThinkRecConfig:
    """A small recommender; `changes` replace top-level keys of the model."""
    return ThinkRecConfig.model_validate({**model_values(backbone), **changes})


def model_values(backbone: Path) -> dict[str, Any]:
    """The same as plain values."""
    return {
        "kind": "thinkrec",
        "backbone": {"source": str(backbone)},
        "prompt": {"history": 3},
        "encoder": {"kind": "mf", "dim": 4, "training": {"epochs": 2}},
        "adapters": {"rank": 4, "alpha": 8, "dropout": 0.0, "expert_layers": 1.0},
        "groups": {"n_groups": 2},
        "global_stage": stage("global"),
        "expert_stage": stage("experts"),
        "vector_stage": stage("projector"),
    }


def teaching(
    ds: Dataset, chosen: ThinkRecConfig, reasons: Mapping[int, str] | None = None, seed: int = 0
) -> StageContext:
    """What the stages share."""
    return StageContext(ds, chosen, reasons or {}, seed, False, Accelerator(cpu=True))


def backbone(folder: Path) -> Path:
    """A tiny language model that knows the words of the data set and of `reason`."""
    ds = data_set()
    more = Dataset.from_tables(
        pl.DataFrame(
            {
                "user_id": [0, 0, 0],
                "item_id": [0, 0, 0],
                "label": [0, 1, 0],
                "timestamp": [1, 2, 3],
                "split": ["train", "valid", "test"],
            }
        ),
        pl.DataFrame({"item_id": [0], "title": [f"{' '.join(ds.items.titles)} red blue because it is not such a toy"]}),
    )
    return write_backbone(folder, more)


def reason(liked: bool, colour: str) -> str:
    """A reason that opens with the verdict of its row."""
    return f"{'Yes' if liked else 'No'}. Because it is {colour} such a toy."
