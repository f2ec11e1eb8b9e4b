"""Whether two folders of runs, or two tables of predictions or reasons, say the same: what a restructuring must show.

    PYTHONPATH=tests python -m support.compare_runs OLD NEW

OLD and NEW are folders of runs (every predictions.parquet of OLD is looked for in NEW, and the explained reasons) or
two tables with `order` and `score`, perhaps `reason`. Prints the largest difference of a score, and how many reasons
are equal letter by letter. Leaves with status 1 where rows or files of OLD are missing in NEW.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import polars as pl


def compare_tables(old: Path, new: Path) -> str:
    """One line about two tables over the same rows. Raises ValueError where their rows differ."""
    before, after = (pl.read_parquet(path).sort("order") for path in (old, new))
    if before["order"].to_list() != after["order"].to_list():
        raise ValueError(f"{old} has {before.height:,} rows, and {new} other ones ({after.height:,})")
    difference = (before["score"] - after["score"]).abs().max()
    line = f"{before.height:,} rows, largest difference of a score {difference:.3g}"
    if "reason" in before.columns:
        line += f", {(before['reason'] == after['reason']).sum():,} reasons equal"
    return line


def compare_explained(old: Path, new: Path) -> str:
    """One line about the reasons that two runs show. Raises OSError where one shows none."""
    before, after = (
        [case["reason"] for case in json.loads(path.read_text(encoding="utf-8"))["cases"]] for path in (old, new)
    )
    equal = sum(one == other for one, other in zip(before, after, strict=True))
    return f"{equal:,} of {len(before):,} reasons equal"


def main(old: Path, new: Path) -> int:
    """Print a line per file; 1 where something of `old` is missing in `new`."""
    if old.is_file():
        pairs = [(old, new)]
    else:
        files = [*sorted(old.rglob("predictions.parquet")), *sorted(old.rglob("explain/reasons.json"))]
        pairs = [(path, new / path.relative_to(old)) for path in files]
    failed = not pairs
    for one, other in pairs:
        compare = compare_tables if one.suffix == ".parquet" else compare_explained
        try:
            print(f"{one.parent.name}: {compare(one, other)}")
        except (OSError, ValueError) as error:
            print(f"{one.parent.name}: {error}")
            failed = True
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
