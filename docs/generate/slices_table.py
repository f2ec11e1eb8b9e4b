"""The tables of docs/results/slices.md, from results/ml1m/slices.json.

    make slices                                      # writes that file (seconds)
    python docs/generate/slices_table.py             # writes the tables between their marks
    python docs/generate/slices_table.py --check     # changes nothing, fails where the page differs

Needs the standard library alone.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from pages import ROOT, fill_mark, finish_files, parse_check

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


def main() -> int:
    check = parse_check(__doc__)
    content, page = json.loads(SOURCE.read_text(encoding="utf-8")), PAGE.read_text(encoding="utf-8")
    for metric in METRICS:
        page = fill_mark(page, f"slices-{metric}", build_table(content, metric))
    return finish_files({PAGE: page}, check)


if __name__ == "__main__":
    sys.exit(main())
