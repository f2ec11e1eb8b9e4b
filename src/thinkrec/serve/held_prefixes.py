"""The prefixes that a service holds, with counts by thread, so that a batch knows which of its own were missing."""

from __future__ import annotations

import threading

from thinkrec.engine.prefix_cache import PrefixCache
from thinkrec.engine.segments import PrefixKVCache


class HeldPrefixes(PrefixCache):
    """A `PrefixCache` that several lanes ask."""

    def __init__(self, max_bytes: int) -> None:
        """Empty; `max_bytes`: of keys and values, at most."""
        super().__init__(max_bytes)
        self._own = threading.local()

    def get(self, key: bytes) -> PrefixKVCache | None:
        """See `PrefixCache`."""
        held = super().get(key)
        if held is None or not held.layers:
            self._own.misses = self.count_own_misses() + 1
        return held

    def count_own_misses(self) -> int:
        """Prefixes that the calling thread asked for and had to compute, so far."""
        return getattr(self._own, "misses", 0)
