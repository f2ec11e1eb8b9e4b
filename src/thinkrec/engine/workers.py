"""Batches worked on beside the thread that prepares them.

On a CPU several, one core each, because small matrices keep one core busy but not two or more; on a GPU one, so that it
does not wait while the next is rendered.

Everything that a batch in work has of its own (routing, layouts, places to read) is kept by thread, so that batches
cannot meet. Models are only read.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain, islice
from typing import TYPE_CHECKING, TypeVar

import torch

if TYPE_CHECKING:
    from thinkrec.engine.recommender import Recommender

Item = TypeVar("Item")
Result = TypeVar("Result")
MAX_WORKERS = 8
"""Batches at once: beyond that Python itself, which runs in one thread at a time, is what they wait for."""
_DYNAMIC_ROPE_TYPES = ("dynamic", "longrope")
"""Rotary embeddings that Transformers adapts in place to the length at hand."""


def count_workers(recommender: Recommender) -> int:
    """How many threads may work on batches of a recommender beside the one that prepares them; 0: that one does all."""
    rotary = getattr(recommender.model.config, "rope_parameters", None) or {}
    kinds = {part.get("rope_type") for part in (rotary, *rotary.values()) if isinstance(part, dict)}
    if kinds.intersection(_DYNAMIC_ROPE_TYPES):
        return 0
    if recommender.device.type != "cpu":
        return 1
    cores = torch.get_num_threads()
    return min(cores, MAX_WORKERS) if cores > 1 else 0


def map_batches(work: Callable[[Item], Result], items: Iterable[Item], workers: int) -> Iterator[Result]:
    """`work` of every item, in order, on so many items at once, in threads of their own; a single item has all cores.

    Items are taken as they are needed, a few ahead of the results.
    """
    coming = iter(items)
    first = list(islice(coming, 2))
    if workers < 1 or len(first) < 2:
        yield from map(work, chain(first, coming))
        return
    cores = torch.get_num_threads()
    waiting: deque[Future[Result]] = deque()

    def alone() -> None:
        torch.set_num_threads(max(1, cores // workers))

    with ThreadPoolExecutor(workers, initializer=alone) as pool:
        try:
            for item in chain(first, coming):
                waiting.append(pool.submit(_call_without_grad, work, item))
                if len(waiting) > 2 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
            # Setting it in one thread also sets what threads to come begin with.
            torch.set_num_threads(cores)


def _call_without_grad(work: Callable[[Item], Result], item: Item) -> Result:
    with torch.no_grad():  # each thread has its own
        return work(item)
