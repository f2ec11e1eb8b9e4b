"""Matrix factorisation on the explicit labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from torch import nn
from torch.nn import functional

from thinkrec.collab import table_encoder
from thinkrec.collab.embedding_tables import EmbeddingTables
from thinkrec.collab.selection import select_two_class_rows
from thinkrec.collab.training import EncoderTrainingConfig, read_batch, shuffle_batches, train_encoder, use_seed
from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TRAIN, VALID
from thinkrec.io.config import Config


class MFConfig(Config):
    """Matrix factorisation."""

    RENAMED_KEYS: ClassVar = {"spread": "init_std"}

    kind: Literal["mf"] = "mf"
    dim: int = Field(default=64, ge=1)
    """Length of the vectors."""
    biases: bool = False
    """Add a bias per user, per item and for all rows. Off is the plain model of the literature."""
    init_std: float = Field(default=0.1, gt=0)
    """Standard deviation of the vectors before training."""
    training: EncoderTrainingConfig = EncoderTrainingConfig()
    """How it is optimised."""


class _Net(nn.Module):
    def __init__(self, n_users: int, n_items: int, config: MFConfig):
        super().__init__()
        self.users = nn.Parameter(torch.randn(n_users, config.dim) * config.init_std)
        self.items = nn.Parameter(torch.randn(n_items, config.dim) * config.init_std)
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

    def build_tables(self, ds: Dataset) -> EmbeddingTables:
        """Tables of the present weights; users and items without train rows have the mean of the others.

        They share the memory of the weights wherever all users, or all items, have train rows.
        """
        weights = {name: value.detach().numpy() for name, value in self.named_parameters()}
        if "shared" in weights:
            return EmbeddingTables.from_weights(
                ds, weights["users"], weights["items"], weights["user_bias"], weights["item_bias"] + weights["shared"]
            )
        return EmbeddingTables.from_weights(ds, weights["users"], weights["items"])


class MF:
    """logit(like) = user . item (+ biases), trained with binary cross-entropy on the labels.

    Users without train rows have the mean vector of users with train rows; the same for items.
    """

    score, save = table_encoder.score_rows, table_encoder.save_tables
    encode_users, encode_query = table_encoder.encode_row_users, table_encoder.encode_query_user
    encode_items, dim = table_encoder.encode_all_items, property(table_encoder.get_dim)

    def __init__(self, config: MFConfig | None = None):
        """An unfitted encoder."""
        self.tables: EmbeddingTables | None = None
        self.config = config or MFConfig()

    def fit(self, ds: Dataset, *, seed: int, progress: bool = False) -> list[dict[str, Any]]:
        """See `Scorer.fit`: one record per epoch."""
        rows, valid = select_two_class_rows(ds, TRAIN), select_two_class_rows(ds, VALID)
        data, options = ds.interactions, self.config.training

        with use_seed(seed):
            net = _Net(data.n_users, len(ds.items), self.config)

            def loss(batch: np.ndarray, _: np.random.Generator) -> torch.Tensor:
                user, item, label = read_batch(data, batch)
                return functional.binary_cross_entropy_with_logits(net(user, item), label)

            records = train_encoder(
                net,
                lambda rng: shuffle_batches(rows, options.batch_size, rng),
                loss,
                lambda: net.build_tables(ds).score(ds, valid),
                data.label[valid],
                options,
                seed=seed,
                progress=progress,
                name="mf",
            )
        self.tables = net.build_tables(ds)
        return records

    @classmethod
    def load(cls, folder: Path) -> MF:
        """See `Scorer.load`."""
        config, tables = table_encoder.load_tables(folder, MFConfig)
        encoder = cls(config)
        encoder.tables = tables
        return encoder
