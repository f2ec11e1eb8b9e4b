"""How many requests are worked on at the same time; beyond that they are refused at once, before they are read."""

from __future__ import annotations

import threading


class Admission:
    """Counts the requests that are under way."""

    def __init__(self, most: int) -> None:
        """`most`: at the same time."""
        self.most, self.refused, self._lock = most, 0, threading.Lock()
        self._under_way = 0

    @property
    def under_way(self) -> int:
        """Requests that were let in and have not ended."""
        return self._under_way

    def has_room(self) -> bool:
        """Whether one more might come in; where not, it counts as refused."""
        with self._lock:
            is_full = self._under_way >= self.most
            self.refused += is_full
            return not is_full

    def allow_request(self) -> bool:
        """Whether one more may come in; it then counts until `finish_request`."""
        with self._lock:
            if self._under_way >= self.most:
                self.refused += 1
                return False
            self._under_way += 1
            return True

    def finish_request(self) -> None:
        """One that was let in has ended."""
        with self._lock:
            self._under_way -= 1
