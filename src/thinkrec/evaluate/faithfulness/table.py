"""Faithfulness as a table in the terminal."""

from __future__ import annotations

from collections.abc import Mapping

from rich.table import Table
from rich.text import Text

from thinkrec.evaluate.faithfulness.results import POLICIES, FaithfulnessMetric, FaithfulnessResults
from thinkrec.evaluate.table import format_interval, format_number, make_captioned_table
from thinkrec.io.counts import choose_form, format_count

TITLES = {
    "cited": "lines cited",
    "erase_win": "erase win",
    "erase_gain": "erase gain (sd)",
    "flip_win": "flip win",
    "sufficiency": "suffices",
    "cct": "CCT",
    "cct_size": "CCT (size)",
    "side_right": "side right",
    "cause": "planted cause",
}
"""Measure -> its name in a table."""


def render_faithfulness_table(
    results: FaithfulnessResults, systems: Mapping[str, str], *, title: str = "Faithfulness"
) -> Table:
    """One line per system, one column per measure; how it is counted below, and what each of the `systems` is."""
    shown = [name for name in POLICIES if any(name in measures for measures in results.systems.values())]
    table = make_captioned_table(title, [*_list_notes(results, shown), *_list_systems(results, systems)])
    table.add_column("", overflow="fold")
    for name in shown:
        table.add_column(TITLES[name], justify="right")
    for system, measures in results.systems.items():
        table.add_row(Text(system), *(Text(_format_metric(measures.get(name))) for name in shown))
    return table


def _list_notes(results: FaithfulnessResults, shown: list[str]) -> list[str]:
    left_out = [f"{count:,} of {name}" for name, count in results.alone.items() if count]
    notes = [
        f"{format_count(results.rows, 'row')}, {format_count(results.n_users, 'user')}; standard deviation of the "
        f"scores {format_number(results.score_deviation)}. Brackets: {results.level:.0%} interval over "
        f"{results.draws:,} draws of users with replacement, seed {results.seed}.",
    ]
    if results.rows_without_lines:
        notes.append(
            f"{format_count(results.rows_without_lines, 'row shows', 'rows show')} no history line, and "
            f"{choose_form(results.rows_without_lines, 'is', 'are')} left out."
        )
    if left_out:
        notes.append(f"Cited lines without an uncited line of the same label, left out of wins: {', '.join(left_out)}.")
    return notes + [f"{TITLES[name]}: {POLICIES[name]}." for name in shown]


def _list_systems(results: FaithfulnessResults, systems: Mapping[str, str]) -> list[str]:
    return [f"{name}: {systems[name]}." for name in results.systems if name in systems]


def _format_metric(metric: FaithfulnessMetric | None) -> str:
    if metric is None:
        return "n/a"
    estimate = metric.value
    return f"{format_number(estimate.value)}\n{format_interval(estimate.low, estimate.high)}".strip()
