"""A stand-in for the prepared MovieLens-1M slice: its files and columns, a simulated catalogue's rows and texts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import SPLITS
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue

WORDS = ("great", "poor", "good", "bad", "cult favourite", "widely panned")
"""Written keywords, the answers of Prompt4NR's templates among them, so that a tokenizer of these words has them."""


def write_tiny_ml1m(folder: Path, seed: int = 3) -> Dataset:
    """Write interactions, items, keywords and both tables of reasons to `folder`; returns the data set behind them."""
    folder.mkdir(parents=True, exist_ok=True)
    config = SimulatorConfig(users=14, items=40, interactions_per_user=(9, 13), creators=False)
    ds = simulate_catalogue(config, seed).dataset
    table, codes = ds.interactions, np.arange(len(ds.items))
    order = np.arange(len(table))
    rows = pl.DataFrame(
        {
            "order": order.astype(np.int32),
            "user_id": table.user.astype(np.int32),
            "item_id": table.item.astype(np.int32),
            "label": table.label.astype(np.int8),
            "timestamp": table.timestamp,
            "split": [SPLITS[split] for split in table.split],
        }
    )
    rows.write_parquet(folder / "interactions.parquet")
    pl.DataFrame(
        {
            "item_id": codes.astype(np.int32),
            "title": list(ds.items.titles),
            "genres": [list(words[:2]) for words in ds.items.keywords],
            "plot": [f"A story of {words[-1]}." for words in ds.items.keywords],
        }
    ).write_parquet(folder / "items.parquet")
    written = [[*words[:2], WORDS[code % len(WORDS)]] for code, words in enumerate(ds.items.keywords)]
    pl.DataFrame({"item_id": codes.astype(np.int32), "keywords": written}).write_parquet(folder / "keywords.parquet")
    train = rows.filter(pl.col("split") == "train").gather_every(4)
    verdicts = {1: "Yes. The viewer likes such films.", 0: "No. The viewer does not like such films."}
    reasons = train.with_columns(pl.col("label").replace_strict(verdicts).alias("reason"))
    for name in ("reasons", "reasons-grounded"):
        reasons.write_parquet(folder / f"{name}.parquet")
    return ds
