"""Writes docs/results/reasons-sample.md: thirty rows drawn by seed, with the reasons of SmolLM2 and of nano, unedited.

    python docs/generate/reasons_sample.py                        writes the page
    python docs/generate/reasons_sample.py --check                only says whether the page is what the tables give
    python docs/generate/reasons_sample.py --written TABLE        prints the rows with the written reasons beside them

The written reasons may not be handed on, so that they stand in no page.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import polars as pl
from pages import ROOT, finish_files

RESULTS = ROOT / "results" / "ml1m"
PAGE = ROOT / "docs" / "results" / "reasons-sample.md"
TABLES = {
    "SmolLM2, `polarity_and_prose_keywords`": RESULTS / "thinkrec-smollm2-keywords" / "reasons.parquet",
    "SmolLM2, without a rule (no three words twice)": RESULTS / "thinkrec-smollm2-keywords" / "reasons-any.parquet",
    "nano, `polarity`": RESULTS / "thinkrec-nano" / "reasons.parquet",
}
N_ROWS, SEED = 30, 0
HEAD = (
    "# Thirty reasons, unedited\n\n"
    f"{N_ROWS} of the MovieLens-1M test rows for which all of the tables below have a reason, drawn with seed {SEED} by"
    " `python docs/generate/reasons_sample.py`. What the figures say of all of them:"
    " [reasons](reasons.md#movielens-1m-with-smollm2-135m).\n"
    "With `--written ../shared/data/ml1m/reasons-grounded.parquet` the command prints the written reasons beside them;"
    " they may not be handed on.\n"
)


def read_reasons(tables: dict[str, Path]) -> pl.DataFrame:
    """Rows that all tables have, by order, user and item: these, and one column of reasons for each table."""
    joined: pl.DataFrame | None = None
    for name, path in tables.items():
        table = pl.read_parquet(path)
        # nano's table of 21 November has no users and items.
        keys = [key for key in ("order", "user_id", "item_id") if key in table.columns]
        table = table.select(*keys, pl.col("reason").alias(name))
        shared = keys if joined is None else [key for key in keys if key in joined.columns]
        joined = table if joined is None else joined.join(table, on=shared, how="inner")
    assert joined is not None
    return joined.sort("order")


def draw_sample(rows: pl.DataFrame) -> pl.DataFrame:
    """So many rows by seed, in the order of the data."""
    chosen = np.sort(np.random.default_rng(SEED).permutation(rows.height)[:N_ROWS])
    return rows[chosen.tolist()]


def write_page(rows: pl.DataFrame, names: list[str]) -> str:
    """The page: a heading for each row, a quotation for each reason."""
    parts = [HEAD]
    for number, row in enumerate(rows.iter_rows(named=True), start=1):
        parts.append(f"## {number}. User {row['user_id']}, film {row['item_id']} (row {row['order']})\n")
        parts += [f"{name}:\n\n> {' '.join(row[name].split())}\n" for name in names]
    return "\n".join(parts)


def main() -> int:
    """Write, check or print; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--written", type=Path)
    options = parser.parse_args()
    tables = TABLES if options.written is None else {**TABLES, "written": options.written}
    page = write_page(draw_sample(read_reasons(TABLES)), list(TABLES))
    if options.written is not None:
        sample = draw_sample(read_reasons(TABLES)).join(
            read_reasons(tables).select("order", "written"), on="order", how="left"
        )
        print(write_page(sample.with_columns(pl.col("written").fill_null("(none)")), list(tables)))
        return 0
    return finish_files({PAGE: page}, options.check)


if __name__ == "__main__":
    sys.exit(main())
