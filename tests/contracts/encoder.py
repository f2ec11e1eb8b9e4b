"""The suite that every collaborative scorer and encoder passes; a test file names its config and calls these."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from pydantic import TypeAdapter

from thinkrec.collab import Encoder, Scorer, ScorerConfig, build_scorer
from thinkrec.collab.selection import compute_auc
from thinkrec.data.dataset import Dataset, Domain, Items
from thinkrec.data.interactions import TEST, TRAIN, VALID, Interactions
from thinkrec.data.query import Query
from thinkrec.errors import CheckpointError, DataError

COLD_ITEM, COLD_USERS = 39, (85, 89)
"""In `planted`: an item in test rows alone, and the first and last of the users without train rows."""


def planted(seed: int = 0, *, n_users: int = 90, n_items: int = 40, per_user: int = 36) -> Dataset:
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


def relabelled(ds: Dataset, rows: np.ndarray) -> Dataset:
    """`ds` with the labels of `rows` turned round."""
    label = ds.interactions.label.copy()
    label[rows] = 1 - label[rows]
    return dataclasses.replace(ds, interactions=dataclasses.replace(ds.interactions, label=label))


def fitted(config: ScorerConfig, ds: Dataset, seed: int = 0) -> Scorer:
    """A new scorer, fitted."""
    scorer = build_scorer(config)
    scorer.fit(ds, seed=seed)
    return scorer


def check_scorer(config: ScorerConfig, folder: Path, *, learns: float | None = 0.6, random: bool = True) -> Scorer:
    """Everything a `Scorer` promises. `learns`: least test AUC on `planted`; `random`: whether seeds matter."""
    ds = planted()
    data = ds.interactions
    everything = np.arange(len(data))
    assert TypeAdapter(ScorerConfig).validate_python(config.model_dump()) == config

    unfitted = build_scorer(config)
    if not isinstance(unfitted, build_scorer(TypeAdapter(ScorerConfig).validate_python({"kind": "random"})).__class__):
        with pytest.raises(RuntimeError, match="fit"):
            unfitted.score(ds, everything)

    scorer = build_scorer(config)
    assert isinstance(scorer, Scorer)
    records = scorer.fit(ds, seed=0)
    assert all(isinstance(record["epoch"], int) and 0 <= record["auc"] <= 1 for record in records)

    score = scorer.score(ds, everything)
    assert score.shape == (len(data),) and score.dtype == np.float64
    assert np.isfinite(score).all(), "users or items without train rows must have a defined score"
    mixed = np.random.default_rng(1).permutation(everything)[:50]
    np.testing.assert_allclose(scorer.score(ds, mixed), score[mixed], rtol=1e-4, atol=1e-5)
    assert scorer.score(ds, everything[:0]).shape == (0,)

    np.testing.assert_array_equal(fitted(config, ds).score(ds, everything), score)
    assert np.array_equal(fitted(config, ds, seed=1).score(ds, everything), score) != random

    scorer.save(folder)
    loaded = type(scorer).load(folder)
    np.testing.assert_array_equal(loaded.score(ds, everything), score)
    check_ids(loaded, ds, score)
    assert not [path for path in folder.rglob("*") if path.suffix not in (".json", ".safetensors")]
    (folder / "state.safetensors").write_bytes(b"\x10")
    with pytest.raises(CheckpointError, match="truncated"):
        type(scorer).load(folder)
    (folder / "config.json").unlink()
    with pytest.raises(CheckpointError, match="missing"):
        type(scorer).load(folder)

    check_causal(scorer, ds, score)
    test = data.get_split_rows(TEST)
    if learns is not None:
        assert compute_auc(data.label[test], score[test]) > learns
        with pytest.raises(DataError, match="valid"):
            none = dataclasses.replace(data, split=np.where(data.split == VALID, TEST, data.split))
            build_scorer(config).fit(dataclasses.replace(ds, interactions=none), seed=0)
    return scorer


def regrown(ds: Dataset) -> tuple[Dataset, np.ndarray]:
    """`ds` as it may be the night after: items in reverse order and one more, users backwards and one in front, rows
    shuffled; and int64 (n,), the row of `ds` that each of its rows was, -1 for a new one.
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
    items = Items([*ds.items.ids[::-1], 777], [*ds.items.titles[::-1], "Title 777 (1999)"],
                  [*ds.items.keywords[::-1], ds.items.keywords[0]], pl.DataFrame())  # fmt: skip
    changed = Dataset(rows, items, ds.domain, [555, *ds.user_ids[::-1]])
    return changed, was[mixed[rows.order]]


