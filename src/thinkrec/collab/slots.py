"""Vectors for the prompt's slots: what collaborative filtering knows of a row's user and item, without its label."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from thinkrec.collab.encoder import Encoder
from thinkrec.collab.statistics import ItemStatistics, table_of_row, user_like_logit, user_log_count
from thinkrec.data.dataset import Dataset
from thinkrec.data.rows import TRAIN
from thinkrec.model.disk import read_tensors, write_tensors
from thinkrec.prompts.render import SlotVectors

FOLDS = 10


@dataclass(frozen=True, eq=False)
class SlotEncoder:
    """Joins an encoder's vectors and the statistics of train rows into slot vectors of one length for users and items.

    User: e_u strictly before the row, then the logit of the user's like rate and ln(1 + count) strictly before it.
    Item: e_i, then the logit of the item's like rate and ln(1 + count); on train rows, from folds without the user.
    Two last numbers, (1, 0) or (0, 1), tell the shared projector which of both a vector is.
    """

    encoder: Encoder | None
    statistics: ItemStatistics | None
    mean: float
    """Like rate of the train rows, towards which short pasts are drawn."""
    seed: int
    """Of the folds."""

    @classmethod
    def fit(cls, ds: Dataset, encoder: Encoder | None, *, statistics: bool, seed: int) -> SlotEncoder:
        """Count the train rows of `ds`; the encoder is fitted already."""
        train = ds.interactions.label[ds.interactions.split == TRAIN]
        counted = ItemStatistics.of(ds, folds=FOLDS, seed=seed) if statistics else None
        return cls(encoder, counted, float((train.sum() + 1) / (len(train) + 2)), seed)

    def vectors(self, ds: Dataset) -> SlotVectors:
        """Of all rows of `ds`: the data set of the fit, or further rows of its users and items."""
        rows, code = np.arange(len(ds.interactions)), ds.interactions.item
        user: list[np.ndarray] = []
        item: list[np.ndarray] = []
        catalogue: list[np.ndarray] = []
        if self.encoder is not None:
            known = self.encoder.item_vectors()
            user.append(self.encoder.user_vectors(ds, rows))
            item.append(known[code])
            catalogue.append(known)
        if self.statistics is not None:
            logit, count = self.statistics.logit, self.statistics.log_count
            table = table_of_row(ds, rows, FOLDS, self.seed)
            user.append(np.stack([user_like_logit(ds, rows, mean=self.mean), user_log_count(ds, rows)], axis=1))
            item.append(np.stack([logit[table, code], count[table, code]], axis=1))
            catalogue.append(np.stack([logit[-1], count[-1]], axis=1))
        ends = [(user, (1.0, 0.0), len(rows)), (item, (0.0, 1.0), len(rows)), (catalogue, (0.0, 1.0), len(ds.items))]
        joined = [np.hstack([*parts, np.tile(kind, (n, 1))]).astype(np.float32) for parts, kind, n in ends]
        return SlotVectors(user=joined[0], item=joined[1], catalogue=joined[2])

    def save(self, path: Path) -> None:
        """Write the statistics; the encoder has a folder of its own."""
        tensors = {"mean": torch.tensor(self.mean, dtype=torch.float64), "seed": torch.tensor(self.seed)}
        if self.statistics is not None:
            tensors |= {name: torch.from_numpy(getattr(self.statistics, name)) for name in ("logit", "log_count")}
        write_tensors(path, tensors)

    @classmethod
    def load(cls, path: Path, encoder: Encoder | None) -> SlotEncoder:
        """Read what `save` wrote. Raises CheckpointError."""
        found = read_tensors(path)
        counted = None
        if "logit" in found:
            counted = ItemStatistics(found["logit"].numpy(), found["log_count"].numpy())
        return cls(encoder, counted, float(found["mean"]), int(found["seed"]))
