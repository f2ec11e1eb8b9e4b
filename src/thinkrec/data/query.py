"""A question about the present of a user: what they rated so far, and what they are asked about."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TEST
from thinkrec.data.visible_past import find_window_start

_NO_ITEMS = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Query:
    """A user, known or not, with a past of k ratings, asked about candidates; items are codes of one data set.

    Encoders, slot vectors and the gate answer it directly (`Encoder.encode_query`, `SlotEncoder.encode_query`,
    `AdapterRouter.route_query`): the past is a plain sequence, and no row has to stand in any table.
    """

    user: Any
    """Original user id, by which scorers find what they learned; None for somebody whom training did not know."""
    items: np.ndarray
    """int64 (k,): what they rated, oldest first."""
    labels: np.ndarray
    """int8 (k,): 1 liked, 0 not."""
    timestamps: np.ndarray
    """int64 (k,): as in the data."""
    splits: np.ndarray
    """int8 (k,): of which split each rating is; a train row is known to have been trained on."""
    time: int
    """When the question is asked, in the data's time."""
    candidates: np.ndarray = field(default_factory=lambda: _NO_ITEMS)
    """int64 (c,): item codes that are asked about."""
    shown_from: int | None = None
    """Where the part of the past begins that prompts show, as a place in the past before anything was erased; None: as
    many of the last ratings as they ask for."""
    erased: np.ndarray = field(default_factory=lambda: _NO_ITEMS)
    """int64 (m,), ascending: places, in the past before, of ratings that were taken out (`erase_ratings`). Windows of
    the last n ratings begin where they did, so that no older rating moves into them."""

    @classmethod
    def from_dataset(cls, ds: Dataset, user: int, candidates: np.ndarray = _NO_ITEMS) -> Query:
        """The user of a code with all that the data know of them, asked at the time of the last row in the data."""
        interactions = ds.interactions
        rows = np.arange(interactions.start[user], interactions.start[user + 1])
        return cls._from_rows(ds, user, rows, int(interactions.timestamp.max()), candidates)

    @classmethod
    def from_row(cls, ds: Dataset, row: int) -> Query:
        """The user of a row as known strictly before it (`Interactions.past`), asked about its item at its time."""
        interactions = ds.interactions
        rows = interactions.get_history_rows(row, len(interactions))
        return cls._from_rows(
            ds,
            int(interactions.user[row]),
            rows,
            int(interactions.timestamp[row]),
            interactions.item[[row]].astype(np.int64),
        )

    @classmethod
    def from_ratings(
        cls, ds: Dataset, user: Any, items: np.ndarray, labels: np.ndarray, candidates: np.ndarray = _NO_ITEMS
    ) -> Query:
        """A user id, or None, with another past than the data's; its times are not known and count as now."""
        now, n = int(ds.interactions.timestamp.max()), len(items)
        return cls(user, items, labels, np.full(n, now), np.full(n, TEST, dtype=np.int8), now, candidates)

    @classmethod
    def _from_rows(cls, ds: Dataset, user: int, rows: np.ndarray, time: int, candidates: np.ndarray) -> Query:
        interactions = ds.interactions
        return cls(
            ds.user_ids[user],
            interactions.item[rows].astype(np.int64),
            interactions.label[rows],
            interactions.timestamp[rows],
            interactions.split[rows],
            time,
            candidates,
        )

    def find_window(self, length: int, block: int = 1) -> slice:
        """The last `length` ratings, as `Interactions.get_history` shows them to a row; less what was erased of them.

        It begins at `shown_from` where that is given.
        """
        start = self.shown_from
        if start is None:
            start = find_window_start(len(self.items) + len(self.erased), length, block)
        return self._slice_from(start)

    def find_recent(self, length: int) -> slice:
        """The last `length` ratings, less what was erased of them, whatever prompts show."""
        return self._slice_from(find_window_start(len(self.items) + len(self.erased), length))

    def pin_window(self, start: int) -> Query:
        """The same question, of whose past (nothing erased yet) prompts show the ratings from `start` on."""
        return replace(self, shown_from=start)

    def erase_ratings(self, places: np.ndarray) -> Query:
        """The same question by a user who never gave the ratings at some places of the past, int64.

        Raises IndexError for a place that the past does not have.
        """
        before = np.delete(np.arange(len(self.items) + len(self.erased)), self.erased)
        return replace(
            self,
            items=np.delete(self.items, places),
            labels=np.delete(self.labels, places),
            timestamps=np.delete(self.timestamps, places),
            splits=np.delete(self.splits, places),
            erased=np.union1d(self.erased, before[places]).astype(np.int64),
        )

    def flip_labels(self, places: np.ndarray) -> Query:
        """The same question by a user who thought the opposite of what stands at some places of the past, int64."""
        labels = self.labels.copy()
        labels[places] = 1 - labels[places]
        return replace(self, labels=labels)

    def _slice_from(self, start: int) -> slice:
        """The ratings from a place on that was counted before anything was erased."""
        return slice(start - int(np.searchsorted(self.erased, start)), len(self.items))
