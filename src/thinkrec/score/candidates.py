"""A fitted scorer asked about any user and any items as of now, as the language model is by its predictor."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from thinkrec.collab.encoder import Scorer
from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TEST, Interactions
from thinkrec.io.progress import Progress

ROWS = 200_000
"""Rows that a scorer is given at a time, so that memory does not grow with candidates times history."""


@dataclass(frozen=True)
class UserHistory:
    """A user and what they rated so far, oldest first; equal-length arrays."""

    user: Any
    """Original user id; None for somebody whom training did not know."""
    item: np.ndarray
    """int64: item codes."""
    label: np.ndarray
    """int8: 1 liked, 0 not."""
    timestamp: np.ndarray
    """int64: as in the data."""
    split: np.ndarray
    """int8: of which split each row is; a train row is known to have been trained on."""
    now: int
    """When the question is asked, in the data's time."""

    @classmethod
    def from_dataset(cls, ds: Dataset, user: int) -> UserHistory:
        """The user of a code with all their rows, asked at the time of the last row in the data."""
        it = ds.interactions
        rows = slice(int(it.start[user]), int(it.start[user + 1]))
        return cls(
            ds.user_ids[user],
            it.item[rows].astype(np.int64),
            it.label[rows],
            it.timestamp[rows],
            it.split[rows],
            int(it.timestamp.max()),
        )

    @classmethod
    def from_ratings(cls, ds: Dataset, user: Any, item: np.ndarray, label: np.ndarray) -> UserHistory:
        """A user with another history than the data's; its times are not known and count as now."""
        now, n = int(ds.interactions.timestamp.max()), len(item)
        return cls(user, item, label, np.full(n, now), np.full(n, TEST, dtype=np.int8), now)


def score_candidates(
    scorer: Scorer, ds: Dataset, present: UserHistory, items: np.ndarray, *, progress: bool = False
) -> np.ndarray:
    """float64 (len(items),): the score of each item code for the user now; no candidate sees another.

    Every candidate closes a copy of the user's past as an open row. The copies bear the user's id, by which scorers
    find what they learned of the user.
    """
    size, found = max(1, ROWS // (len(present.item) + 1)), np.zeros(len(items))
    with Progress("ranking", len(items), shown=progress and len(items) > size) as bar:
        for first in range(0, len(items), size):
            part = items[first : first + size]
            found[first : first + size] = _score_batch(scorer, ds, present, part)
            bar.advance(len(part))
    return found


def _score_batch(scorer: Scorer, ds: Dataset, present: UserHistory, items: np.ndarray) -> np.ndarray:
    n, past = len(items), len(present.item)

    def copies(values: np.ndarray, last: np.ndarray | int) -> np.ndarray:
        rows = np.empty((n, past + 1), dtype=np.int64)
        rows[:, :past] = values
        rows[:, past] = last
        return rows.ravel()

    table = Interactions.build(
        user=np.repeat(np.arange(n), past + 1),
        item=copies(present.item, items),
        label=copies(present.label, 0),
        timestamp=copies(present.timestamp, present.now),
        split=copies(present.split, TEST),
        order=np.arange(n * (past + 1)),
        n_users=n,
    )
    # Users without an id of their own are unknown to every scorer.
    named = [] if present.user is None else [present.user] * n
    asked = replace(ds, interactions=table, user_ids=named)
    return np.asarray(scorer.score(asked, np.arange(past, n * (past + 1), past + 1)), dtype=np.float64)
