"""The tables of docs/results/slices.md, from results/ml1m/slices.json.

    make slices                                      # writes that file (seconds)
    python docs/generate/slices_table.py             # writes the tables between their marks
    python docs/generate/slices_table.py --check     # changes nothing, fails where the page differs

Needs the standard library alone.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PAGE, SOURCE = ROOT / "docs/results/slices.md", ROOT / "results/ml1m/slices.json"
METRICS = {"uauc": "UAUC", "auc": "AUC", "ece": "ECE"}


def format_cell(entry: dict[str, Any], metric: str) -> str:
    """A figure with its interval; ECE has none."""
    if metric == "ece":
        return f"{entry[metric]:.3f}".lstrip("0")
    value, low, high = (entry[metric][key] for key in ("value", "low", "high"))
    if value is None:
        return "-"
    return " ".join([shorten(value), *([] if low is None else [f"[{shorten(low)}, {shorten(high)}]"])])


def shorten(value: float) -> str:
    """Three decimals, without the zero before them."""
    return f"{value:.3f}".removeprefix("0")


def build_table(content: dict[str, Any], metric: str) -> str:
    """One line per part, one column per model."""
    models = content["tables"]
    lines = [
        "| rows of | rows | users | liked | " + " | ".join(models) + " |",
        "| --- |" + " ---: |" * (3 + len(models)),
    ]
    parts: dict[tuple[str, str], dict[str, Any]] = {}
    for entry in content["entries"]:
        parts.setdefault((entry["group"], entry["slice"]), {})[entry["model"]] = entry
    for (group, name), by_model in parts.items():
        one = by_model[models[0]]
        users = f"{one['users']} ({one['users_in_uauc']})" if metric == "uauc" else f"{one['users']}"
        cells = [name if group == "all" else f"{group}: {name}", f"{one['rows']:,}", users, f"{one['like_rate']:.0%}"]
        lines.append("| " + " | ".join(cells + [format_cell(by_model[model], metric) for model in models]) + " |")
    return "\n".join(lines)


def fill_page(page: str, content: dict[str, Any]) -> str:
    """The page with a table per metric between its marks."""
    for metric in METRICS:
        begin, end = f"<!-- slices-{metric}: start -->", f"<!-- slices-{metric}: stop -->"
        before, after = page.partition(begin)[0], page.partition(end)[2]
        page = f"{before}{begin}\n\n{build_table(content, metric)}\n\n{end}{after}"
    return page


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing, fail where the page differs")
    check = parser.parse_args().check
    page = PAGE.read_text(encoding="utf-8")
    wanted = fill_page(page, json.loads(SOURCE.read_text(encoding="utf-8")))
    if check and wanted != page:
        print(f"{PAGE} differs from {SOURCE}; run python docs/generate/slices_table.py", file=sys.stderr)
        return 1
    if not check:
        PAGE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
