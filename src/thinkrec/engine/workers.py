"""Batches worked on beside the thread that prepares them.

On a CPU several, one core each, because small matrices keep one core busy but not two or more; on a GPU one, so that it
does not wait while the next is rendered.

Everything that a batch in work has of its own (routing, layouts, places to read) is kept by thread, so that batches
cannot meet, nor those of several callers. Models are only read.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from itertools import chain, islice
from typing import TypeVar

import torch

from thinkrec.engine.recommender import Recommender

Item = TypeVar("Item")
Result = TypeVar("Result")
MAX_WORKERS = 8
"""Batches at once: beyond that Python itself, which runs in one thread at a time, is what they wait for."""
_DYNAMIC_ROPE_TYPES = ("dynamic", "longrope")
"""Rotary embeddings that Transformers adapts in place to the length at hand."""


def has_shared_state(recommender: Recommender) -> bool:
    """Whether a forward pass changes the model, so that two must not meet: rotary embeddings fitted to the length."""
    rotary = getattr(recommender.model.config, "rope_parameters", None) or {}
    kinds = {part.get("rope_type") for part in (rotary, *rotary.values()) if isinstance(part, dict)}
    return bool(kinds.intersection(_DYNAMIC_ROPE_TYPES))


def count_workers(recommender: Recommender) -> int:
    """How many threads may work on batches of a recommender beside the one that prepares them; 0: that one does all.

    At most `Recommender.max_workers`.
    """
    if has_shared_state(recommender):
        return 0
    if recommender.device.type != "cpu":
        workers = 1
    else:
        cores = torch.get_num_threads()
        workers = min(cores, MAX_WORKERS) if cores > 1 else 0
    return workers if recommender.max_workers is None else min(workers, recommender.max_workers)


def map_batches(work: Callable[[Item], Result], items: Iterable[Item], workers: int) -> Iterator[Result]:
    """`work` of every item, in order, on so many items at once, in threads of a pool; a single item has all cores.

    Items are taken as they are needed, a few ahead of the results. Several threads may call it at the same time: their
    items share the pool. `work` itself must not call it with workers.
    """
    coming = iter(items)
    first = list(islice(coming, 2))
    if workers < 1 or len(first) < 2:
        yield from map(work, chain(first, coming))
        return
    pool = _POOLS.get_pool(workers, max(1, torch.get_num_threads() // workers))
    waiting: deque[Future[Result]] = deque()
    try:
        for item in chain(first, coming):
            waiting.append(pool.submit(_call_without_grad, work, item))
            if len(waiting) > 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        # Nobody reads them any more; what has begun is waited for, since it uses what the caller may change next.
        wait([future for future in waiting if not future.cancel()])


class _PoolCache:
    """Pools of threads by their number and the cores of each, made once.

    How many cores a thread has is settled then, and is not switched while others compute.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pools: dict[tuple[int, int, int], ThreadPoolExecutor] = {}

    def get_pool(self, workers: int, cores: int) -> ThreadPoolExecutor:
        """So many threads with so many cores each. A forked process has pools of its own."""
        key = (os.getpid(), workers, cores)
        with self._lock:
            if key not in self._pools:
                self._pools[key] = _start_pool(workers, cores)
            return self._pools[key]


_POOLS = _PoolCache()


def _start_pool(workers: int, cores: int) -> ThreadPoolExecutor:
    before, all_started = torch.get_num_threads(), threading.Barrier(workers)

    def start() -> None:
        torch.set_num_threads(cores)
        torch.get_num_threads()  # else the thread takes the number over that holds when it first computes
        all_started.wait()  # so that every thread runs this once

    pool = ThreadPoolExecutor(workers, thread_name_prefix="thinkrec")
    wait([pool.submit(start) for _ in range(workers)])
    # Setting it in one thread also sets what threads to come begin with.
    torch.set_num_threads(before)
    return pool


def _call_without_grad(work: Callable[[Item], Result], item: Item) -> Result:
    with torch.no_grad():  # each thread has its own
        return work(item)
