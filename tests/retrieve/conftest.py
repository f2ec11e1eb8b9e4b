"""A small simulated catalogue and an encoder with vectors that a test can name."""

from __future__ import annotations

import numpy as np
import pytest

from thinkrec.data.dataset import Dataset
from thinkrec.data.query import Query
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue


class FixedEncoder:
    """Vectors as given: one per item code, and one for every user; scores are their inner products."""

    def __init__(self, items: np.ndarray, user: np.ndarray) -> None:
        self.items, self.user = items.astype(np.float32), user.astype(np.float32)

    @property
    def dim(self) -> int:
        return len(self.user)

    def encode_items(self, ds: Dataset) -> np.ndarray:
        return self.items[: len(ds.items)]

    def encode_users(self, ds: Dataset, rows: np.ndarray) -> np.ndarray:
        return np.tile(self.user, (len(rows), 1))

    def encode_query(self, ds: Dataset, query: Query) -> np.ndarray:
        return self.user

    def score(self, ds: Dataset, rows: np.ndarray) -> np.ndarray:
        return self.encode_items(ds)[ds.interactions.item[rows]].astype(np.float64) @ self.user


@pytest.fixture(scope="session")
def small() -> Dataset:
    return simulate_catalogue(SimulatorConfig(users=40, items=80, interactions_per_user=(8, 16)), 5).dataset
