"""Vectors that are put together when they are read are read as arrays are."""

from __future__ import annotations

import numpy as np
import pytest

from thinkrec.collab.features import slot_vectors
from thinkrec.collab.features.slot_vectors import RowVectors, create_row_array

TABLE, OWN = np.arange(6.0).reshape(3, 2), np.arange(10.0, 14.0)[:, None]
ENTRY = np.array([2, 0, 0, 1], dtype=np.int32)
WHOLE = np.array([[4, 5, 10, 1, 0], [0, 1, 11, 1, 0], [0, 1, 12, 1, 0], [2, 3, 13, 1, 0]], dtype=np.float32)


@pytest.mark.parametrize(
    "index",
    [2, slice(1, 3), slice(None), np.array([3, 0, 3]), np.array([True, False, True, False]), (slice(None), 2), (1, -1)],
    ids=str,
)
def test_they_are_read_as_an_array(index) -> None:
    vectors = RowVectors([(TABLE, ENTRY), (OWN, None)], (1.0, 0.0), 4)
    assert (vectors.shape, len(vectors), vectors.dtype) == ((4, 5), 4, np.float32)
    np.testing.assert_array_equal(vectors[index], WHOLE[index])
    assert vectors[index].dtype == np.float32
    np.testing.assert_array_equal(np.asarray(vectors), WHOLE)
    assert np.asarray(vectors, dtype=np.float64).dtype == np.float64


def test_without_parts_there_are_the_last_numbers() -> None:
    vectors = RowVectors([], (0.0, 1.0), 3)
    assert vectors[1].tolist() == [0, 1] and vectors[:].tolist() == [[0, 1]] * 3
    with pytest.raises(IndexError):
        vectors[3]
    with pytest.raises(ValueError, match="is a copy"):
        np.array(vectors, copy=False)


def test_many_rows_lie_in_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not isinstance(create_row_array(4, 2), np.memmap)
    monkeypatch.setattr(slot_vectors, "IN_MEMORY", 31)
    array = create_row_array(4, 2)
    assert isinstance(array, np.memmap) and array.shape == (4, 2) and array.dtype == np.float32
    array[:] = TABLE[[0, 1, 2, 0]]
    np.testing.assert_array_equal(array, TABLE[[0, 1, 2, 0]])
