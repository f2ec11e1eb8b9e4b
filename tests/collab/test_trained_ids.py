"""Learned rows are found by id, in any order, and strangers are nobody's neighbour."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from thinkrec.collab.trained_ids import TrainedIds, find_positions, take_rows
from thinkrec.testing import plant_dataset


def test_places_are_those_of_ids_as_text_and_strangers_stand_behind() -> None:
    assert find_positions([5, 7, 9], [9, 5, 7]).tolist() == [2, 0, 1]
    assert find_positions([5, 7, 9], ["7", "x", "5"]).tolist() == [1, 3, 0]
    assert find_positions([], ["x"]).tolist() == [0]
    table = np.array([[1.0], [2.0], [3.0]])
    assert take_rows(table, np.array([2, 3, 0]), np.array([9.0])).tolist() == [[3.0], [9.0], [1.0]]


def test_as_many_users_and_items_in_another_order_keep_their_rows() -> None:
    ds = plant_dataset()
    ids = TrainedIds.from_dataset(ds)
    assert ids.find_user_rows(ds).tolist() == list(range(len(ds.user_ids)))
    turned = replace(ds, user_ids=ds.user_ids[::-1], items=replace(ds.items, ids=ds.items.ids[::-1]))
    assert ids.find_user_rows(turned).tolist() == list(range(len(ds.user_ids)))[::-1]
    assert ids.find_item_rows(turned).tolist() == list(range(len(ds.items)))[::-1]
