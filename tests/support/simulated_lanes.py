"""The queue on a made-up clock: random arrivals, lanes that take what `BatchOrder` gives, seconds by measurement."""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from thinkrec.data.query import Query
from thinkrec.serve.batch_order import Batch, BatchOrder
from thinkrec.serve.score_job import ScoreJob

EMPTY = np.zeros(0, dtype=np.int64)
HTTP = 0.005
"""Seconds of a core that a request takes outside of the scorer: parsing, the past, the answer."""


def ask(n: int) -> Query:
    """A question about n candidates."""
    return Query(None, EMPTY, EMPTY.astype(np.int8), EMPTY, EMPTY.astype(np.int8), 0, np.arange(n))


def compute_seconds(batch: Batch) -> float:
    """Seconds of a batch on one core.

    The served demo on one core of a Xeon without AMX, histories held, 30 November 2026: 9.6 ms for one candidate, 29.5
    for 25, 52.6 for 50, 119 for two rankings of 50; two questions of one candidate 12.1, twenty 60. With what the
    requests take of a core besides, 57 ms for 50; `bench/serve.py` counted 57.6.
    """
    return 0.007 + sum(HTTP + 0.0026 + 0.00085 * (part.stop - part.start) for _, part in batch)


def compute_pair_seconds(batch: Batch) -> float:
    """Seconds of a batch that two cores work on together: one question in 46 ms, of several one per core."""
    rounds = math.ceil(len(batch) / 2)
    return 0.046 + HTTP if len(batch) == 1 else rounds * compute_seconds(batch[:1])


@dataclass
class Discipline:
    """What waits for what."""

    lanes: int
    most: int
    compute: Callable[[Batch], float]


LANES = Discipline(2, 64, compute_seconds)
"""As it is on two cores."""
BARRIER = Discipline(1, 310, compute_pair_seconds)
"""As it was: one batch at a time, of up to five rankings, on both cores. By this clock 29.2 requests a second and p99
5.1 times the unloaded median; measured were 28.3 and 4.7."""


def simulate(discipline: Discipline, arrivals: list[tuple[float, int]]) -> list[float]:
    """Seconds that each request takes; `arrivals`: (moment, candidates), ascending."""
    order = BatchOrder(discipline.most, lambda job, now: False)
    # (moment, number, the job that arrives or None, the batch that ends)
    events: list[tuple[float, int, ScoreJob | None, Batch]] = [
        (moment, n, ScoreJob(ask(size), None, submitted=moment), []) for n, (moment, size) in enumerate(arrivals)
    ]
    heapq.heapify(events)
    free, ended, number = discipline.lanes, dict[int, float](), len(events)
    names = {id(job): n for _, n, job, _ in events}
    while events:
        now, _, arrived, batch = heapq.heappop(events)
        if arrived is not None:
            order.add(arrived)
        else:
            free += 1
        for job, part in batch:
            job.done += part.stop - part.start
            if job.done == job.size:
                ended[names[id(job)]] = now
        while free and len(order):
            taken = order.take(now, free)
            free, number = free - 1, number + 1
            heapq.heappush(events, (now + discipline.compute(taken), number, None, taken))
    return [ended[n] - moment for n, (moment, _) in enumerate(arrivals)]


def draw_arrivals(rate: float, n: int, seed: int, size: int = 50) -> list[tuple[float, int]]:
    """So many requests at random moments (Poisson)."""
    draw, moment, arrivals = random.Random(seed), 0.0, []
    for _ in range(n):
        moment += draw.expovariate(rate)
        arrivals.append((moment, size))
    return arrivals


def measure_saturation(discipline: Discipline, n: int = 400) -> float:
    """Requests a second where the next are always there."""
    return n / max(simulate(discipline, [(0.0, 50)] * n))
