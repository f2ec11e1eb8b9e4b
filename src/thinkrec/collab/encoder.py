"""Protocols of collaborative scorers and encoders. Classes satisfy them structurally; nothing is inherited."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np

from thinkrec.data.dataset import Dataset
from thinkrec.data.query import Query


@runtime_checkable
class Scorer(Protocol):
    """Gives every row one number; higher means more likely liked.

    Fitted on one data set, it may be asked about rows of another, with further users and items or in another order:
    what was learned of a user or an item is found by its id. Who was not there in training is documented per class.
    """

    def fit(self, ds: Dataset, *, seed: int, progress: bool = False) -> list[dict[str, Any]]:
        """Learn from the train rows, select on the validation rows, never look at test labels.

        Returns one record per epoch (or per candidate that was compared). The same seed gives the same result.
        Raises DataError if a split that is needed is empty or holds one class only.
        """
        ...

    def score(self, ds: Dataset, rows: np.ndarray) -> np.ndarray:
        """float64 (len(rows),): uses nothing of the user at or after each row. `rows` are row numbers of `ds`."""
        ...

    def save(self, folder: Path) -> None:
        """Write `config.json`, `state.safetensors` and, where tables are learned, `ids.json` into `folder`."""
        ...

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote. Raises CheckpointError if a file is missing or belongs to another kind."""
        ...


@runtime_checkable
class QueryScorer(Scorer, Protocol):
    """A scorer that answers a question about many items at once, without a row for each."""

    def score_query(self, ds: Dataset, query: Query) -> np.ndarray:
        """float64 (c,): of each candidate what `score` gives for an open row about it behind the query's past."""
        ...


@runtime_checkable
class Encoder(Scorer, Protocol):
    """A scorer whose score comes from a vector per user and a vector per item."""

    @property
    def dim(self) -> int:
        """Length of the vectors."""
        ...

    def encode_users(self, ds: Dataset, rows: np.ndarray) -> np.ndarray:
        """float32 (len(rows), dim): the user's vector as known strictly before each row."""
        ...

    def encode_query(self, ds: Dataset, query: Query) -> np.ndarray:
        """float32 (dim,): the user's vector as known from the past of the query alone, whose items are codes of `ds`.

        It is what `encode_users` gives for a row of that user behind that past.
        """
        ...

    def encode_items(self, ds: Dataset) -> np.ndarray:
        """float32 (n_items of `ds`, dim): items without train rows hold the mean over items with train rows."""
        ...
