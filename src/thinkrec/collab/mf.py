"""Matrix factorisation on the explicit labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import nn
from torch.nn import functional

from thinkrec.collab import encoder_files
from thinkrec.collab.embedding_tables import Tables
from thinkrec.collab.selection import rows_of_both_classes
from thinkrec.collab.trained_ids import TrainedIds
from thinkrec.collab.training import Training, seeded, shuffled, train
from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TRAIN, VALID


class MFConfig(BaseModel):
    """Matrix factorisation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["mf"] = "mf"
    dim: int = Field(default=64, ge=1)
    """Length of the vectors."""
    biases: bool = False
    """Add a bias per user, per item and for all rows. Off is the plain model of the literature."""
    spread: float = Field(default=0.1, gt=0)
    """Standard deviation of the vectors before training."""
    training: Training = Training()
    """How it is optimised."""


class _Net(nn.Module):
    def __init__(self, n_users: int, n_items: int, config: MFConfig):
        super().__init__()
        self.users = nn.Parameter(torch.randn(n_users, config.dim) * config.spread)
        self.items = nn.Parameter(torch.randn(n_items, config.dim) * config.spread)
        if config.biases:
            self.user_bias = nn.Parameter(torch.zeros(n_users))
            self.item_bias = nn.Parameter(torch.zeros(n_items))
            self.shared = nn.Parameter(torch.zeros(()))

    def forward(self, user: torch.Tensor, item: torch.Tensor) -> torch.Tensor:
        """user, item: int64 (n,). Returns logits (n,)."""
        logit = (self.users[user] * self.items[item]).sum(-1)
        if hasattr(self, "shared"):
            logit = logit + self.user_bias[user] + self.item_bias[item] + self.shared
        return logit

    def tables(self, ds: Dataset) -> Tables:
        """The present weights, with the gaps filled."""
        held = {name: value.detach().numpy().copy() for name, value in self.named_parameters()}
        if "shared" in held:
            return Tables.fill(ds, held["users"], held["items"], held["user_bias"], held["item_bias"] + held["shared"])
        return Tables.fill(ds, held["users"], held["items"])


class MF:
    """logit(like) = user . item (+ biases), trained with binary cross-entropy on the labels.

    Users without train rows have the mean vector of users with train rows; the same for items.
    """

    def __init__(self, config: MFConfig | None = None):
        self.config = config or MFConfig()
        self.tables: Tables | None = None

    @property
    def dim(self) -> int:
        """Length of the vectors."""
        return self.config.dim

    def fit(self, ds: Dataset, *, seed: int, progress: bool = False) -> list[dict[str, Any]]:
        """See `Scorer.fit`: one record per epoch."""
        rows, valid = rows_of_both_classes(ds, TRAIN), rows_of_both_classes(ds, VALID)
        data, options = ds.interactions, self.config.training
        user, item = torch.from_numpy(data.user.astype(np.int64)), torch.from_numpy(data.item.astype(np.int64))
        label = torch.from_numpy(data.label.astype(np.float32))

        with seeded(seed):
            net = _Net(data.n_users, len(ds.items), self.config)

            def loss(batch: np.ndarray, _: np.random.Generator) -> torch.Tensor:
                chosen = torch.from_numpy(batch)
                return functional.binary_cross_entropy_with_logits(net(user[chosen], item[chosen]), label[chosen])

            records = train(
                net,
                lambda rng: shuffled(rows, options.batch, rng),
                loss,
                lambda: net.tables(ds).score(ds, valid),
                data.label[valid],
                options,
                seed=seed,
                progress=progress,
                name="mf",
            )
        self.tables = net.tables(ds)
        return records

    def _fitted(self) -> Tables:
        if self.tables is None:
            raise RuntimeError("this MF has no vectors yet: call fit, or load a saved one")
        return self.tables

    def score(self, ds: Dataset, rows: np.ndarray) -> np.ndarray:
        """float64 (len(rows),): logits."""
        return self._fitted().score(ds, rows)

    def user_vectors(self, ds: Dataset, rows: np.ndarray) -> np.ndarray:
        """float32 (len(rows), dim): the same for all rows of a user; learned from train rows alone."""
        return self._fitted().user_vectors(ds, rows)

    def item_vectors(self, ds: Dataset) -> np.ndarray:
        """float32 (n_items of `ds`, dim)."""
        return self._fitted().item_vectors(ds)

    def save(self, folder: Path) -> None:
        """See `Scorer.save`."""
        tables = self._fitted()
        encoder_files.write(folder, self.config, tables.arrays(), tables.ids)

    @classmethod
    def load(cls, folder: Path) -> MF:
        """See `Scorer.load`."""
        config, arrays = encoder_files.read(folder, MFConfig)
        found = cls(config)
        found.tables = Tables(**arrays, ids=TrainedIds.read(folder))
        return found
