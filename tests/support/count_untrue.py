"""How many of the committed reasons of the demo say something untrue, by the independent checker:

PYTHONPATH=tests:tests/claims python -m support.count_untrue
"""

from __future__ import annotations

import polars as pl
from test_demo_results import FOLDER, row_of

from support.independent_checker import check
from thinkrec.run.data_sources import load_data
from thinkrec.run.recipe_files import load_recipe


def main() -> None:
    """Print a line per table."""
    ds = load_data(load_recipe("demo").data)[0]
    for name in ("reasons", "reasons-agreeing", "reasons-any", "rules"):
        table = pl.read_parquet(FOLDER / f"{name}.parquet")
        rows = ds.interactions.find_rows(table["order"].to_numpy())
        found = [check(text, row_of(ds, int(row), 10)) for row, text in zip(rows, table["reason"], strict=True)]
        untrue, unknown = (sum(bool(getattr(one, kind)) for one in found) for kind in ("untrue", "unknown"))
        claims = sum(one.claims for one in found)
        print(f"{name}: {untrue} of {len(found)} untrue; {claims} claims; {unknown} hold a sentence it cannot judge")


if __name__ == "__main__":
    main()
