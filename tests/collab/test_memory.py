"""Tables that would grow with the square of the catalogue are made a few items at a time, with the same digits."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from thinkrec.collab import EncoderTrainingConfig, LightGCNConfig, MFConfig, SASRecConfig, build_scorer
from thinkrec.collab.encoder import Encoder
from thinkrec.collab.features import item_neighbours, past_statistics, slot_encoder, slot_vectors, tree_features
from thinkrec.collab.features.keyword_terms import KeywordVocabulary
from thinkrec.collab.features.slot_encoder import SlotEncoder
from thinkrec.collab.features.slot_vectors import RowVectors
from thinkrec.collab.sequences import UserSequences
from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import Interactions
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue


def unit(ds: Dataset) -> sparse.csr_matrix:
    terms = KeywordVocabulary.from_keywords(ds.items.keywords).build_matrix(ds.items.keywords)
    return item_neighbours.build_tfidf_matrix(terms, item_neighbours.compute_idf(terms))


def votes(ds: Dataset) -> dict[str, np.ndarray]:
    expected, everything = np.full((3, len(ds.items)), 0.5), np.ones(len(ds.interactions), dtype=bool)
    factors = np.stack([item_neighbours.compute_item_factors(ds, part, everything) for part in expected])
    return item_neighbours.compute_neighbour_residuals(
        ds, unit(ds), expected, np.arange(len(ds.interactions)) % 3, factors
    )


def test_blocks_of_items_change_no_digit(monkeypatch: pytest.MonkeyPatch) -> None:
    ds = simulate_catalogue(SimulatorConfig(users=40, items=90, interactions_per_user=(6, 30)), 3).dataset
    whole = votes(ds)
    for cells in (1, 900, 7 * 90):
        monkeypatch.setattr(item_neighbours, "CELLS", cells)
        for name, values in votes(ds).items():
            np.testing.assert_array_equal(values, whole[name], err_msg=name)


def test_blocks_of_users_change_no_digit(monkeypatch: pytest.MonkeyPatch) -> None:
    ds = simulate_catalogue(SimulatorConfig(users=40, items=90, interactions_per_user=(6, 30)), 3).dataset

    def made() -> list[np.ndarray]:
        slots = SlotEncoder.from_dataset(ds, None, statistics=True, votes=True, seed=0).encode_rows(ds)
        return [
            tree_features.build_features(ds, tree_features.FeatureStatistics.from_dataset(ds, folds=3)).values,
            np.asarray(slots.item),
        ]

    whole, sizes = made(), np.full(len(ds.interactions), 10)
    for pairs in (1, 700):
        monkeypatch.setattr(past_statistics, "PAIRS", pairs)
        blocks = past_statistics.split_user_blocks(ds.interactions.past.owner, sizes)
        assert [block.start for block in blocks[1:]] == [block.stop for block in blocks[:-1]]
        assert blocks[0].start == 0 and blocks[-1].stop == len(ds.interactions)
        assert {block.start for block in blocks} <= set(ds.interactions.start.tolist())
        assert len(blocks) == 40 if pairs == 1 else max(10 * (b.stop - b.start) for b in blocks) <= 700
        for mine, theirs in zip(made(), whole, strict=True):
            np.testing.assert_array_equal(mine, theirs)


def test_a_vote_is_the_weighted_mean_of_its_formula() -> None:
    ds = simulate_catalogue(SimulatorConfig(users=40, items=90, interactions_per_user=(6, 30)), 3).dataset
    it, vectors = ds.interactions, unit(ds).toarray().astype(np.float64)
    row = int(it.start[6] - 1)
    past = np.arange(it.start[5], row)
    alike = vectors[it.item[past]] @ vectors[it.item[row]]
    wanted = (alike * (it.label[past] - 0.5)).sum() / (alike.sum() + 0.5)
    assert len(past) > 4 and wanted != 0
    assert votes(ds)["vote_terms"][row] == pytest.approx(wanted, rel=1e-5)


def test_twenty_thousand_items_need_no_table_of_all_pairs() -> None:
    small, n = simulate_catalogue(SimulatorConfig(users=10, items=40, interactions_per_user=(6, 10)), 3).dataset, 20_000
    rng = np.random.default_rng(0)
    words = [tuple(f"word{w}" for w in rng.integers(400, size=3)) for _ in range(n)]
    items = replace(
        small.items,
        ids=list(range(n)),
        titles=[f"Item {i}" for i in range(n)],
        keywords=words,
        texts=small.items.texts.clear(),
    )
    user = np.repeat(np.arange(60), 20)
    zeros = np.zeros(len(user), dtype=np.int64)
    table = Interactions.build(
        user,
        rng.integers(n, size=len(user)),
        rng.integers(2, size=len(user)),
        np.arange(len(user)),
        zeros,
        np.arange(len(user)),
        n_users=60,
    )
    # Hardly two users share an item here, which an eigenvalue solver may give up on.
    tracemalloc.start()
    try:
        votes(replace(small, items=items, interactions=table))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 200e6, f"{peak / 1e6:.0f} MB; all pairs would take {4 * n * n / 1e6:.0f}"


@pytest.mark.parametrize("kind", [MFConfig, LightGCNConfig, SASRecConfig])
def test_slot_vectors_are_those_of_arrays_with_a_row_each(kind, monkeypatch: pytest.MonkeyPatch) -> None:
    ds = simulate_catalogue(SimulatorConfig(users=40, items=90, interactions_per_user=(6, 30)), 3).dataset
    encoder = build_scorer(kind(dim=4, training=EncoderTrainingConfig(epochs=1)))
    encoder.fit(ds, seed=0)
    assert isinstance(encoder, Encoder)
    slots, rows = (
        SlotEncoder.from_dataset(ds, encoder, statistics=True, votes=True, seed=0),
        np.arange(len(ds.interactions)),
    )
    whole = slots.encode_rows(ds)
    users, items = encoder.encode_users(ds, rows), encoder.encode_items(ds)[ds.interactions.item]
    for vectors, wanted in ((whole.user, users), (whole.item, items)):
        assert isinstance(vectors, RowVectors) and vectors.shape == (len(rows), 4 + 4 + 2)
        np.testing.assert_array_equal(np.asarray(vectors)[:, :4], wanted)
    assert isinstance(whole.user, RowVectors)
    held = sum(table.nbytes for table, entry in whole.user.parts if entry is None)
    assert held == len(rows) * 4 * (8 if kind is SASRecConfig else 4), "only what changes from row to row is held"

    monkeypatch.setattr(slot_vectors, "IN_MEMORY", 0)
    monkeypatch.setattr(slot_encoder, "ENCODED", 100)
    mapped = slots.encode_rows(ds)
    assert isinstance(mapped.user, RowVectors)
    assert any(isinstance(table, np.memmap) for table, _ in mapped.user.parts)
    for mine, theirs in ((mapped.user, whole.user), (mapped.item, whole.item)):
        # A sequence model's batches hold other rows then, and products of other shapes may differ in the last digit.
        np.testing.assert_allclose(np.asarray(mine), np.asarray(theirs), atol=1e-6 if kind is SASRecConfig else 0)


def test_windows_of_many_rows_hold_no_entries() -> None:
    ds = simulate_catalogue(SimulatorConfig(users=300, items=90, interactions_per_user=(60, 90)), 3).dataset
    past, rows = UserSequences.from_dataset(ds, "labelled"), np.arange(len(ds.interactions))
    tracemalloc.start()
    try:
        windows = past.build_latest_windows(rows, 200)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(windows) > 15_000 and peak < 120 * len(rows), f"{peak / len(rows):.0f} bytes a row"
