"""A small data set with something to learn in it, and the same as it may look later."""

from __future__ import annotations

import dataclasses

import numpy as np
import polars as pl

from thinkrec.data.dataset import Dataset, Domain, Items
from thinkrec.data.interactions import TEST, TRAIN, VALID, Interactions

COLD_ITEM, COLD_USERS = 39, (85, 89)
"""In `plant_dataset`: an item in test rows alone, and the first and last of the users without train rows."""


def plant_dataset(seed: int = 0, *, n_users: int = 90, n_items: int = 40, per_user: int = 36) -> Dataset:
    """A small table of rank 2 plus item quality: labels are draws from sigmoid(taste . trait + quality).

    The last five users have validation and test rows only; the last item occurs in test rows only. Items carry the
    sign of each trait and a quality word as keywords, and a year.
    """
    rng = np.random.default_rng(seed)
    taste, trait = rng.normal(size=(n_users, 2)), rng.normal(size=(n_items, 2))
    worth = rng.normal(size=n_items)
    user, item, label, split, time = [], [], [], [], []
    for u in range(n_users):
        chosen = rng.permutation(n_items - 1)[: per_user - 1]
        chosen = np.append(chosen, n_items - 1 if u % 3 == 0 else chosen[0])
        for step, v in enumerate(chosen):
            logit = 2.0 * taste[u] @ trait[v] + 1.5 * worth[v]
            part = TRAIN if step < 0.6 * per_user else VALID if step < 0.8 * per_user else TEST
            user.append(u)
            item.append(v)
            label.append(int(rng.random() < 1 / (1 + np.exp(-logit))))
            split.append(VALID if part == TRAIN and u >= COLD_USERS[0] else part)
            time.append(step * 1000)
    rows = Interactions.build(user, item, label, time, split, np.arange(len(user)), n_users=n_users)
    words = [
        (f"trait one {t[0] > 0}", f"trait two {t[1] > 0}", "classic" if q > 0 else "panned")
        for t, q in zip(trait, worth, strict=True)
    ]
    titles = [f"Title {v} ({1950 + v})" for v in range(n_items)]
    return Dataset(rows, Items(list(range(n_items)), titles, words, pl.DataFrame()), Domain(), list(range(n_users)))


def flip_labels(ds: Dataset, rows: np.ndarray) -> Dataset:
    """`ds` with the labels of `rows` turned round."""
    label = ds.interactions.label.copy()
    label[rows] = 1 - label[rows]
    return dataclasses.replace(ds, interactions=dataclasses.replace(ds.interactions, label=label))


def grow_dataset(ds: Dataset) -> tuple[Dataset, np.ndarray]:
    """The data as they may be the night after.

    Items stand in reverse order with one more, users backwards with one in front, rows are shuffled.

    Returns:
        The data set, and int64 (n,): the row of `ds` that each of its rows was, -1 for a new one.
    """
    data, n_items, rng = ds.interactions, len(ds.items), np.random.default_rng(9)
    fresh = 6
    user = np.concatenate([data.n_users - data.user.astype(np.int64), np.zeros(fresh, dtype=np.int64)])
    item = np.concatenate([n_items - 1 - data.item.astype(np.int64), [n_items, 0, 1, 2, n_items, 3]])
    label = np.concatenate([data.label, [1, 0, 1, 1, 0, 0]])
    when = np.concatenate([data.timestamp, np.arange(fresh) * 1000 + 100])
    split = np.concatenate([data.split, np.full(fresh, TRAIN)])
    mixed = rng.permutation(len(user))
    order = np.empty(len(user), dtype=np.int64)
    order[mixed] = np.arange(len(user))
    was = np.concatenate([np.arange(len(data)), np.full(fresh, -1)])
    rows = Interactions.build(user, item, label, when, split, order, n_users=data.n_users + 1)
    items = Items(
        [*ds.items.ids[::-1], 777],
        [*ds.items.titles[::-1], "Title 777 (1999)"],
        [*ds.items.keywords[::-1], ds.items.keywords[0]],
        pl.DataFrame(),
    )
    changed = Dataset(rows, items, ds.domain, [555, *ds.user_ids[::-1]])
    return changed, was[mixed[rows.order]]
