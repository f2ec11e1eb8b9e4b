"""LightGCN (He et al., SIGIR 2020) on the graph of positive train edges, trained on the explicit labels."""

from __future__ import annotations

import warnings
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


class LightGCNConfig(Config):
    """LightGCN."""

    RENAMED_KEYS: ClassVar = {"spread": "init_std"}

    kind: Literal["lightgcn"] = "lightgcn"
    dim: int = Field(default=64, ge=1)
    """Length of the vectors."""
    layers: int = Field(default=2, ge=0)
    """Steps of propagation; the vectors before and after each are averaged. 0 is matrix factorisation."""
    init_std: float = Field(default=0.1, gt=0)
    """Standard deviation of the vectors before training."""
    training: EncoderTrainingConfig = EncoderTrainingConfig()
    """How it is optimised."""


def build_graph(ds: Dataset) -> torch.Tensor:
    """Normalised adjacency D^-1/2 A D^-1/2 of the liked train rows, sparse CSR (n, n).

    n = n_users + n_items, users first. A node without an edge has an empty row. The matrix is symmetric, so it serves
    as its own transpose. Products with
    CSR use all cores; with COO, PyTorch's other layout, they use one and give the same bits.
    """
    data = ds.interactions
    liked = np.flatnonzero((data.split == TRAIN) & (data.label == 1))
    n = data.n_users + len(ds.items)
    # One number per pair, ascending by user and then by item: sorting pairs takes several times the memory.
    pairs = np.unique(data.user[liked].astype(np.int64) * len(ds.items) + data.item[liked])
    user, item = np.divmod(pairs, len(ds.items))
    degree = np.concatenate([np.bincount(user, minlength=data.n_users), np.bincount(item, minlength=len(ds.items))])
    item += data.n_users
    weight = (1.0 / np.sqrt(degree[user].astype(np.float64) * degree[item])).astype(np.float32)
    by_item = np.argsort(item, kind="stable")
    rows = np.concatenate([[0], np.cumsum(degree)])
    columns, values = np.concatenate([item, user[by_item]]), np.concatenate([weight, weight[by_item]])
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
        begin, column, value = map(torch.from_numpy, (rows, columns, values))
        return torch.sparse_csr_tensor(begin, column, value, (n, n), check_invariants=True)


class _SymmetricProduct(torch.autograd.Function):
    """Sparse @ dense for a constant symmetric matrix: the backward pass is the same product."""

    @staticmethod
    def forward(ctx, matrix: torch.Tensor, dense: torch.Tensor) -> torch.Tensor:
        ctx.matrix = matrix
        return torch.sparse.mm(matrix, dense)

    @staticmethod
    def backward(ctx, *upstream: torch.Tensor):
        return None, torch.sparse.mm(ctx.matrix, upstream[0])


def propagate_vectors(matrix: torch.Tensor, nodes: torch.Tensor, layers: int) -> torch.Tensor:
    """Mean of E, GE, GGE, ... with `layers` products, (n, dim). `matrix` G is symmetric, sparse (n, n)."""
    total = nodes
    for _ in range(layers):
        nodes = _SymmetricProduct.apply(matrix, nodes)  # type: ignore[assignment]
        total = total + nodes
    return total / (layers + 1)


class LightGCN:
    """logit(like) = user . item of the propagated vectors, trained with binary cross-entropy on the labels.

    Users and items without train rows have the mean propagated vector of those with train rows.
    """

    score, save = table_encoder.score_rows, table_encoder.save_tables
    encode_users, encode_query = table_encoder.encode_row_users, table_encoder.encode_query_user
    encode_items, dim = table_encoder.encode_all_items, property(table_encoder.get_dim)

    def __init__(self, config: LightGCNConfig | None = None):
        """An unfitted encoder."""
        self.tables: EmbeddingTables | None = None
        self.config = config or LightGCNConfig()

    def fit(self, ds: Dataset, *, seed: int, progress: bool = False) -> list[dict[str, Any]]:
        """See `Scorer.fit`: one record per epoch. Every step propagates over the whole graph once."""
        rows, valid = select_two_class_rows(ds, TRAIN), select_two_class_rows(ds, VALID)
        data, config = ds.interactions, self.config
        n_users = data.n_users
        matrix = build_graph(ds)

        with use_seed(seed):
            net = nn.Embedding(n_users + len(ds.items), config.dim)
            nn.init.normal_(net.weight, std=config.init_std)

            def loss(batch: np.ndarray, _: np.random.Generator) -> torch.Tensor:
                user, item, label = read_batch(data, batch)
                nodes = propagate_vectors(matrix, net.weight, config.layers)
                logit = (nodes[user] * nodes[item + n_users]).sum(-1)
                return functional.binary_cross_entropy_with_logits(logit, label)

            def tables() -> EmbeddingTables:
                nodes = propagate_vectors(matrix, net.weight.detach(), config.layers).numpy()
                return EmbeddingTables.from_weights(ds, nodes[:n_users], nodes[n_users:])

            records = train_encoder(
                net,
                lambda rng: shuffle_batches(rows, config.training.batch_size, rng),
                loss,
                lambda: tables().score(ds, valid),
                data.label[valid],
                config.training,
                seed=seed,
                progress=progress,
                name="lightgcn",
            )
            self.tables = tables()
        return records

    @classmethod
    def load(cls, folder: Path) -> LightGCN:
        """See `Scorer.load`."""
        config, tables = table_encoder.load_tables(folder, LightGCNConfig)
        encoder = cls(config)
        encoder.tables = tables
        return encoder
