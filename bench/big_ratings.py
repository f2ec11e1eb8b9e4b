"""Generated ratings of any size, shaped like a large shop's: long text ids, few ratings a user, popular items.

    python bench/big_ratings.py FOLDER --rows 5000000       (writes ratings.csv and items.csv)

Per million ratings there are 294,000 users and 57,000 items, as in Amazon Books 2018 (51 million ratings of 15 million
users and 2.9 million items). Users and items are drawn with power-law popularity; ids have 14 and 10 characters,
ratings are 1.0 to 5.0, times seconds over 19 years.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import polars as pl

USERS_PER_ROW, ITEMS_PER_ROW = 15 / 51, 2.9 / 51
BLOCK = 1_000_000
FIRST, LAST = 900_000_000, 1_500_000_000
SHARES = (0.06, 0.05, 0.09, 0.2, 0.6)
"""Of ratings 1 to 5."""


def format_ids(codes: np.ndarray, prefix: str, digits: int) -> pl.Series:
    """Text ids, one per code; neighbours in code are no neighbours in text."""
    # The factor has no divisor in common with a power of ten, so that no two codes meet.
    mixed = (codes.astype(np.uint64) * np.uint64(2_654_435_761)) % np.uint64(10**digits)
    return prefix + pl.Series(mixed).cast(pl.String).str.zfill(digits)


def draw_codes(rng: np.random.Generator, n: int, size: int, skew: float) -> np.ndarray:
    """int64 (n,): codes below `size`, small ones more often: the rank of a draw u is size u^skew."""
    return np.minimum((size * rng.random(n) ** skew).astype(np.int64), size - 1)


def write_ratings(path: Path, rows: int, seed: int) -> None:
    """user_id, item_id, rating, timestamp; a block at a time."""
    rng = np.random.default_rng(seed)
    users, items = max(1, int(rows * USERS_PER_ROW)), max(1, int(rows * ITEMS_PER_ROW))
    with path.open("wb") as file:
        for first in range(0, rows, BLOCK):
            n = min(BLOCK, rows - first)
            frame = pl.DataFrame(
                {
                    "user_id": format_ids(draw_codes(rng, n, users, 1.6), "A", 13),
                    "item_id": format_ids(draw_codes(rng, n, items, 2.5), "B", 9),
                    "rating": rng.choice(np.arange(1.0, 6.0), n, p=SHARES),
                    "timestamp": rng.integers(FIRST, LAST, n),
                }
            )
            frame.write_csv(file, include_header=first == 0)


def write_items(path: Path, rows: int) -> None:
    """item_id, title, keywords of every item that ratings may name."""
    codes = np.arange(max(1, int(rows * ITEMS_PER_ROW)))
    title = "Book " + pl.Series(codes).cast(pl.String)
    keywords = "shelf " + pl.Series(codes % 97).cast(pl.String) + "|kind " + pl.Series(codes % 31).cast(pl.String)
    pl.DataFrame({"item_id": format_ids(codes, "B", 9), "title": title, "keywords": keywords}).write_csv(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    write_ratings(args.folder / "ratings.csv", args.rows, args.seed)
    write_items(args.folder / "items.csv", args.rows)


if __name__ == "__main__":
    main()
