"""Small files of the published sources: rows to write, and what loading them says."""

from __future__ import annotations

import gzip
import warnings
from pathlib import Path
from typing import Any

from thinkrec.data.dataset import Dataset
from thinkrec.data.loaders.prepare import load_source
from thinkrec.errors import DataWarning

DAY = 86_400
PAIRS = [(user, item) for user in range(1, 9) for item in range(1, 7) if (user + item) % 3]


def load_with_warnings(name: str, folder: Path, **settings: Any) -> tuple[Dataset, str]:
    """The data set and all warnings as one text."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", DataWarning)
        ds = load_source(name, folder, **settings)
    return ds, "\n".join(str(entry.message) for entry in caught)


def compute_star(user: int, item: int) -> int:
    return 1 + (user * item) % 5


def compute_time(user: int, item: int) -> int:
    return 1_400_000_000 + (user * 7 + item * 3) * DAY


def write_lines(path: Path, lines: list[str], encoding: str = "utf-8") -> None:
    data = "".join(f"{line}\n" for line in lines).encode(encoding)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
