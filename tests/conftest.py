"""Fixtures that several rooms use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from hypothesis import settings as hypothesis_settings

from thinkrec.data.dataset import Dataset, Domain

# A first call may load what later ones share, and machines differ: slowness is no failure. And a change is tried on
# the same examples each time, so that it fails for what it changed; `make search` looks for new ones.
hypothesis_settings.register_profile("steady", deadline=None, derandomize=True)
hypothesis_settings.register_profile("search", deadline=None, derandomize=False, print_blob=True)
hypothesis_settings.load_profile("steady")


@pytest.fixture(autouse=True, scope="session")
def no_copies_in_the_users_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Converted models are kept in a folder of the session; the user's own is neither read nor filled."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("THINKREC_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def ml1m_folder() -> Path:
    """The shared MovieLens-1M slice: $THINKREC_DATA/ml1m, or ../shared/data/ml1m beside the repository."""
    root = os.environ.get("THINKREC_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(root) / "ml1m"
    if not (folder / "interactions.parquet").is_file():
        pytest.skip(f"no MovieLens-1M slice in {folder}; set THINKREC_DATA to the folder that holds ml1m/")
    return folder


@pytest.fixture
def tiny_tables() -> tuple[pl.DataFrame, pl.DataFrame]:
    """(interactions, items): 4 users, 6 items, 24 rows with tied times; user 40 has no training row.

    Every user has two rows per moment, so a tie stands at every second place of a history.
    """
    rows = []
    for user, first in ((10, 0), (20, 0), (30, 0), (40, 4)):
        for step in range(first, 8):
            moment = step // 2
            split = "train" if moment < 2 else ("valid" if moment == 2 else "test")
            rows.append((user, (user // 10 + step) % 6 + 1, (user // 10 + step * step) % 2, 100 + moment, split))
    # Not sorted: the table comes in with later users first, and in time order only within a user.
    rows.sort(key=lambda row: -row[0])
    names = ["user_id", "item_id", "label", "timestamp", "split"]
    interactions = pl.DataFrame(rows, schema=names, orient="row")
    items = pl.DataFrame(
        {
            "item_id": [1, 2, 3, 4, 5, 6],
            "title": ["Oak", "Pine", "Elm", "Ash", "Birch", "Yew"],
            "keywords": [["broad leaf"], ["needle", "resin"], [], ["broad leaf", "hard"], ["white bark"], ["needle"]],
            "note": ["slow", None, "rare", "tall", "quick", "old"],
        }
    )
    return interactions, items


@pytest.fixture
def tiny_dataset(tiny_tables: tuple[pl.DataFrame, pl.DataFrame]) -> Dataset:
    """`tiny_tables` as a data set."""
    return Dataset.from_tables(*tiny_tables, domain=Domain("tree", "trees", "forester"))
