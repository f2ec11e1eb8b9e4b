"""HR, Recall, MRR and NDCG @K of lists out of a catalogue, from the places of the relevant items.

Per user there is a set R of relevant items and a ranking of other items with them; r_1 < r_2 < ... are the places of
the relevant items in it, from 1. A relevant item that was not ranked has no place and is a miss.

| metric | formula |
|---|---|
| HR@K | 1 if r_1 <= K, else 0 |
| Recall@K | number of i with r_i <= K, over the number of relevant items |
| MRR@K | 1 / r_1 if r_1 <= K, else 0 |
| NDCG@K | sum over r_i <= K of 1 / log2(r_i + 1), over the sum of 1 / log2(i + 1) for i = 1 .. min(K, relevant items) |

Each is a mean over users with at least one relevant item, each counting once (Herlocker et al., TOIS 2004; binary gain
as in Jarvelin and Kekalainen, TOIS 2002). Recall divides by all relevant items, so that a user with more than K of them
cannot reach 1.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

TOP_K = ("hr", "recall", "mrr", "ndcg")
"""The metrics, in the order of tables."""
TITLES = {"hr": "HR", "recall": "Recall", "mrr": "MRR", "ndcg": "NDCG"}


def find_places(scores: np.ndarray, is_relevant: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The ranking by scores, best first, and the places of the relevant items in it, from 1.

    Equal scores stand in an order that `rng` draws, so that no metric depends on the order of the catalogue.

    Args:
        scores: float (n,).
        is_relevant: bool (n,).
        rng: for ties.

    Returns int64 (n,) indices and int64 (relevant,) ascending places.

    >>> order, places = find_places(np.array([.1, .9, .5]), np.array([True, False, True]), np.random.default_rng(0))
    >>> order.tolist(), places.tolist()
    ([1, 2, 0], [2, 3])
    """
    order = np.lexsort((rng.permutation(len(scores)), -np.asarray(scores, dtype=np.float64)))
    return order, np.flatnonzero(np.asarray(is_relevant, dtype=bool)[order]) + 1


def compute_top_k_metrics(places: Sequence[np.ndarray], relevant: Sequence[int], k: int) -> dict[str, np.ndarray]:
    """Per-user values of TOP_K, float64 (n_users,) each.

    Args:
        places: per user the ascending places, from 1, of the relevant items that were ranked.
        relevant: per user the number of relevant items, those that were not ranked among them.
        k: the cut.

    Raises ValueError for a user without a relevant item: such users are left out before.

    >>> values = compute_top_k_metrics([np.array([2, 12]), np.array([], dtype=int)], [2, 1], 10)
    >>> values["hr"].tolist(), values["recall"].tolist(), values["mrr"].tolist()
    ([1.0, 0.0], [0.5, 0.0], [0.5, 0.0])
    >>> [round(float(value), 4) for value in values["ndcg"]]      # (1 / log2(3)) / (1 / log2(2) + 1 / log2(3))
    [0.3869, 0.0]
    """
    if any(count < 1 for count in relevant):
        raise ValueError("a user without a relevant item has no value; leave such users out, and count them")
    gains = 1 / np.log2(np.arange(2, k + 2))
    ideal = np.cumsum(gains)
    out = {name: np.zeros(len(places)) for name in TOP_K}
    for user, (at, count) in enumerate(zip(places, relevant, strict=True)):
        inside = at[at <= k]
        if not len(inside):
            continue
        out["hr"][user] = 1.0
        out["recall"][user] = len(inside) / count
        out["mrr"][user] = 1 / inside[0]
        out["ndcg"][user] = gains[inside - 1].sum() / ideal[min(k, count) - 1]
    return out
