"""The user and item ids that stand beside every learned table, by which its rows are found again in other data."""

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
    """What was worked out last, for as long as the same object asks: items and ids of one data set are asked for often.

    The object is kept alive, so that no other one can take its identity.
    """

    _entry: tuple[Any, Result] | None = None

    def get_or_compute(self, asks: Any, work: Callable[[], Result]) -> Result:
        """The result for `asks`, which is compared by identity and must not be changed."""
        held = self._entry
        if held is None or held[0] is not asks:
            self._entry = held = (asks, work())
        return held[1]


@dataclass(frozen=True, eq=False)
class TrainedIds:
    """Whom and what a scorer was fitted on: row k of its tables belongs to the k-th id.

    The data that it is asked about later may hold other users and items, in another order: they are found by id. An id
    that was not there in training has the place `len(users)` or `len(items)`, one behind the last row.
    """

    users: list
    """Original user ids."""
    items: list
    """Original item ids."""
    _user_cache: IdentityCache[np.ndarray] = field(default_factory=IdentityCache[np.ndarray], repr=False)
    _item_cache: IdentityCache[np.ndarray] = field(default_factory=IdentityCache[np.ndarray], repr=False)

    _row_cache: IdentityCache[dict[str, int]] = field(default_factory=IdentityCache[dict[str, int]], repr=False)

    @classmethod
    def from_dataset(cls, ds: Dataset) -> TrainedIds:
        """Of the data set of the fit."""
        return cls(ds.user_ids, ds.items.ids)

    def find_user_rows(self, ds: Dataset) -> np.ndarray:
        """int64 (n_users of `ds`,): the table row of every user code of `ds`; see the class for new users."""
        named = self._user_cache.get_or_compute(ds.user_ids, lambda: find_positions(self.users, ds.user_ids))
        # Copies of somebody without an id are numbered behind the others (`thinkrec.score.candidates`).
        nameless = np.full(ds.interactions.n_users - len(named), len(self.users), dtype=np.int64)
        return np.concatenate([named, nameless])

    def find_user_row(self, user: Any) -> int:
        """The table row of a user id, or of None; see the class for new users."""
        if user is None:
            return len(self.users)
        return self._row_cache.get_or_compute(self.users, self._index_users).get(str(user), len(self.users))

    def _index_users(self) -> dict[str, int]:
        return {str(id_): row for row, id_ in enumerate(self.users)}

    def find_item_rows(self, ds: Dataset) -> np.ndarray:
        """int64 (n_items of `ds`,): the table row of every item code of `ds`; see the class for new items."""
        return self._item_cache.get_or_compute(ds.items.ids, lambda: find_positions(self.items, ds.items.ids))

    def save(self, folder: Path) -> None:
        """Write `ids.json` into `folder`, beside its name and then renamed."""
        write_json(Path(folder) / FILE, {"users": self.users, "items": self.items})

    @classmethod
    def load(cls, folder: Path) -> TrainedIds:
        """Read what `save` wrote. Raises CheckpointError if it is missing or no such file."""
        path = Path(folder) / FILE
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            return cls(found["users"], found["items"])
        except FileNotFoundError as error:
            raise CheckpointError(
                f"{path} is missing: without ids nobody knows whom the tables beside it are about. Fit again."
            ) from error
        except (ValueError, KeyError, TypeError) as error:
            raise CheckpointError(f"{path} does not hold the ids of users and items ({error}). Fit again.") from error


def find_positions(known: Sequence[Any], asked: Sequence[Any]) -> np.ndarray:
    """int64 (len(asked),): where each id stands in `known` (distinct); len(known) where it does not.

    Ids are compared as text: one table may have been read from CSV, where whole numbers become integers.
    """
    if known == asked:
        return np.arange(len(known))
    texts = (pl.Series([str(id_) for id_ in ids], dtype=pl.String) for ids in (asked, known))
    return find_codes(*texts).fill_null(len(known)).to_numpy().astype(np.int64)


def take_rows(table: np.ndarray, places: np.ndarray, absent: np.ndarray | float) -> np.ndarray:
    """`table[places]` (n, ...), with `absent` where a place is one behind the last row.

    `absent`: one row (...) of the table's type, or one number.
    """
    if not len(table):
        return np.full((len(places), *table.shape[1:]), absent, dtype=table.dtype)
    found = table[np.minimum(places, len(table) - 1)]
    found[places >= len(table)] = absent
    return found
