"""Coverage, novelty and diversity of lists: what is recommended, whether it is right or not."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import combinations

import numpy as np


def compute_coverage(lists: Sequence[np.ndarray], n_items: int) -> float:
    """Share of the catalogue that stands in at least one list (Ge, Delgado-Battenfeld and Jannach, RecSys 2010).

    It grows with the number of lists, so that only figures over the same users compare.

    >>> compute_coverage([np.array([0, 1]), np.array([1, 2])], 6)
    0.5
    """
    return len(np.unique(np.concatenate([*lists, np.zeros(0, dtype=np.int64)]))) / n_items


def compute_item_information(users_per_item: np.ndarray, n_users: int) -> np.ndarray:
    """float64 (n_items,): -log2 of the share of users who met each item, in bits.

    p(i) = (users with a train row of i + 1) / (users + 1): an item that nobody met is finite, one that all met has 0.

    >>> compute_item_information(np.array([7, 3, 0]), 7).tolist()
    [0.0, 1.0, 3.0]
    """
    return -np.log2((np.asarray(users_per_item, dtype=np.float64) + 1) / (n_users + 1)) + 0.0


def compute_novelty(lists: Sequence[np.ndarray], information: np.ndarray) -> np.ndarray:
    """float64 (n_users,): mean information of each list's items in bits (Vargas and Castells, RecSys 2011).

    NaN for an empty list.

    >>> compute_novelty([np.array([0, 1]), np.array([2])], np.array([0., 1., 3.])).tolist()
    [0.5, 3.0]
    """
    return np.array([information[items].mean() if len(items) else np.nan for items in lists])


def compute_diversity(lists: Sequence[np.ndarray], keywords: Sequence[Collection[str]]) -> np.ndarray:
    """float64 (n_users,): mean over the pairs of a list's items of 1 - Jaccard similarity of their keywords.

    Intra-list distance (Ziegler et al., WWW 2005) with J(A, B) = |A and B| / |A or B|. Pairs of which neither item has
    a keyword say nothing and are left out; a list without any other pair is NaN.

    >>> words = [{"sea", "war"}, {"sea"}, {"moss"}, set()]
    >>> compute_diversity([np.array([0, 1, 2]), np.array([3])], words).round(3).tolist()      # (1/2 + 1 + 1) / 3
    [0.833, nan]
    """
    sets = [frozenset(words) for words in keywords]
    values = np.full(len(lists), np.nan)
    for user, items in enumerate(lists):
        pairs = [(sets[a], sets[b]) for a, b in combinations(items.tolist(), 2) if sets[a] or sets[b]]
        if pairs:
            values[user] = np.mean([1 - len(a & b) / len(a | b) for a, b in pairs])
    return values
