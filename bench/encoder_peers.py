"""Other libraries' collaborative models on the same ratings; each function gives the seconds of one epoch."""

from __future__ import annotations

import time
from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
import torch

from thinkrec.collab.lightgcn import build_graph
from thinkrec.collab.training import shuffle_batches
from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TRAIN


class RecBole:
    """RecBole's model classes with its own losses. Batches are handed over for nothing: its loader is not timed."""

    def __init__(self, ds: Dataset, *, dim: int, batch: int, length: int) -> None:
        self.ds, self.batch, self.length = ds, batch, length
        self.rows = ds.interactions.get_split_rows(TRAIN)
        self.counts = {"user_id": ds.interactions.n_users, "item_id": len(ds.items) + 1}
        names = {"USER_ID_FIELD": "user_id", "ITEM_ID_FIELD": "item_id", "NEG_PREFIX": "neg_", "LIST_SUFFIX": "_list"}
        names["ITEM_LIST_LENGTH_FIELD"] = "item_length"
        transformer = {"n_heads": 2, "hidden_size": dim, "inner_size": dim, "hidden_act": "gelu", "loss_type": "BPR"}
        transformer |= {"hidden_dropout_prob": 0.2, "attn_dropout_prob": 0.2, "layer_norm_eps": 1e-12}
        transformer |= {"initializer_range": 0.02, "MAX_ITEM_LIST_LENGTH": length}
        factors = {"embedding_size": dim, "n_layers": 2, "reg_weight": 1e-5, "require_pow": False}
        self.config = {"device": "cpu", **names, **transformer, **factors}

    def seconds(self, name: str, steps: int) -> float:
        """From so many steps after two, multiplied."""
        model = self._model(name)
        optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
        spent, done = 0.0, -2
        for given in self._batches(name):
            began = time.perf_counter()
            optimiser.zero_grad()
            model.calculate_loss(given).backward()
            optimiser.step()
            done += 1
            spent += time.perf_counter() - began if done > 0 else 0.0
            if done == steps:
                break
        return spent / done * -(-len(self.rows) // self.batch)

    def _model(self, name: str) -> torch.nn.Module:
        from scipy.sparse import coo_matrix

        it, shape = self.ds.interactions, (self.counts["user_id"], self.counts["item_id"])
        kept = it.user[self.rows], it.item[self.rows] + 1
        made = SimpleNamespace(
            num=self.counts.__getitem__,
            inter_matrix=lambda form: coo_matrix((np.ones(len(kept[0])), kept), shape=shape),
        )
        return self._class(name)(self.config, made).train()

    def _class(self, name: str) -> type:
        if name == "BPR":
            from recbole.model.general_recommender import BPR

            return BPR
        if name == "SASRec":
            from recbole.model.sequential_recommender import SASRec

            return SASRec
        from recbole.model.general_recommender import LightGCN

        ours = build_graph(self.ds).to_sparse_coo()
        index, n_users = ours.indices(), self.counts["user_id"]
        # Its items count from 1.
        moved = torch.where(index >= n_users, index + 1, index)

        class WithMatrix(LightGCN):
            """Its own builder of the matrix does not work with SciPy from 1.11 on."""

            def get_norm_adj_mat(self) -> torch.Tensor:
                n = self.n_users + self.n_items
                return torch.sparse_coo_tensor(moved, ours.values(), (n, n), check_invariants=False).coalesce()

        return WithMatrix

    def _batches(self, name: str) -> Iterator[dict[str, torch.Tensor]]:
        it, rng = self.ds.interactions, np.random.default_rng(0)
        for rows in shuffle_batches(self.rows, self.batch, rng):
            drawn = rng.integers(1, self.counts["item_id"], size=len(rows))
            given = {"user_id": it.user[rows], "item_id": it.item[rows] + 1, "neg_item_id": drawn}
            if name == "SASRec":
                known = np.minimum(rows - it.start[it.user[rows]], self.length).clip(1)
                at = (rows - known)[:, None] + np.arange(self.length)
                past = it.item[at.clip(0, len(it) - 1)] + 1
                given["item_id_list"] = np.where(np.arange(self.length) < known[:, None], past, 0)
                given["item_length"] = known
            yield {key: torch.from_numpy(np.asarray(value, dtype=np.int64)) for key, value in given.items()}


def implicit_bpr(ds: Dataset, *, dim: int, threads: int) -> float:
    """implicit's matrix factorisation: C++, one liked rating after the other, plain gradient steps."""
    from implicit.bpr import BayesianPersonalizedRanking
    from scipy.sparse import csr_matrix

    it, rows = ds.interactions, ds.interactions.get_split_rows(TRAIN)
    liked = rows[it.label[rows] == 1]
    shape = (it.n_users, len(ds.items))
    table = csr_matrix((np.ones(len(liked), dtype=np.float32), (it.user[liked], it.item[liked])), shape=shape)
    each = []
    for epochs in (1, 3):
        model = BayesianPersonalizedRanking(factors=dim, iterations=epochs, num_threads=threads, random_state=0)
        began = time.perf_counter()
        model.fit(table, show_progress=False)
        each.append(time.perf_counter() - began)
    return (each[1] - each[0]) / 2


def rectools_sasrec(ds: Dataset, *, dim: int, batch: int, length: int) -> float:
    """RecTools' SASRec on ten thousand users. It learns from the last `length` ratings of each: multiplied to all."""
    import pandas as pd
    from rectools import Columns
    from rectools.dataset import Dataset as Table
    from rectools.models import SASRecModel

    it, every = ds.interactions, ds.interactions.get_split_rows(TRAIN)
    rows = every[it.user[every] < 10_000]
    frame = {Columns.User: it.user[rows], Columns.Item: it.item[rows], Columns.Weight: 1.0}
    table = Table.construct(pd.DataFrame(frame | {Columns.Datetime: pd.to_datetime(it.timestamp[rows], unit="s")}))
    shape = {"n_blocks": 2, "n_heads": 2, "n_factors": dim, "session_max_len": length}
    each = []
    for epochs in (1, 2):
        model = SASRecModel(
            **shape, epochs=epochs, batch_size=batch // length, loss="BCE", n_negatives=1, recommend_torch_device="cpu"
        )
        began = time.perf_counter()
        model.fit(table)
        each.append(time.perf_counter() - began)
    taken = np.minimum(np.bincount(it.user[rows], minlength=it.n_users), length).sum()
    return (each[1] - each[0]) * len(every) / taken
