"""Scores of embedding tables are products and biases; who is not known has the mean of those who are."""

from __future__ import annotations

import numpy as np
import pytest

from thinkrec.collab import embedding_tables
from thinkrec.collab.embedding_tables import EmbeddingTables, fill_untrained_rows, mask_trained_codes
from thinkrec.data.dataset import Dataset


def draw_tables(ds: Dataset) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng, n, m = np.random.default_rng(0), ds.interactions.n_users, len(ds.items)
    parts = rng.normal(size=(n, 3)), rng.normal(size=(m, 3)), rng.normal(size=n), rng.normal(size=m)
    users, items, user_bias, item_bias = (part.astype(np.float32) for part in parts)
    return users, items, user_bias, item_bias


def test_who_occurs_in_a_train_row_is_known(tiny_dataset: Dataset) -> None:
    users, items = mask_trained_codes(tiny_dataset)
    data = tiny_dataset.interactions
    train = [row for row in range(len(data)) if data.split[row] == 0]
    assert users.tolist() == [u in {int(data.user[row]) for row in train} for u in range(data.n_users)]
    assert items.tolist() == [i in {int(data.item[row]) for row in train} for i in range(len(tiny_dataset.items))]
    assert not users.all(), "one user of the tiny data has no train row"


def test_rows_that_are_not_known_have_the_mean_of_the_others() -> None:
    table = np.array([[1.0, 2.0], [9.0, 9.0], [3.0, 6.0]])
    filled = fill_untrained_rows(table, np.array([True, False, True]))
    assert filled.tolist() == [[1.0, 2.0], [2.0, 4.0], [3.0, 6.0]]
    assert table[1].tolist() == [9.0, 9.0], "what came in stays"
    assert fill_untrained_rows(table, np.zeros(3, dtype=bool)) is table


def test_a_score_is_the_product_and_both_biases(tiny_dataset: Dataset) -> None:
    users, items, user_bias, item_bias = draw_tables(tiny_dataset)
    tables = EmbeddingTables.from_weights(tiny_dataset, users, items, user_bias, item_bias)
    known, _ = mask_trained_codes(tiny_dataset)
    data, rows = tiny_dataset.interactions, np.arange(len(tiny_dataset.interactions))
    for row, score in zip(rows, tables.score(tiny_dataset, rows), strict=True):
        u, v = data.user[row], data.item[row]
        vector = users[u] if known[u] else users[known].mean(axis=0)
        bias = user_bias[u] if known[u] else user_bias[known].mean()
        assert abs(score - (vector @ items[v] + bias + item_bias[v])) < 1e-5
    np.testing.assert_array_equal(tables.encode_users(tiny_dataset, rows), tables.users[data.user])
    np.testing.assert_array_equal(tables.encode_items(tiny_dataset), tables.items)


def test_other_data_are_read_by_id(tiny_dataset: Dataset) -> None:
    users, items, user_bias, item_bias = draw_tables(tiny_dataset)
    tables = EmbeddingTables.from_weights(tiny_dataset, users, items, user_bias, item_bias)
    asked = [(20, 5, 1, "train"), (99, 77, 0, "train"), (20, 77, 0, "valid"), (99, 3, 1, "test")]
    later = Dataset.from_tables(
        [
            {"user_id": user, "item_id": item, "label": label, "timestamp": time, "split": split}
            for time, (user, item, label, split) in enumerate(asked)
        ],
        [{"item_id": item, "title": f"t{item}"} for item in (77, 5, 3)],
    )
    rows = np.arange(len(later.interactions))
    for row, vector in zip(rows, tables.encode_users(later, rows), strict=True):
        user = later.user_ids[later.interactions.user[row]]
        known = tables.users[tiny_dataset.user_ids.index(20)] if user == 20 else tables.users.mean(axis=0)
        np.testing.assert_allclose(vector, known, atol=1e-6)
    for item, vector in zip(later.items.ids, tables.encode_items(later), strict=True):
        known = tables.items.mean(axis=0) if item == 77 else tables.items[tiny_dataset.items.ids.index(item)]
        np.testing.assert_allclose(vector, known, atol=1e-6)


def test_blocks_of_rows_change_no_bit_of_a_score(tiny_dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    tables, rows = EmbeddingTables.from_weights(tiny_dataset, *draw_tables(tiny_dataset)), [3, 0, 2, 2, 1]
    whole = tables.score(tiny_dataset, np.array(rows))
    assert len(set(whole.tolist())) == 4
    for block in (1, 2, 4):
        monkeypatch.setattr(embedding_tables, "BLOCK", block)
        np.testing.assert_array_equal(tables.score(tiny_dataset, np.array(rows)), whole)


def test_vectors_of_all_items_and_users_are_made_once_and_are_nobodys_to_change(tiny_dataset: Dataset) -> None:
    tables = EmbeddingTables.from_weights(tiny_dataset, *draw_tables(tiny_dataset))
    for read, table in ((tables.encode_items, tables.items), (tables.encode_all_users, tables.users)):
        vectors = read(tiny_dataset)
        assert read(tiny_dataset) is vectors and np.shares_memory(vectors, table)
        with pytest.raises(ValueError, match="read-only"):
            vectors[0] = 0
    assert table.flags.writeable
