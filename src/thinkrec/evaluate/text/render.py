"""Text metrics in the terminal: a table of texts beside their references, and one of texts by themselves."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from rich.console import Group
from rich.table import Table
from rich.text import Text

from thinkrec.evaluate.metrics.bootstrap import Estimate, PairedDifference
from thinkrec.evaluate.table import format_interval, format_number, make_captioned_table
from thinkrec.evaluate.text.metric_types import ALONE, COMPARED, DISTINCT, TITLES
from thinkrec.evaluate.text.summary import REFERENCES, TextResults
from thinkrec.io.counts import format_count

NOT_AVAILABLE = "not available"
ALONE_TITLE = "The same texts by themselves"


def render_text_results(results: TextResults, title: str) -> Group:
    """The tables and, with several systems, the differences; print with rich."""
    compared, alone = _list_shown_metrics(results, COMPARED), _list_shown_metrics(results, ALONE)
    first = next(iter(results.estimates))
    minus = f"{first} minus (same draws; share of draws above zero)"
    tables = [_render_compared(results, title, compared)]
    if results.against:
        tables.append(_render_compared_differences(results, minus, compared))
    if any(metric in estimates for estimates in results.estimates.values() for metric in alone):
        tables.append(_render_alone(results, alone))
        if results.against:
            tables.append(_render_alone_differences(results, minus, alone))
    return Group(*tables)


def format_table_notes(results: TextResults) -> list[str]:
    """All sentences that belong under the tables."""
    return [
        *_format_compared_notes(results, _list_shown_metrics(results, COMPARED)),
        *_format_alone_notes(results, _list_shown_metrics(results, ALONE)),
    ]


def _list_shown_metrics(results: TextResults, metrics: Mapping[str, str]) -> list[str]:
    return [metric for metric in metrics if metric in results.policies or metric in results.not_available]


def _format_compared_notes(results: TextResults, metrics: Sequence[str]) -> list[str]:
    draws = (
        f"{format_count(results.n_rows, 'row')} of {format_count(results.n_users, 'user')}, matched by order. "
        f"Brackets: {results.level:.0%} interval over {results.draws:,} draws of users with replacement, seed "
        f"{results.seed}, the same draws for every row."
    )
    return [*results.remarks, draws, *_format_policies(results, metrics)]


def _format_alone_notes(results: TextResults, metrics: Sequence[str]) -> list[str]:
    return [*results.remarks_alone, *_format_policies(results, metrics)]


def _format_policies(results: TextResults, metrics: Sequence[str]) -> list[str]:
    lines = [f"{TITLES[metric]}: {results.policies[metric]}." for metric in metrics if metric in results.policies]
    unavailable = [metric for metric in metrics if metric in results.not_available]
    return [*lines, *(f"{TITLES[name]}: {NOT_AVAILABLE}: {results.not_available[name]}." for name in unavailable)]


def _render_compared(results: TextResults, title: str, metrics: Sequence[str]) -> Table:
    """One line per system."""
    table = make_captioned_table(title, _format_compared_notes(results, metrics))
    table.add_column("reasons", overflow="fold")
    for metric in metrics:
        table.add_column(TITLES[metric], justify="right")
    for name, estimates in results.estimates.items():
        if any(metric in estimates for metric in metrics):
            style = "dim" if name in results.baselines else ""
            cells = (_format_estimate(metric, estimates.get(metric), results) for metric in metrics)
            table.add_row(Text(name, style=style), *cells)
    return table


def _render_compared_differences(results: TextResults, title: str, metrics: Sequence[str]) -> Table:
    measured = [metric for metric in metrics if metric in results.policies]
    table = Table(title=Text(title), title_justify="left")
    table.add_column("reasons", overflow="fold")
    for metric in measured:
        table.add_column(TITLES[metric], justify="right")
    for name, pairs in results.against.items():
        if any(metric in pairs for metric in measured):
            table.add_row(Text(name), *(_format_difference(metric, pairs.get(metric)) for metric in measured))
    return table


def _render_alone(results: TextResults, metrics: Sequence[str]) -> Table:
    """One line per metric, one column per system."""
    systems = {
        name: values for name, values in results.estimates.items() if any(metric in values for metric in metrics)
    }
    table = make_captioned_table(ALONE_TITLE, _format_alone_notes(results, metrics))
    table.add_column("", overflow="fold")
    for name in systems:
        table.add_column(Text(name, style="dim" if name == REFERENCES else ""), justify="right", overflow="fold")
    for metric in metrics:
        cells = (_format_estimate(metric, estimates.get(metric), results) for estimates in systems.values())
        table.add_row(Text(TITLES[metric]), *cells)
    return table


def _render_alone_differences(results: TextResults, title: str, metrics: Sequence[str]) -> Table:
    measured = [metric for metric in metrics if metric in results.policies]
    systems = {name: pairs for name, pairs in results.against.items() if any(metric in pairs for metric in measured)}
    table = Table(title=Text(title), title_justify="left")
    table.add_column("", overflow="fold")
    for name in systems:
        table.add_column(Text(name), justify="right", overflow="fold")
    for metric in measured:
        table.add_row(
            Text(TITLES[metric]), *(_format_difference(metric, pairs.get(metric)) for pairs in systems.values())
        )
    return table


def _format_estimate(metric: str, estimate: Estimate | None, results: TextResults) -> Text:
    if estimate is None:
        return Text(NOT_AVAILABLE if metric in results.not_available else "-", style="dim")
    value, interval = _format_value(metric, estimate.value), _format_range(metric, estimate.low, estimate.high)
    return Text(value).append("\n" + interval, style="dim")


def _format_difference(metric: str, pair: PairedDifference | None) -> Text:
    if pair is None:
        return Text("-", style="dim")
    share = "n/a" if math.isnan(pair.share_above) else f"{pair.share_above:.0%}"
    interval = _format_range(metric, pair.low, pair.high, signed=True)
    return Text(f"{_format_value(metric, pair.difference, signed=True)} {share}\n{interval}")


def _format_value(metric: str, value: float, *, signed: bool = False) -> str:
    """Three decimals; a number per 1,000 words has none."""
    if metric != DISTINCT or math.isnan(value):
        return format_number(value, signed=signed)
    return f"{value:+.0f}" if signed else f"{value:.0f}"


def _format_range(metric: str, low: float | None, high: float | None, *, signed: bool = False) -> str:
    if metric != DISTINCT or low is None or high is None or math.isnan(low) or math.isnan(high):
        return format_interval(low, high, signed=signed)
    return f"[{_format_value(metric, low, signed=signed)}, {_format_value(metric, high, signed=signed)}]"
