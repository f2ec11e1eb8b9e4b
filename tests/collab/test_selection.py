from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from thinkrec.collab.boosting import GradientBoosting, GradientBoostingConfig
from thinkrec.collab.selection import ModelSelector, compute_auc, compute_uauc
from thinkrec.collab.training import EncoderTrainingConfig, train_encoder, use_seed
from thinkrec.data.columns import DataWarning
from thinkrec.data.interactions import TEST, VALID
from thinkrec.errors import DataError
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue


def test_auc_agrees_with_scikit_learn_also_on_ties():
    rng = np.random.default_rng(0)
    label, score = rng.integers(0, 2, 200), rng.integers(0, 20, 200)
    assert compute_auc(label, score) == pytest.approx(roc_auc_score(label, score))
    assert np.isnan(compute_auc(np.ones(3), np.arange(3)))


def test_uauc_leaves_out_users_of_one_class():
    user = np.array([2, 0, 0, 1, 1, 2, 2])
    label = np.array([1, 1, 0, 1, 1, 0, 0])
    score = np.array([0.5, 0.9, 0.1, 0.2, 0.3, 0.9, 0.1])
    assert compute_uauc(user, label, score) == pytest.approx((1.0 + 0.5) / 2)
    selector = ModelSelector.from_labels(user, label)
    reached = selector.compute_metrics(score)
    assert (selector.criterion, selector.fallback_reason) == ("AUC / 4 + UAUC / 3", None)
    assert reached["value"] == pytest.approx(reached["auc"] / 4 + 0.75 / 3)


def test_one_validation_row_per_user_leaves_auc() -> None:
    user, label, score = np.arange(4), np.array([1, 0, 1, 0]), np.array([0.9, 0.5, 0.3, 0.1])
    selector = ModelSelector.from_labels(user, label)
    assert selector.criterion == "AUC"
    with pytest.warns(DataWarning, match="trees is selected by validation AUC: none of the 4 users has liked and"):
        selector.warn_fallback("the number of trees is")
    found = selector.compute_metrics(score)
    assert found["value"] == found["auc"] == 0.75
    assert np.isnan(found["uauc"])


def test_one_class_leaves_the_loss_and_no_rows_nothing() -> None:
    selector = ModelSelector.from_labels(np.arange(2), np.ones(2, dtype=np.int8))
    assert selector.criterion == "cross-entropy" and "all 2 validation rows have label 1" in str(
        selector.fallback_reason
    )
    found = selector.compute_metrics(np.zeros(2))
    assert found["value"] == pytest.approx(-np.log(2)) and np.isnan(found["auc"])
    assert selector.compute_metrics(np.ones(2))["value"] > found["value"]
    with pytest.raises(DataError, match="no validation rows"):
        ModelSelector.from_labels(np.zeros(0), np.zeros(0))


def test_scores_that_are_not_numbers_have_no_value() -> None:
    selector = ModelSelector.from_labels(np.array([0, 0]), np.array([1, 0]))
    for wrong in (np.nan, np.inf):
        assert all(np.isnan(value) for value in selector.compute_metrics(np.array([wrong, 0.0])).values())


def scripted(given: list[list[float]], labels: list[int], **options: int) -> tuple[list[dict], float]:
    """Records of a fit whose weight is the number of the epoch and whose validation scores are `given`."""
    net = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.zeros_(net.weight)
    scores = iter(given)

    def step(batch: int, rng: np.random.Generator) -> torch.Tensor:
        with torch.no_grad():
            net.weight += 1
        return (0 * net(torch.ones(1))).sum()

    settings = EncoderTrainingConfig(weight_decay=0.0, epochs=len(given), **options)
    records = train_encoder(
        net, lambda rng: [0], step, lambda: np.array(next(scores)), np.array(labels), settings, seed=0
    )
    return records, net.weight.item()


def test_the_loop_selects_by_loss_where_validation_has_one_class() -> None:
    with pytest.warns(DataWarning, match="encoder is selected by validation cross-entropy"):
        records, weight = scripted([[0.0, 0.0], [2.0, 2.0], [1.0, 1.0]], [1, 1])
    assert weight == 2.0
    assert [record["best"] for record in records] == pytest.approx(-np.logaddexp(0, [0.0, -2.0, -2.0]))


def test_the_loop_never_keeps_an_epoch_whose_scores_are_not_numbers() -> None:
    bad = [np.nan, 1.0]
    with pytest.warns(DataWarning, match=r"not finite after 2 of 3 epochs; the weights of epoch 2 are kept"):
        records, weight = scripted([bad, [0.0, 1.0], bad], [1, 0])
    assert weight == 2.0
    assert [record["best"] for record in records] == [None, 0.0, 0.0]
    with pytest.raises(DataError, match=r"none of 2 epochs gave finite scores.*Lower training\.lr"):
        scripted([bad, bad], [1, 0])


def test_boosting_on_one_validation_row_per_user_selects_by_auc() -> None:
    ds = simulate_catalogue(SimulatorConfig(users=60, items=60, interactions_per_user=(8, 12)), 11).dataset
    it = ds.interactions
    split, ends = np.zeros(len(it), dtype=np.int8), it.start[1:]
    split[ends - 2], split[ends - 1] = VALID, TEST
    ds = replace(ds, interactions=replace(it, split=split))
    with pytest.warns(DataWarning, match="the number of trees is selected by validation AUC"):
        records = GradientBoosting(GradientBoostingConfig(trees=30, n_seeds=1, min_leaf_rows=5)).fit(ds, seed=0)
    assert all(record["value"] == record["auc"] for record in records)


def test_the_loop_restores_the_best_epoch_and_stops_by_patience():
    net = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.zeros_(net.weight)
    labels = np.array([0, 1, 0, 1])
    given = iter([[0, 1, 1, 0], [0, 1, 0, 1], [1, 0, 1, 0], [1, 0, 1, 0], [0, 1, 0, 1]])
    seen = []

    def validate():
        seen.append(float(net.weight.detach()))
        return np.array(next(given), dtype=float)

    records = train_encoder(
        net,
        lambda rng: [0],
        lambda batch, rng: -net(torch.ones(1)).sum(),
        validate,
        labels,
        EncoderTrainingConfig(patience=2),
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
    with use_seed(1):
        torch.rand(10)
    assert torch.equal(torch.rand(3), expected)
