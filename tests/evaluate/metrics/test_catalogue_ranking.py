"""HR, Recall, MRR and NDCG @K against the definitions written out, and ties against all orders."""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest

from thinkrec.evaluate.metrics.catalogue_ranking import compute_top_k_metrics, find_places


def write_out(ranking: list[int], relevant: set[int], k: int) -> dict[str, float]:
    """The definitions, item by item."""
    hits = [item in relevant for item in ranking[:k]]
    first = next((place for place, hit in enumerate(hits, 1) if hit), None)
    gain = sum(hit / math.log2(place + 1) for place, hit in enumerate(hits, 1))
    ideal = sum(1 / math.log2(place + 1) for place in range(1, min(k, len(relevant)) + 1))
    return {
        "hr": float(any(hits)),
        "recall": sum(hits) / len(relevant),
        "mrr": 0.0 if first is None else 1 / first,
        "ndcg": gain / ideal,
    }


def test_values_are_those_of_the_definitions() -> None:
    rng = np.random.default_rng(0)
    for k in (1, 3, 10, 50):
        places, counts, expected = [], [], []
        for _ in range(40):
            relevant = set(rng.choice(30, rng.integers(1, 12), replace=False).tolist())
            ranked = rng.permutation(30)[: rng.integers(5, 31)]  # some relevant items may not be ranked at all
            scores = -np.arange(len(ranked), dtype=float)
            order, at = find_places(scores, np.isin(ranked, list(relevant)), rng)
            places.append(at)
            counts.append(len(relevant))
            expected.append(write_out(ranked[order].tolist(), relevant, k))
        values = compute_top_k_metrics(places, counts, k)
        for name, of in values.items():
            assert of == pytest.approx([row[name] for row in expected]), (name, k)


def test_ties_are_drawn_whatever_the_order_of_the_catalogue() -> None:
    scores, is_relevant = np.array([1.0, 1.0, 1.0, 0.0]), np.array([True, False, False, False])
    places = [find_places(scores, is_relevant, np.random.default_rng(seed))[1][0] for seed in range(3000)]
    shares = np.bincount(places, minlength=4)[1:] / 3000
    expected = [1 / 3] * 3  # each of the orders of three tied items is as likely
    assert len(list(permutations(range(3)))) == 6
    assert shares == pytest.approx(expected, abs=0.04)
    again = [find_places(scores, is_relevant, np.random.default_rng(seed))[1][0] for seed in range(50)]
    assert again == places[:50]


def test_a_user_without_a_relevant_item_is_an_error() -> None:
    with pytest.raises(ValueError, match="leave such users out"):
        compute_top_k_metrics([np.array([], dtype=int)], [0], 5)
