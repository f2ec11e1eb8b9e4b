"""Peak memory of ranking: it grows with the tokens of a batch, not with the number of candidates.

    python bench/memory.py

Every figure is a process of its own: the peak resident memory of one ranking, above what the same process held after
loading and a ranking of one candidate.
"""

from __future__ import annotations

import resource
import subprocess
import sys

import numpy as np
from common import Row, arguments, finish
from models import catalogue, recommender
from ranking import question

from thinkrec.score.ranker import score_shared_prefixes

CANDIDATES, BUDGETS, FLAT = (1000, 2000), (2048, 8192), 1.1


def peak() -> float:
    """MB of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(candidates: int, budget: int) -> float:
    """MB that ranking so many candidates needed at its height."""
    ds, rec = catalogue(), recommender(0)
    one, many = (question(ds, rec, 30, n) for n in (1, candidates))
    score_shared_prefixes(rec, [(np.zeros(1, dtype=int), one)], 1)
    before = peak()
    score_shared_prefixes(rec, [(np.arange(candidates), many)], candidates, batch_tokens=budget)
    return peak() - before


def main() -> None:
    if len(sys.argv) == 3 and sys.argv[1].isdigit():
        print(measure(int(sys.argv[1]), int(sys.argv[2])))
        return
    args = arguments(__doc__ or "", "memory")

    def apart(candidates: int, budget: int) -> float:
        done = subprocess.run(
            [sys.executable, __file__, str(candidates), str(budget)], capture_output=True, text=True, check=True
        )
        return float(done.stdout.split()[-1])

    found = {n: [apart(n, BUDGETS[0]) for _ in range(3)] for n in (*CANDIDATES, CANDIDATES[0] // 2)}
    few, many = (float(np.median(found[n])) for n in CANDIDATES)
    wide = apart(CANDIDATES[1], BUDGETS[1])
    more = {"MB": {str(n): values for n, values in found.items()}}
    finish(
        [
            Row(
                f"peak memory, {CANDIDATES[1]} candidates over {CANDIDATES[0]}",
                "half as many candidates",
                many,
                few,
                "MB",
                many / few,
                FLAT,
                at_most=True,
                all=more,
            ),
            Row(
                f"the same, batches of {BUDGETS[1]} tokens over {BUDGETS[0]}",
                "a quarter of the tokens",
                wide,
                many,
                "MB",
                wide / many,
                None,
            ),
        ],
        args.out,
    )


if __name__ == "__main__":
    main()
