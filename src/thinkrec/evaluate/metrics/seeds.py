"""Two ways of training, each with several seeds, compared on the same rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from thinkrec.errors import DataError
from thinkrec.evaluate.metrics.bootstrap import (
    METRICS,
    BootstrapResult,
    PairedDifference,
    compute_paired_difference,
    summarise_difference_draws,
)


@dataclass(frozen=True)
class SeedComparison:
    """One metric of A minus B."""

    per_seed: tuple[PairedDifference, ...]
    """Per seed, A's run minus B's run of that seed, on the same draws of users."""
    mean: PairedDifference
    """The mean over seeds of A minus that of B; its interval is over users, the seeds as they are."""
    deviation: float
    """Standard deviation over seeds of the difference: what another seed may change. NaN for one seed."""


def compare_seeds(
    a: Sequence[BootstrapResult], b: Sequence[BootstrapResult], *, level: float = 0.95
) -> dict[str, SeedComparison]:
    """Metric (METRICS) -> comparison; a[i] and b[i] are the runs of seed i.

    Raises DataError for none or unequal numbers of runs, or samples that are not over the same rows and draws.
    """
    if not a or len(a) != len(b):
        raise DataError(f"{len(a)} runs against {len(b)}; give one run per seed on both sides, in the same order")
    for other in a[1:]:
        compute_paired_difference(a[0], other, METRICS[0], level=level)  # refuses other rows
    comparisons = {}
    for metric in METRICS:
        per_seed = tuple(compute_paired_difference(x, y, metric, level=level) for x, y in zip(a, b, strict=True))
        drawn = np.mean([x.draws[metric] - y.draws[metric] for x, y in zip(a, b, strict=True)], axis=0)
        values = np.array([pair.difference for pair in per_seed])
        spread = float(values.std(ddof=1)) if len(values) > 1 else float("nan")
        comparisons[metric] = SeedComparison(
            per_seed, summarise_difference_draws(float(values.mean()), drawn, level=level), spread
        )
    return comparisons
