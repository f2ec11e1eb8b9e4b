"""Small tables of a shop of one's own, drawn by the simulator: what the documents' examples run on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from thinkrec.errors import DataError
from thinkrec.io.files import write_atomically, write_text
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue

CONFIG = SimulatorConfig(users=150, items=200, interactions_per_user=(12, 40))
SEED = 1
RECIPE = """\
# The tables beside this file. thinkrec run mine.yaml     (minutes on two CPU cores; --train-only leaves the table out)
extends: demo
name: mine
data:
  kind: tables
  interactions: ratings.csv
  items: items.csv
  threshold: 3
  split:
    by: fractions
  keyword_rules:
    max_share: 1 # none is dropped for being frequent; those on one item alone are
model:
  reasons:
    source: rules
"""


def write_example_tables(folder: Path) -> list[Path]:
    """Write ratings.csv (user_id, item_id, rating 1 to 5, timestamp), items.csv and mine.yaml; returns their paths.

    The films, users and tastes are simulated, the same on every machine. A rating above 3 is a like of the simulator;
    4 or 5, and 1 to 3, follow from how likely it was.

    Raises DataError where one of the files is already there.
    """
    paths = [folder / name for name in ("ratings.csv", "items.csv", "mine.yaml")]
    present = [path.name for path in paths if path.exists()]
    if present:
        raise DataError(f"{folder} already has {', '.join(present)}; name another folder, or move them away")
    folder.mkdir(parents=True, exist_ok=True)
    world = simulate_catalogue(CONFIG, SEED)
    ds, likely = world.dataset, world.like_probability
    liked = ds.interactions.label == 1
    rating = np.where(liked, np.where(likely > 0.6, 5, 4), np.where(likely > 0.4, 3, np.where(likely > 0.2, 2, 1)))
    ratings = ds.to_frame().select("user_id", "item_id", rating=pl.Series(rating), timestamp="timestamp")
    items = pl.DataFrame(
        {
            "item_id": ds.items.ids,
            "title": ds.items.titles,
            "keywords": ["|".join(words) for words in ds.items.keywords],
        }
    )
    order = ds.interactions.order.argsort(kind="stable")
    write_atomically(paths[0], lambda path: ratings[order].write_csv(path))
    write_atomically(paths[1], lambda path: items.write_csv(path))
    write_text(paths[2], RECIPE)
    return paths
