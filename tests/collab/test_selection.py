from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from thinkrec.collab.fit import Training, seeded, train
from thinkrec.collab.selection import auc, quality, uauc


def test_auc_agrees_with_scikit_learn_also_on_ties():
    rng = np.random.default_rng(0)
    label, score = rng.integers(0, 2, 200), rng.integers(0, 20, 200)
    assert auc(label, score) == pytest.approx(roc_auc_score(label, score))
    assert np.isnan(auc(np.ones(3), np.arange(3)))


def test_uauc_leaves_out_users_of_one_class():
    user = np.array([2, 0, 0, 1, 1, 2, 2])
    label = np.array([1, 1, 0, 1, 1, 0, 0])
    score = np.array([0.5, 0.9, 0.1, 0.2, 0.3, 0.9, 0.1])
    assert uauc(user, label, score) == pytest.approx((1.0 + 0.5) / 2)
    reached = quality(user, label, score)
    assert reached["selection"] == pytest.approx(reached["auc"] / 4 + 0.75 / 3)


def test_the_loop_restores_the_best_epoch_and_stops_by_patience():
    net = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.zeros_(net.weight)
    labels = np.array([0, 1, 0, 1])
    given = iter([[0, 1, 1, 0], [0, 1, 0, 1], [1, 0, 1, 0], [1, 0, 1, 0], [0, 1, 0, 1]])
    seen = []

    def validate():
        seen.append(float(net.weight.detach()))
        return np.array(next(given), dtype=float)

    records = train(
        net,
        lambda rng: [0],
        lambda batch, rng: -net(torch.ones(1)).sum(),
        validate,
        labels,
        Training(patience=2),
        seed=0,
    )
    assert [record["auc"] for record in records] == [0.5, 1.0, 0.0, 0.0]
    assert [record["best"] for record in records] == [0.5, 1.0, 1.0, 1.0]
    assert net.weight.item() == seen[1] != seen[3]
    assert not net.training


def test_seeded_leaves_the_callers_random_state():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    with seeded(1):
        torch.rand(10)
    assert torch.equal(torch.rand(3), expected)
