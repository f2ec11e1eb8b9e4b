"""A comparison of two ways of training over several seeds: as a table to print, and as a JSON file."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from thinkrec.evaluate.metrics.bootstrap import BootstrapResult, PairedDifference
from thinkrec.evaluate.metrics.ranking import compute_tied_share
from thinkrec.evaluate.metrics.seeds import SeedComparison
from thinkrec.evaluate.number_format import format_interval, format_metric_titles, format_number
from thinkrec.io.files import to_json_value, write_json

SCHEMA = "thinkrec-comparison/1"


def write_comparison(
    path: Path,
    comparisons: Mapping[str, SeedComparison],
    sides: Mapping[str, Sequence[tuple[Path, BootstrapResult]]],
    settings: Mapping[str, Any],
) -> None:
    """Write a comparison as JSON.

    Args:
        path: the file, which ends with .json.
        comparisons: metric -> its differences, seed by seed and on average.
        sides: name of a side -> (table of predictions, its metrics) per seed.
        settings: how it was counted, to stand beside the numbers.
    """
    described = {
        side: [
            {"predictions": _shorten_path(table), **sample.values, "tied": compute_tied_share(sample.per_user)}
            for table, sample in entries
        ]
        for side, entries in sides.items()
    }
    differences = {metric: dataclasses.asdict(comparison) for metric, comparison in comparisons.items()}
    write_json(path, to_json_value({"schema": SCHEMA, **described, "difference": differences, **settings}))


def _shorten_path(path: Path) -> str:
    """The name of a table in a file that is meant to be kept: nothing of this machine but what was typed."""
    return f"{path.parent.name}/{path.name}" if path.is_absolute() else path.as_posix()


def build_comparison_table(
    comparisons: dict[str, SeedComparison],
    a: Sequence[BootstrapResult],
    b: Sequence[BootstrapResult],
    *,
    remark: str = "",
) -> Table:
    """One line per seed and one for their mean, the metrics of both sides and their difference; `remark` below."""
    table = Table(
        title="Runs against others on the same rows",
        title_justify="left",
        caption=Text(remark) if remark else None,
        caption_justify="left",
    )
    table.add_column("")
    for title in (format_metric_titles(a[0].k)[metric] for metric in comparisons):
        table.add_column(title, justify="right")

    def cell(pair: PairedDifference, x: float, y: float, spread: float | None) -> Text:
        gap = f"{format_number(pair.difference, signed=True)} {format_interval(pair.low, pair.high, signed=True)}"
        seeds = "" if spread is None else f"\nsd over seeds {format_number(spread)}"
        return Text(f"{format_number(x)} - {format_number(y)}\n{gap}{seeds}")

    for i, (x, y) in enumerate(zip(a, b, strict=True)):
        cells = (cell(c.per_seed[i], x.values[m], y.values[m], None) for m, c in comparisons.items())
        table.add_row(f"pair {i + 1}", *cells, end_section=True)
    table.add_row(
        "mean", *(cell(c.mean, _compute_mean(a, m), _compute_mean(b, m), c.deviation) for m, c in comparisons.items())
    )
    return table


def _compute_mean(samples: Sequence[BootstrapResult], metric: str) -> float:
    return sum(sample.values[metric] for sample in samples) / len(samples)
