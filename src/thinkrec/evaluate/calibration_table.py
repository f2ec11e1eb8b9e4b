"""The table of `thinkrec evaluate calibration`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from thinkrec.evaluate.number_format import format_interval, format_number
from thinkrec.evaluate.table import make_captioned_table

HEADINGS = ("model", "ECE", "of noise", "mean - liked", "slope")
NOTES = (
    "Probability of a like: 1 / (1 + exp(-score)). Brackets: 95% interval over draws of users.",
    "ECE: over bins of equal mass. of noise: what the same probabilities would show if they were true.",
    "mean - liked: mean probability minus like rate. slope: below 1 too sure, above 1 too unsure.",
)


def format_calibration_cells(entry: Mapping[str, Any]) -> list[str]:
    """The cells of one model, in the order of HEADINGS."""
    return [
        entry["model"],
        _format_estimate(entry["error"]),
        format_number(entry["floor"]),
        _format_estimate(entry["offset"], signed=True),
        _format_estimate(entry["slope"]),
    ]


def render_calibration_table(entries: Sequence[Mapping[str, Any]], title: str) -> Table:
    """One line per model; see `measure_calibrations`."""
    first = entries[0]
    counts = f"{first['rows']:,} rows of {first['users']:,} users, {first['like_rate']:.1%} liked."
    table = make_captioned_table(title, [counts, *NOTES])
    for heading in HEADINGS:
        table.add_column(heading)
    for entry in entries:
        table.add_row(*format_calibration_cells(entry))
    return table


def _format_estimate(one: Mapping[str, float | None], *, signed: bool = False) -> str:
    if one["value"] is None:
        return "-"
    value = format_number(one["value"], signed=signed)
    return " ".join(part for part in (value, format_interval(one["low"], one["high"], signed=signed)) if part)