def check_ids(scorer: Scorer, ds: Dataset, score: np.ndarray) -> None:
    """Old rows have their old scores in data that were reordered and have grown; new users and items have a score."""
    grown, place = regrown(ds)
    again = scorer.score(grown, np.arange(len(place)))
    assert np.isfinite(again).all() and (place < 0).sum() == 6
    np.testing.assert_allclose(again[place >= 0], score[place[place >= 0]], rtol=1e-5, atol=1e-6)


def check_causal(scorer: Scorer, ds: Dataset, score: np.ndarray) -> None:
    """Scores of validation and test rows stay when labels at or after the row are turned round."""
    data = ds.interactions
    for user in (0, 7, COLD_USERS[0]):
        later = np.arange(data.start[user], data.start[user + 1])
        later = later[data.split[later] != TRAIN]
        row = later[len(later) // 2]
        changed = relabelled(ds, np.arange(row, data.start[user + 1]))
        asked = np.arange(later[0], row + 1)
        np.testing.assert_allclose(scorer.score(changed, asked), score[asked], rtol=1e-5, atol=1e-6)


def check_encoder(config: ScorerConfig, folder: Path, *, learns: float = 0.6) -> Encoder:
    """Everything an `Encoder` promises on top of `Scorer`."""
    scorer = check_scorer(config, folder, learns=learns)
    assert isinstance(scorer, Encoder)
    ds = planted()
    data = ds.interactions
    rows = np.arange(len(data))
    users, items = scorer.encode_users(ds, rows), scorer.encode_items(ds)
    assert users.shape == (len(rows), scorer.dim) and users.dtype == np.float32
    assert items.shape == (len(ds.items), scorer.dim) and items.dtype == np.float32
    assert np.isfinite(users).all() and np.isfinite(items).all()

    warm = np.unique(data.item[data.split == TRAIN])
    assert COLD_ITEM not in warm
    np.testing.assert_allclose(items[COLD_ITEM], items[warm].mean(axis=0), rtol=1e-4, atol=1e-6)

    row = int(data.start[8] - 3)
    changed = relabelled(ds, np.arange(row, data.start[8]))
    np.testing.assert_allclose(scorer.encode_users(changed, rows[row : row + 1]), users[row : row + 1], atol=1e-6)

    for asked in (row, int(data.start[2]), int(data.start[COLD_USERS[0]]) + 5):
        # A sequence alone in its batch may differ in the last digits.
        np.testing.assert_allclose(scorer.encode_query(ds, Query.from_row(ds, asked)), users[asked], rtol=1e-5, atol=1e-6)
    nobody = scorer.encode_query(ds, Query.from_ratings(ds, None, np.arange(3), np.ones(3, dtype=np.int8)))
    assert nobody.shape == (scorer.dim,) and nobody.dtype == np.float32 and np.isfinite(nobody).all()

    grown, place = regrown(ds)
    fresh = np.flatnonzero(place < 0)
    np.testing.assert_array_equal(scorer.encode_items(grown)[:-1], items[::-1])
    np.testing.assert_allclose(scorer.encode_items(grown)[-1], items[warm].mean(axis=0), rtol=1e-4, atol=1e-6)
    known = scorer.encode_users(grown, np.flatnonzero(place >= 0))
    np.testing.assert_allclose(known, users[place[place >= 0]], rtol=1e-5, atol=1e-6)
    assert np.isfinite(scorer.encode_users(grown, fresh)).all() and len(fresh)
    return scorer
