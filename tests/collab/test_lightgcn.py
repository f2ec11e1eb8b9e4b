from __future__ import annotations

import numpy as np
import pytest
import torch

from thinkrec.collab import EncoderTrainingConfig, LightGCNConfig
from thinkrec.collab.lightgcn import build_graph, propagate_vectors
from thinkrec.data.interactions import TRAIN
from thinkrec.testing import check_encoder, flip_labels, plant_dataset

FAST = EncoderTrainingConfig(lr=0.03, weight_decay=1e-4, batch_size=512, epochs=12, patience=8)


def test_contract(tmp_path):
    check_encoder(LightGCNConfig(dim=8, layers=2, training=FAST), tmp_path)


def _dense(ds):
    data = ds.interactions
    adjacency = np.zeros((data.n_users + len(ds.items),) * 2)
    for user, item, label, split in zip(data.user, data.item, data.label, data.split, strict=True):
        if label == 1 and split == TRAIN:
            adjacency[user, data.n_users + item] = adjacency[data.n_users + item, user] = 1
    degree = adjacency.sum(axis=1)
    scale = np.divide(1, np.sqrt(degree), out=np.zeros_like(degree), where=degree > 0)
    return scale[:, None] * adjacency * scale


@pytest.mark.parametrize("layers", [0, 1, 3])
def test_propagation_is_the_dense_product(layers):
    ds = plant_dataset()
    dense = _dense(ds)
    nodes = np.random.default_rng(0).normal(size=(len(dense), 5)).astype(np.float32)
    expected = sum(np.linalg.matrix_power(dense, k) @ nodes for k in range(layers + 1)) / (layers + 1)
    found = propagate_vectors(build_graph(ds), torch.from_numpy(nodes), layers).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_gradient_is_that_of_the_dense_product():
    ds = plant_dataset()
    dense = torch.from_numpy(_dense(ds)).float()
    start = torch.randn(len(dense), 3, generator=torch.Generator().manual_seed(0))
    aim = torch.randn(len(dense), 3, generator=torch.Generator().manual_seed(1))
    ours, theirs = start.clone().requires_grad_(), start.clone().requires_grad_()
    (propagate_vectors(build_graph(ds), ours, 2) * aim).sum().backward()
    ((theirs + dense @ theirs + dense @ (dense @ theirs)) / 3 * aim).sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-4, atol=1e-5)


def test_only_liked_train_rows_are_edges():
    ds = plant_dataset()
    later = np.flatnonzero(ds.interactions.split != TRAIN)
    assert torch.equal(build_graph(ds).to_dense(), build_graph(flip_labels(ds, later)).to_dense())
    data, liked = ds.interactions, set()
    for row in np.flatnonzero(data.split == TRAIN):
        if data.label[row]:
            liked.add((int(data.user[row]), data.n_users + int(data.item[row])))
    edges = {(int(a), int(b)) for a, b in build_graph(ds).to_dense().nonzero()}
    assert edges == liked | {(b, a) for a, b in liked}
    assert 0 < len(liked) < len(set(zip(data.user.tolist(), data.item.tolist(), strict=True)))


def test_the_graph_has_the_entries_of_sorted_pairs_to_the_last_bit():
    ds = plant_dataset()
    data = ds.interactions
    liked = (data.split == TRAIN) & (data.label == 1)
    pairs = np.unique(np.stack([data.user[liked], data.item[liked] + data.n_users]).astype(np.int64), axis=1)
    degree = np.bincount(pairs.ravel(), minlength=data.n_users + len(ds.items))
    weight = (1.0 / np.sqrt(degree[pairs[0]].astype(np.float64) * degree[pairs[1]])).astype(np.float32)
    index, value = np.concatenate([pairs, pairs[::-1]], axis=1), np.concatenate([weight, weight])
    parts = torch.from_numpy(index), torch.from_numpy(value)
    plain = torch.sparse_coo_tensor(*parts, (len(degree),) * 2, check_invariants=True)
    graph = build_graph(ds)
    assert graph.layout is torch.sparse_csr and graph.values().numel() == 2 * liked.sum()
    assert torch.equal(graph.to_dense(), plain.to_dense())
