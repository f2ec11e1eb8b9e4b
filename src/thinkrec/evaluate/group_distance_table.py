"""The table of `thinkrec evaluate groups`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from thinkrec.evaluate.group_distance import MEASURES
from thinkrec.evaluate.number_format import format_interval, format_number
from thinkrec.evaluate.table import make_captioned_table

HEADINGS = ("vectors of", "groups", "users", "rates", "at random", "p", "tastes", "at random", "p")
NOTES = (
    "rates: mean distance of like rates per keyword between two groups, weighted by rows. tastes: the same with each",
    "group's own like rate taken out. Brackets: 95% interval over draws of users. at random: groups of the same sizes,",
    "mean and 95% of them. p: share of them that are at least as far apart.",
)


def format_group_cells(entry: Mapping[str, Any]) -> list[str]:
    """The cells of one grouping, in the order of HEADINGS."""
    cells = [entry["run"], str(entry["groups"]), " + ".join(f"{size:,}" for size in entry["sizes"])]
    for measure in MEASURES:
        one = entry[measure]
        random = f"{format_number(one['random'])} {format_interval(one['random_low'], one['random_high'])}"
        own = f"{format_number(one['value'])} {format_interval(one['low'], one['high'])}"
        cells += [own, random, format_number(one["p"])]
    return cells


def render_groups_table(entries: Sequence[Mapping[str, Any]], title: str) -> Table:
    """One line per run and number of groups; see `measure_run_groups`."""
    first = entries[0]
    counts = f"{first['rows']:,} rows of {first['users']:,} users with train rows, about {first['keywords']} keywords."
    table = make_captioned_table(title, [counts, *NOTES])
    for heading in HEADINGS:
        table.add_column(heading)
    for entry in entries:
        table.add_row(*format_group_cells(entry))
    return table
