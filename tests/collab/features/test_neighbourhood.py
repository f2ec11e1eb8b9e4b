from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from thinkrec.collab.features.neighbourhood import STRENGTH, NeighbourhoodResidual
from thinkrec.testing import flip_labels, plant_dataset

WORDS = ["old", "blue", "red", "slow", "loud"]


@pytest.fixture(scope="module")
def ds():
    plain, rng = plant_dataset(), np.random.default_rng(0)
    words = [tuple(WORDS[k] for k in rng.choice(5, rng.integers(0, 4), replace=False)) for _ in plain.items.titles]
    return replace(plain, items=replace(plain.items, keywords=words))


def expectations(ds) -> np.ndarray:
    return np.random.default_rng(1).uniform(0.1, 0.9, len(ds.interactions))


def by_hand(votes: NeighbourhoodResidual, ds, expected: np.ndarray) -> np.ndarray:
    """The formula, one pair of rows at a time."""
    data, unit = ds.interactions, votes.build_item_vectors(ds).toarray().astype(np.float64)
    found = np.zeros(len(data))
    for row in range(len(data)):
        past = np.arange(data.start[data.user[row]], row)
        alike = unit[data.item[past]] @ unit[data.item[row]]
        found[row] = alike @ (data.label[past] - expected[past]) / (alike.sum() + STRENGTH)
    return found


def test_a_vote_is_the_formula(ds):
    votes, expected = NeighbourhoodResidual.from_dataset(ds), expectations(ds)
    found = votes.compute_row_residuals(ds, expected)
    np.testing.assert_allclose(found, by_hand(votes, ds, expected), atol=1e-6)
    assert np.abs(found).max() > 0.1


def test_rows_of_unit_length_and_items_without_keywords_without_a_vote(ds):
    votes = NeighbourhoodResidual.from_dataset(ds)
    length = np.sqrt(
        np.asarray(votes.build_item_vectors(ds).multiply(votes.build_item_vectors(ds)).sum(axis=1)).ravel()
    )
    bare = np.array([not words for words in ds.items.keywords])
    assert bare.any()
    np.testing.assert_allclose(length, np.where(bare, 0, 1), atol=1e-6)
    assert (votes.compute_row_residuals(ds, expectations(ds))[bare[ds.interactions.item]] == 0).all()


def test_a_catalogue_without_keywords_votes_nothing(ds):
    plain = replace(ds, items=replace(ds.items, keywords=[()] * len(ds.items)))
    votes = NeighbourhoodResidual.from_dataset(plain)
    assert (votes.compute_row_residuals(plain, expectations(plain)) == 0).all()
    assert (
        votes.compute_candidate_residuals(plain, np.array([0, 1]), np.array([0.5, -0.5]), np.array([2, 3])) == 0
    ).all()


def test_neither_the_rows_own_label_nor_a_later_one_is_counted(ds):
    data, votes, expected = ds.interactions, NeighbourhoodResidual.from_dataset(ds), expectations(ds)
    row = int(data.start[6] + 10)
    while not ds.items.keywords[data.item[row]]:
        row += 1  # an item without keywords has no vote that could show anything
    after = votes.compute_row_residuals(flip_labels(ds, np.arange(row, data.start[7])), expected)
    before = votes.compute_row_residuals(ds, expected)
    np.testing.assert_allclose(before[: row + 1], after[: row + 1], atol=1e-12)
    assert not np.allclose(before[row + 1 : data.start[7]], after[row + 1 : data.start[7]])


def test_candidates_get_the_vote_their_row_would_get(ds):
    data, votes, expected = ds.interactions, NeighbourhoodResidual.from_dataset(ds), expectations(ds)
    known = votes.compute_row_residuals(ds, expected)
    for row in (int(data.start[3]), int(data.start[3]) + 1, int(data.start[9]) - 1):
        past = np.arange(data.start[data.user[row]], row)
        items = np.array([data.item[row], (data.item[row] + 1) % len(ds.items)])
        found = votes.compute_candidate_residuals(ds, data.item[past], data.label[past] - expected[past], items)
        assert found[0] == pytest.approx(known[row], abs=1e-6)
