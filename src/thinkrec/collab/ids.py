"""The user and item ids that stand beside every learned table, by which its rows are found again in other data."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from thinkrec.data.dataset import Dataset
from thinkrec.errors import CheckpointError
from thinkrec.model.disk import write_json

FILE = "ids.json"


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
    _last: dict[str, tuple[Sequence[Any], np.ndarray]] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, ds: Dataset) -> TrainedIds:
        """Of the data set of the fit."""
        return cls(ds.user_ids, ds.items.ids)

    def user_places(self, ds: Dataset) -> np.ndarray:
        """int64 (n_users of `ds`,): the table row of every user code of `ds`; see the class for new users."""
        named = self._places("users", self.users, ds.user_ids)
        # Questions about the present number users without an id behind the others (see `System.at`).
        nameless = np.full(ds.interactions.n_users - len(named), len(self.users), dtype=np.int64)
        return np.concatenate([named, nameless])

    def item_places(self, ds: Dataset) -> np.ndarray:
        """int64 (n_items of `ds`,): the table row of every item code of `ds`; see the class for new items."""
        return self._places("items", self.items, ds.items.ids)

    def _places(self, kind: str, known: list, asked: list) -> np.ndarray:
        if asked is known:
            return np.arange(len(known))
        last = self._last.get(kind)
        if last is None or last[0] is not asked:
            last = self._last[kind] = (asked, find_places(known, asked))
        return last[1]

    def write(self, folder: Path) -> None:
        """Write `ids.json` into `folder`, beside its name and then renamed."""
        write_json(Path(folder) / FILE, {"users": self.users, "items": self.items})

    @classmethod
    def read(cls, folder: Path) -> TrainedIds:
        """Read what `write` wrote. Raises CheckpointError if it is missing or no such file."""
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


def find_places(known: Sequence[Any], asked: Sequence[Any]) -> np.ndarray:
    """int64 (len(asked),): where each id stands in `known` (distinct); len(known) where it does not.

    Ids are compared as text: one table may have been read from CSV, where whole numbers become integers.
    """
    if len(known) == len(asked) and known == asked:
        return np.arange(len(known))
    places = pl.DataFrame(
        {"id": pl.Series([str(id_) for id_ in known], dtype=pl.String), "place": np.arange(len(known), dtype=np.int64)}
    )
    wanted = pl.DataFrame({"id": pl.Series([str(id_) for id_ in asked], dtype=pl.String)})
    found = wanted.join(places, on="id", how="left", maintain_order="left")["place"]
    return found.fill_null(len(known)).to_numpy().astype(np.int64)


def take_rows(table: np.ndarray, places: np.ndarray, absent: np.ndarray | float) -> np.ndarray:
    """`table[places]` (n, ...), with `absent` where a place is one behind the last row.

    `absent`: one row (...) of the table's type, or one number.
    """
    if not len(table):
        return np.full((len(places), *table.shape[1:]), absent, dtype=table.dtype)
    found = table[np.minimum(places, len(table) - 1)]
    found[places >= len(table)] = absent
    return found
