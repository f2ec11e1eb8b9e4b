"""Prefixes that are held: each thread knows how many of its own were missing."""

from __future__ import annotations

import threading

import torch

from thinkrec.engine.segments import PrefixKVCache
from thinkrec.serve.held_prefixes import HeldPrefixes


def test_a_thread_counts_what_it_had_to_compute() -> None:
    held = HeldPrefixes(1 << 20)
    assert held.get(b"a") is None
    empty = held.get(b"a")
    assert empty is not None and not empty.layers and held.count_own_misses() == 2
    held.put(b"a", PrefixKVCache({0: (torch.zeros(1, 1, 1, 1), torch.zeros(1, 1, 1, 1))}))
    assert held.get(b"a") is not None and held.count_own_misses() == 2
    others: list[int] = []
    thread = threading.Thread(target=lambda: others.extend([held.count_own_misses(), bool(held.get(b"a"))]))
    thread.start()
    thread.join()
    assert others == [0, 1] and held.counts.misses == 2
