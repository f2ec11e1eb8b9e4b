"""From a recipe's `data` section to a data set."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from thinkrec.data.dataset import Dataset
from thinkrec.data.movielens import load_ml1m_slice, movielens_dataset
from thinkrec.data.world import World, simulate
from thinkrec.errors import DataError

if TYPE_CHECKING:
    from thinkrec.recipe import Data


def data_folder(name: str) -> Path:
    """A named folder under $THINKREC_DATA, else under shared/data beside the current folder or the clone.

    Raises DataError saying where it looked.
    """
    named = os.environ.get("THINKREC_DATA")
    clone = Path(__file__).resolve().parents[3]
    tried = [Path(named)] if named else [Path.cwd().parent / "shared" / "data", clone.parent / "shared" / "data"]
    for base in tried:
        if (base / name).is_dir():
            return base / name
    places = ", ".join(str(base / name) for base in tried)
    raise DataError(f"the data folder {name!r} was not found (looked for {places}); set THINKREC_DATA to its parent")


def load_data(config: Data) -> tuple[Dataset, World | None]:
    """The data set; for a simulated catalogue also everything that was planted in it."""
    if config.kind == "world":
        world = simulate(config.world, config.seed)
        return world.dataset, world
    if config.kind == "ml1m":
        return load_ml1m_slice(config.folder or data_folder("ml1m"), keywords=config.keywords), None
    if config.kind == "movielens":
        return movielens_dataset(config.folder), None
    tables = Dataset.from_tables(config.interactions, config.items, threshold=config.threshold, split=config.split,
                                 domain=config.domain())  # fmt: skip
    return tables, None
