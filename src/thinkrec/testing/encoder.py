"""The checks that every collaborative scorer and encoder passes, whoever wrote it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, TypeAdapter

from thinkrec.collab import Encoder, RandomScorer, Scorer, ScorerConfig, build_scorer
from thinkrec.collab.selection import compute_auc
from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TEST, TRAIN, VALID
from thinkrec.data.query import Query
from thinkrec.errors import CheckpointError, DataError
from thinkrec.testing.errors import expect_error
from thinkrec.testing.planted import COLD_ITEM, COLD_USERS, flip_labels, grow_dataset, plant_dataset


def check_scorer(
    config: BaseModel | Mapping[str, Any], folder: Path, *, learns: float | None = 0.6, random: bool = True
) -> Scorer:
    """Check everything that a `Scorer` promises, on a small planted data set.

    Shapes and types; scores that are finite, for users and items without train rows too; equal seeds give equal scores;
    what is saved scores as before, holds no pickle and is refused where it is damaged; scores belong to ids, not to
    places in a table; and they use nothing of the user at or after a row.

    Args:
        config: as a recipe has it: a config of the package, or keys such as {"kind": "mypackage.module.MyScorer"}.
        folder: an empty one, to save in.
        learns: the least AUC on test rows, out of .5 to 1; None where the scorer learns nothing.
        random: whether another seed gives other scores.

    Returns:
        The scorer, fitted.

    Raises:
        AssertionError: saying what is not as promised.
    """
    ds, parsed = plant_dataset(), TypeAdapter(ScorerConfig).validate_python(config)
    everything = np.arange(len(ds.interactions))
    again = TypeAdapter(ScorerConfig).validate_python(parsed.model_dump())
    assert again == parsed, f"a recipe gives {again!r} after it was written and read, not {parsed!r}"
    _check_unfitted(build_scorer(parsed), ds, everything)

    scorer = build_scorer(parsed)
    assert isinstance(scorer, Scorer), f"{type(scorer).__name__} lacks a method of `Scorer`"
    records = scorer.fit(ds, seed=0)
    for record in records:
        assert isinstance(record["epoch"], int) and 0 <= record["auc"] <= 1, f"fit gave the record {record}"
    score = scorer.score(ds, everything)
    _check_score(scorer, ds, score)
    np.testing.assert_array_equal(fit_scorer(parsed, ds).score(ds, everything), score, "equal seeds gave other scores")
    differs = not np.array_equal(fit_scorer(parsed, ds, seed=1).score(ds, everything), score)
    assert differs == random, f"another seed {'changed the' if differs else 'gave the same'} scores"
    check_files(scorer, folder, ds, score)
    check_causal(scorer, ds, score)
    if learns is not None:
        _check_learning(parsed, ds, score, learns)
    return scorer


def check_encoder(
    config: BaseModel | Mapping[str, Any], folder: Path, *, learns: float | None = 0.6, random: bool = True
) -> Encoder:
    """Check everything that an `Encoder` promises on top of a `Scorer`.

    Vectors of the right shape and type; an item without train rows has the mean vector of those that have some; a
    user's vector knows nothing at or after the row it is for; a query has the vector of a row with its past; vectors
    belong to ids. Arguments and errors as in
    `check_scorer`.
    """
    scorer = check_scorer(config, folder, learns=learns, random=random)
    assert isinstance(scorer, Encoder), f"{type(scorer).__name__} lacks a member of `Encoder`"
    ds = plant_dataset()
    data = ds.interactions
    rows = np.arange(len(data))
    users, items = scorer.encode_users(ds, rows), scorer.encode_items(ds)
    for vectors, shape in ((users, (len(rows), scorer.dim)), (items, (len(ds.items), scorer.dim))):
        assert vectors.shape == shape, f"vectors of shape {vectors.shape} where {shape} were promised"
        assert vectors.dtype == np.float32, f"vectors of {vectors.dtype}, not float32"
        assert np.isfinite(vectors).all(), "vectors that are not finite"

    warm = np.unique(data.item[data.split == TRAIN])
    assert COLD_ITEM not in warm
    mean = items[warm].mean(axis=0)
    np.testing.assert_allclose(items[COLD_ITEM], mean, 1e-4, 1e-6, err_msg="an item without train rows")

    row = int(data.start[8] - 3)
    changed = flip_labels(ds, np.arange(row, data.start[8]))
    later = scorer.encode_users(changed, rows[row : row + 1])
    np.testing.assert_allclose(later, users[row : row + 1], atol=1e-6, err_msg="labels at or after a row changed it")

    for row in range(5, len(data), len(data) // 20):
        present = scorer.encode_query(ds, Query.from_row(ds, row))
        np.testing.assert_allclose(present, users[row], 1e-4, 1e-5, err_msg="a query gave another vector than its row")

    grown, place = grow_dataset(ds)
    fresh = np.flatnonzero(place < 0)
    grown_items = scorer.encode_items(grown)
    np.testing.assert_array_equal(grown_items[:-1], items[::-1], "items in another order")
    np.testing.assert_allclose(grown_items[-1], mean, 1e-4, 1e-6, err_msg="an item that came after the training")
    known = scorer.encode_users(grown, np.flatnonzero(place >= 0))
    np.testing.assert_allclose(known, users[place[place >= 0]], 1e-5, 1e-6, err_msg="users in another order")
    assert np.isfinite(scorer.encode_users(grown, fresh)).all() and len(fresh)
    return scorer


def fit_scorer(config: ScorerConfig, ds: Dataset, seed: int = 0) -> Scorer:
    """A new scorer, fitted."""
    scorer = build_scorer(config)
    scorer.fit(ds, seed=seed)
    return scorer


def check_files(scorer: Scorer, folder: Path, ds: Dataset, score: np.ndarray) -> None:
    """What is saved scores as before; a damaged or missing file is refused with a CheckpointError."""
    scorer.save(folder)
    loaded = type(scorer).load(folder)
    np.testing.assert_array_equal(loaded.score(ds, np.arange(len(score))), score, "what was loaded scores otherwise")
    check_ids(loaded, ds, score)
    others = [path.name for path in folder.rglob("*") if path.suffix not in (".json", ".safetensors")]
    assert not others, f"save wrote {others}; only .json and .safetensors are read without running code"
    (folder / "state.safetensors").write_bytes(b"\x10")
    with expect_error(CheckpointError, "truncated"):
        type(scorer).load(folder)
    (folder / "config.json").unlink()
    with expect_error(CheckpointError, "missing"):
        type(scorer).load(folder)


def check_ids(scorer: Scorer, ds: Dataset, score: np.ndarray) -> None:
    """Old rows have their old scores in data that were reordered and have grown; new users and items have a score."""
    grown, place = grow_dataset(ds)
    again = scorer.score(grown, np.arange(len(place)))
    assert np.isfinite(again).all() and (place < 0).sum() == 6
    old = place >= 0
    np.testing.assert_allclose(again[old], score[place[old]], 1e-5, 1e-6, err_msg="scores go by place, not by id")


def check_causal(scorer: Scorer, ds: Dataset, score: np.ndarray) -> None:
    """Scores of validation and test rows stay when labels at or after the row are turned round."""
    data = ds.interactions
    for user in (0, 7, COLD_USERS[0]):
        later = np.arange(data.start[user], data.start[user + 1])
        later = later[data.split[later] != TRAIN]
        row = later[len(later) // 2]
        changed = flip_labels(ds, np.arange(row, data.start[user + 1]))
        asked = np.arange(later[0], row + 1)
        np.testing.assert_allclose(
            scorer.score(changed, asked), score[asked], 1e-5, 1e-6, err_msg="labels at or after a row changed its score"
        )


def _check_unfitted(scorer: Scorer, ds: Dataset, rows: np.ndarray) -> None:
    if not isinstance(scorer, RandomScorer):
        with expect_error(RuntimeError, "fit"):
            scorer.score(ds, rows)


def _check_score(scorer: Scorer, ds: Dataset, score: np.ndarray) -> None:
    n = len(ds.interactions)
    assert score.shape == (n,), f"scores of shape {score.shape} for {n} rows"
    assert score.dtype == np.float64, f"scores of {score.dtype}, not float64"
    assert np.isfinite(score).all(), "users or items without train rows must have a defined score"
    mixed = np.random.default_rng(1).permutation(n)[:50]
    np.testing.assert_allclose(
        scorer.score(ds, mixed), score[mixed], 1e-4, 1e-5, err_msg="a row's score depends on the rows beside it"
    )
    assert scorer.score(ds, mixed[:0]).shape == (0,), "no rows have no scores"


def _check_learning(config: ScorerConfig, ds: Dataset, score: np.ndarray, learns: float) -> None:
    data = ds.interactions
    test = data.get_split_rows(TEST)
    auc = compute_auc(data.label[test], score[test])
    assert auc > learns, f"AUC {auc:.3f} on test rows, and more than {learns} is asked for"
    without = dataclasses.replace(data, split=np.where(data.split == VALID, TEST, data.split))
    with expect_error(DataError, "valid"):
        build_scorer(config).fit(dataclasses.replace(ds, interactions=without), seed=0)
