"""User and item ids of a learned table, by which its rows are found in other data."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import polars as pl

from thinkrec.data.dataset import Dataset, find_codes
from thinkrec.errors import CheckpointError
from thinkrec.io.files import write_json

FILE = "ids.json"
Result = TypeVar("Result")


@dataclass(eq=False)
class IdentityCache(Generic[Result]):
    """The last result, as long as the same object is the key: items and ids of one data set are looked up often.

    The key is kept alive, so that no other object can take its identity.
    """

    _entry: tuple[Any, Result] | None = None

    def get_or_compute(self, key: Any, compute: Callable[[], Result]) -> Result:
        """The result for `key`, which is compared by identity and must not be changed."""
        entry = self._entry
        if entry is None or entry[0] is not key:
            self._entry = entry = (key, compute())
        return entry[1]


@dataclass(frozen=True, eq=False)
class TrainedIds:
    """Users and items that a scorer was fitted on: row k of its tables belongs to the k-th id.

    Data that are scored later may hold other users and items, in another order: they are found by id. An id that was
    not there in training has the row `len(users)` or `len(items)`, one behind the last.
    """

    users: list
    """Original user ids."""
    items: list
    """Original item ids."""
    _user_cache: IdentityCache[np.ndarray] = field(default_factory=IdentityCache[np.ndarray], repr=False)
    _item_cache: IdentityCache[np.ndarray] = field(default_factory=IdentityCache[np.ndarray], repr=False)

    @classmethod
    def from_dataset(cls, ds: Dataset) -> TrainedIds:
        """The ids of the data set of the fit."""
        return cls(ds.user_ids, ds.items.ids)

    def find_user_rows(self, ds: Dataset) -> np.ndarray:
        """The table row of every user code of `ds`, int64 (n_users of `ds`,); see the class for new users."""
        named = self._user_cache.get_or_compute(ds.user_ids, lambda: find_positions(self.users, ds.user_ids))
        # Questions about the present number users without an id behind the others (see `Predictor.replace_histories`).
        nameless = np.full(ds.interactions.n_users - len(named), len(self.users), dtype=np.int64)
        return np.concatenate([named, nameless])

    def find_item_rows(self, ds: Dataset) -> np.ndarray:
        """The table row of every item code of `ds`, int64 (n_items of `ds`,); see the class for new items."""
        return self._item_cache.get_or_compute(ds.items.ids, lambda: find_positions(self.items, ds.items.ids))

    def save(self, folder: Path) -> None:
        """Write `ids.json` into `folder`, beside its name and then renamed."""
        write_json(Path(folder) / FILE, {"users": self.users, "items": self.items})

    @classmethod
    def load(cls, folder: Path) -> TrainedIds:
        """Read what `save` wrote. Raises CheckpointError if it is missing or no such file."""
        path = Path(folder) / FILE
        try:
            ids = json.loads(path.read_text(encoding="utf-8"))
            return cls(ids["users"], ids["items"])
        except FileNotFoundError as error:
            raise CheckpointError(
                f"{path} is missing: without ids nobody knows whom the tables beside it are about. Fit again."
            ) from error
        except (ValueError, KeyError, TypeError) as error:
            raise CheckpointError(f"{path} does not hold the ids of users and items ({error}). Fit again.") from error


def find_positions(known: Sequence[Any], wanted: Sequence[Any]) -> np.ndarray:
    """Position of each wanted id in `known` (distinct), int64 (len(wanted),); len(known) where it is not there.

    Ids are compared as text: one table may have been read from CSV, where whole numbers become integers.
    """
    if known == wanted:
        return np.arange(len(known))
    texts = (pl.Series([str(id_) for id_ in ids], dtype=pl.String) for ids in (wanted, known))
    return find_codes(*texts).fill_null(len(known)).to_numpy().astype(np.int64)


def take_rows(table: np.ndarray, rows: np.ndarray, absent: np.ndarray | float) -> np.ndarray:
    """Rows `table[rows]` (n, ...), with `absent` where a row number is one behind the last.

    `absent`: one row (...) of the table's type, or one number.
    """
    if not len(table):
        return np.full((len(rows), *table.shape[1:]), absent, dtype=table.dtype)
    taken = table[np.minimum(rows, len(table) - 1)]
    taken[rows >= len(table)] = absent
    return taken
