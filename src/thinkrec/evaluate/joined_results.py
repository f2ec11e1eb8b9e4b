"""One table of the rows of several runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from thinkrec.errors import DataError
from thinkrec.evaluate.results import RankingResults, ResultRow


def join_results(runs: Sequence[tuple[str, RankingResults]]) -> RankingResults:
    """One table of the rows of several runs; rows that are equal in name and numbers stand once.

    Raises DataError if the runs were not evaluated on the same number of rows and users, or in the same way.
    """
    first = runs[0][1]
    rows: dict[str, ResultRow] = {}
    for name, results in runs:
        for key in ("n_rows", "n_users", "k", "draws", "seed", "policies"):
            if getattr(results, key) != getattr(first, key):
                raise DataError(f"runs {runs[0][0]} and {name} differ in {key}; tables need the same rows and settings")
        for row in results.rows:
            label = row.name if rows.get(row.name, row) == row else f"{row.name} ({name})"
            rows[label] = dataclasses.replace(row, name=label)
    return dataclasses.replace(first, rows=tuple(rows.values()), comparisons=())
