"""The table of `thinkrec evaluate slices`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from thinkrec.evaluate.number_format import format_number
from thinkrec.evaluate.slices import METRICS
from thinkrec.evaluate.table import make_captioned_table

TITLES = {"auc": "AUC", "uauc": "UAUC", "ndcg": "NDCG"}


def render_slices_table(entries: Sequence[Mapping[str, Any]], title: str, k: int) -> Table:
    """One line per slice and model; see `measure_slices`."""
    notes = [
        "Brackets: 95% interval over draws of the slice's users. -: not defined (one class, or no user with both).",
        f"NDCG@{k} orders a user's rows inside the slice alone. ECE: of 1 / (1 + exp(-score)).",
    ]
    table = make_captioned_table(title, notes)
    headings = ["", "rows", "users (UAUC)", "liked", "model", *(TITLES[name] for name in METRICS), "ECE"]
    for heading in headings:
        table.add_column(heading)
    last = None
    for entry in entries:
        here = (entry["group"], entry["slice"])
        first = [f"{entry['group']}: {entry['slice']}" if entry["group"] != "all" else entry["slice"]]
        first += [f"{entry['rows']:,}", f"{entry['users']} ({entry['users_in_uauc']})", f"{entry['like_rate']:.0%}"]
        figures = [_format_estimate(entry[name]) for name in METRICS]
        cells = ["", "", "", ""] if here == last else first
        table.add_row(*cells, entry["model"], *figures, format_number(entry["ece"]))
        last = here
    return table


def _format_estimate(one: Mapping[str, float | None]) -> str:
    value, low, high = one["value"], one["low"], one["high"]
    if value is None:
        return "-"
    interval = "" if low is None or high is None else f" [{format_number(low)}, {format_number(high)}]"
    return format_number(value) + interval
