"""Keys and values of shared prefixes, kept from one call to the next: who asks again pays for suffixes alone."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np

from thinkrec.engine.segments import PrefixKVCache
from thinkrec.io.hashing import digest_bytes
from thinkrec.prompts.types import PROMPT_FIELDS, Prompt

REMEMBERED_KEYS = 8192
"""Prefixes of which it is known that they were asked for once; a key has 16 bytes."""
_FIELDS = [
    name
    for name, spec in PROMPT_FIELDS.items()
    if spec.kind in ("tokens", "per_prompt") or spec.replaces_token or PROMPT_FIELDS.get(spec.of, spec).replaces_token
]


@dataclass
class PrefixCacheCounts:
    """What happened so far."""

    hits: int = 0
    misses: int = 0
    evictions: int = 0
    """Prefixes that went because others needed the room."""


class PrefixCache:
    """Keys and values by the contents of a prefix, the least recently asked for going first; for many threads.

    A prefix is kept from the second time it is asked for: histories that are tried out once, such as those without one
    line by which effects are measured, would else push out those of the users who come back.
    """

    def __init__(self, max_bytes: int) -> None:
        """Empty; `max_bytes`: of keys and values, at most. With 0 nothing is kept."""
        self.max_bytes, self.counts = max_bytes, PrefixCacheCounts()
        self._kept: OrderedDict[bytes, tuple[PrefixKVCache, int]] = OrderedDict()
        self._asked_once: OrderedDict[bytes, None] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        """Bytes of the keys and values that are kept."""
        return self._size

    def __len__(self) -> int:
        """Prefixes that are kept."""
        return len(self._kept)

    def get(self, key: bytes) -> PrefixKVCache | None:
        """What is kept of a prefix; None on its first request; empty, to be filled and `put` back, on its second."""
        with self._lock:
            entry = self._kept.get(key)
            if entry is not None:
                self.counts.hits += 1
                self._kept.move_to_end(key)
                return entry[0]
            self.counts.misses += 1
            if key in self._asked_once:
                del self._asked_once[key]
                return PrefixKVCache()
            self._asked_once[key] = None
            if len(self._asked_once) > REMEMBERED_KEYS:
                self._asked_once.popitem(last=False)
            return None

    def put(self, key: bytes, cache: PrefixKVCache) -> None:
        """Keep what was computed; only once it is complete, since others may ask for it at once."""
        size = sum(part.nbytes for pair in cache.layers.values() for part in pair)
        with self._lock:
            if key in self._kept or not 0 < size <= self.max_bytes:
                return
            while self._size + size > self.max_bytes:
                self._size -= self._kept.popitem(last=False)[1][1]
                self.counts.evictions += 1
            self._kept[key] = cache, size
            self._size += size

    def clear(self) -> None:
        """Forget all prefixes; what was counted stays."""
        with self._lock:
            self._kept.clear()
            self._asked_once.clear()
            self._size = 0


def digest_prefix(prefix: Prompt) -> bytes:
    """16 bytes: everything of a prefix that its keys and values depend on, but for the model.

    These are its token ids, the vectors that stand in the place of tokens, and the weights of the adapters.
    """
    arrays = [np.ascontiguousarray(getattr(prefix, name)) for name in _FIELDS]
    return digest_bytes(part for array in arrays for part in (repr(array.shape).encode(), array.tobytes()))
