"""Candidates by inner products: the largest, in order, without what the user met."""

from __future__ import annotations

from typing import Any

import numpy as np
from retrieve.conftest import FixedEncoder

from thinkrec.data.dataset import Dataset
from thinkrec.data.query import Query
from thinkrec.retrieve.config import RetrieveConfig
from thinkrec.retrieve.vectors import EncoderVectors


def make_source(small: Dataset) -> Any:
    values = np.random.default_rng(1).permutation(len(small.items))
    return EncoderVectors(FixedEncoder(np.stack([values, 0 * values], axis=1), np.array([1, 9])), RetrieveConfig())  # type: ignore[arg-type]


def test_the_largest_products_come_first_without_the_past(small: Dataset) -> None:
    source = make_source(small)
    values = source.encoder.items[:, 0]
    best = np.argsort(-values)
    seen = best[[0, 2]]
    query = Query.from_ratings(small, None, seen, np.array([1, 0]))
    assert source.propose_items(small, query, 4).tolist() == best[[1, 3, 4, 5]].tolist()
    assert len(source.propose_items(small, query, 1000)) == len(small.items) - 2


def test_the_index_is_built_once_per_catalogue_and_exact(small: Dataset) -> None:
    source = make_source(small)
    assert source.get_index(small) is source.get_index(small)
    assert source.measure_recall(small, [Query.from_dataset(small, 0)], 7) == 1.0
