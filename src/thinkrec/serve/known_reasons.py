"""Reasons that the model wrote a moment ago: who asks the same again does not wait for them again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from thinkrec.data.query import Query
from thinkrec.decoding.policy import Writer
from thinkrec.io.hashing import digest_bytes
from thinkrec.score.reason_writer import WrittenReason

MOST = 1024
"""Reasons that are kept, about a kilobyte each; the least recently asked for goes first."""


class KnownReason(NamedTuple):
    """One reason."""

    written: WrittenReason
    prose_fault: str | None = None
    """Why the writer `auto` would not have shown it, where the model was asked for by name."""


class KnownReasons:
    """Reasons by what they depend on; for many threads."""

    def __init__(self, most: int = MOST) -> None:
        """Empty; at most so many."""
        self._most, self._lock = most, threading.Lock()
        self._kept: OrderedDict[bytes, KnownReason] = OrderedDict()

    def __len__(self) -> int:
        """How many are kept."""
        return len(self._kept)

    def get(self, keys: Sequence[bytes]) -> list[KnownReason | None]:
        """What is kept under each key."""
        with self._lock:
            for key in keys:
                if key in self._kept:
                    self._kept.move_to_end(key)
            return [self._kept.get(key) for key in keys]

    def put(self, key: bytes, reason: KnownReason) -> None:
        """Keep one."""
        with self._lock:
            self._kept[key] = reason
            self._kept.move_to_end(key)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)


def digest_question(version: str, choice: Writer, query: Query, score: float) -> bytes:
    """16 bytes: all that the reason about a query's only candidate depends on.

    `version`: of the model; of the score only its sign counts, which the verdict follows.
    """
    arrays = (query.items, query.labels, query.timestamps, query.splits, query.candidates)
    head = repr((version, choice, score > 0, query.user, query.time, [array.shape for array in arrays])).encode()
    return digest_bytes([head, *(np.ascontiguousarray(array).tobytes() for array in arrays)])
