"""Two rankings joined, and how far they agree."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr

from thinkrec.serve.comparison import Standing, compute_rank_correlation, join_rankings, list_standings
from thinkrec.serve.values import Moved, RankedItem


def rank(order: str) -> list[RankedItem]:
    return [RankedItem(n, item, item.upper(), -float(n), 1 / (n + 1)) for n, item in enumerate(order, start=1)]


def test_the_best_of_either_by_their_place_in_the_first() -> None:
    items = join_rankings(rank("abcde"), rank("edabc"), top=2)
    assert [(one.item, one.first.rank, one.second.rank) for one in items] == [
        ("a", 1, 3),
        ("b", 2, 4),
        ("d", 4, 2),
        ("e", 5, 1),
    ]
    assert items[0].title == "A" and items[0].first == Standing(1, -1.0, 0.5) and items[0].second.probability == 1 / 4


def test_an_item_that_only_one_ranks_is_left_out() -> None:
    assert [one.item for one in join_rankings(rank("ab"), rank("b"), top=5)] == ["b"]


def test_of_a_changed_history_the_place_after_the_change_counts() -> None:
    moved = [Moved("a", "A", 7, 1, 0.1, 0.9, 0.2, 0.8)]
    assert list_standings(moved)["a"].first == Standing(1, 0.9, 0.8)


def test_the_correlation_is_spearmans() -> None:
    orders = ["abcdefg", "bagfdce"]
    items = join_rankings(rank(orders[0]), rank(orders[1]), top=7)
    places = [[order.index(item) for item in "abcdefg"] for order in orders]
    assert compute_rank_correlation(items) == pytest.approx(float(np.asarray(spearmanr(*np.array(places)))[0]))
    assert compute_rank_correlation(join_rankings(rank("ab"), rank("ba"), top=2)) == -1
    assert compute_rank_correlation(items[:1]) is None
