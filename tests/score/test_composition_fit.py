"""Weights that validation rows choose, and what they are calibrated to."""

from __future__ import annotations

import numpy as np
import pytest

from thinkrec.collab.selection import compute_auc, compute_uauc
from thinkrec.score.composition_fit import choose_weights, fit_calibration, fit_composition

USERS, ROWS = 60, 20


@pytest.fixture(scope="module")
def planted() -> dict[str, np.ndarray]:
    """Labels from a user's generosity and an item's quality; the model knows the first, `item` the second."""
    rng = np.random.default_rng(0)
    user = np.repeat(np.arange(USERS), ROWS)
    generosity, quality = rng.standard_normal(USERS)[user], rng.standard_normal(USERS * ROWS)
    label = (generosity + quality + rng.logistic(size=len(user)) * 0.5 > 0).astype(np.int64)
    noise = rng.standard_normal(len(user))
    return {"user": user, "label": label, "generosity": generosity, "quality": quality, "noise": noise}


def fit(planted: dict[str, np.ndarray], **options):
    parts = {"model": planted["generosity"], "item": planted["quality"], "scorer": planted["noise"]}
    zeros = np.zeros((len(planted["user"]), 2))
    return parts, fit_composition(parts, planted["user"], planted["label"], planted["quality"], zeros, **options)


def test_what_helps_is_weighed_and_noise_is_not(planted) -> None:
    parts, (composition, log) = fit(planted)
    assert composition.weights["item"] >= 0.75
    assert composition.weights["scorer"] <= 0.1
    composed = composition.combine(parts)
    assert log["composed"]["uauc"] == pytest.approx(compute_uauc(planted["user"], planted["label"], composed))
    assert log["composed"]["uauc"] > log["alone"]["model"]["uauc"] + 0.2
    assert all(half["uauc"] > 0.8 for half in log["held_out"])
    assert len(log["held_out"]) == 2


def test_a_least_auc_is_kept(planted) -> None:
    user, label = planted["user"], planted["label"]
    parts = {"model": planted["generosity"] + 0.5 * planted["noise"], "item": planted["quality"]}
    every = np.ones(len(user), dtype=bool)

    def auc(weights: dict[str, float]) -> float:
        return compute_auc(label, sum(weights[name] * parts[name] for name in parts))

    floor = auc({"model": 1.0, "item": 1.0}) - 0.001
    bound = choose_weights(parts, user, label, every, floor)
    assert auc(bound) >= floor
    # UAUC alone takes the item for all it is worth.
    assert bound["item"] < 2.0
    assert choose_weights(parts, user, label, every, 0.51)["item"] == 2.0


def test_probabilities_are_calibrated(planted) -> None:
    parts, (composition, _) = fit(planted)
    chance = 1 / (1 + np.exp(-composition.combine(parts)))
    assert chance.mean() == pytest.approx(planted["label"].mean(), abs=1e-3)
    for low in (0.0, 0.25, 0.5, 0.75):
        inside = (chance >= low) & (chance < low + 0.25)
        assert chance[inside].mean() == pytest.approx(planted["label"][inside].mean(), abs=0.06)


def test_calibration_never_turns_the_order() -> None:
    label = np.array([0, 1] * 20)
    scale, offset = fit_calibration(-label.astype(np.float64), label)
    assert (scale, offset) == (1.0, 0.0)
    assert fit_calibration(np.zeros(40), label) == (1.0, 0.0)


def test_the_split_is_the_least_squares_of_the_composed_score(planted) -> None:
    _, (composition, _) = fit(planted)
    expected = composition.scale * composition.weights["item"]
    assert composition.item_slope == pytest.approx(expected, abs=0.15)
