"""What `--history` and `--threshold` say, for `rank` and `explain`."""

from __future__ import annotations

from pathlib import Path

from thinkrec.errors import DataError
from thinkrec.score.history_tables import read_history_table


def read_optional_history(
    path: Path | None, threshold: float | None, usual: float | None
) -> list[tuple[object, bool]] | None:
    """(item id, liked) pairs of the table, or None where none was given. `usual`: the threshold of the run's data."""
    if path is None and threshold is not None:
        raise DataError("--threshold is for ratings in --history; give a history, or leave it out")
    return None if path is None else read_history_table(path, threshold, usual)
