"""Thinking before the verdict as a table in the terminal."""

from __future__ import annotations

from collections.abc import Mapping

from rich.table import Table
from rich.text import Text

from thinkrec.evaluate.number_format import format_interval, format_metric_titles, format_number
from thinkrec.evaluate.table import make_captioned_table
from thinkrec.evaluate.thinking.results import ThinkingResults, ThinkingRow
from thinkrec.io.counts import format_count

SHOWN = ("auc", "uauc", "ndcg")
DIAGNOSIS = {
    "within": "standard deviation of the score over a row's own plans, root mean square over rows",
    "between": "standard deviation of the one-pass score over rows",
    "distinct": "different plans a row, of {samples}",
    "sided": "score behind a plan that names liked lines alone less that behind one with disliked lines alone, mean "
    "over rows that have both",
    "named": "lines named a plan",
    "shared": "share of named lines whose item shares a keyword with the target",
    "shared_random": "the same of random lines",
    "cause": "share of named lines whose item has all keywords of the planted cause that decided",
    "cause_random": "the same of random lines",
    "cause_rules": "the same of the rules' plan",
    "balance_auc": "AUC of what a plan alone says: liked lines it names less disliked ones, mean over a row's plans",
    "balance_auc_rules": "the same of the rules' plan",
}
"""Measure of the plans -> what it is."""


def render_thinking_table(results: ThinkingResults, systems: Mapping[str, str], *, clock: str) -> Table:
    """One line per system: metrics, differences to the reference, cost; what was found of the plans below.

    `systems`: name -> what it is. `clock`: what seconds are seconds of.
    """
    table = make_captioned_table(f"Thinking first beside {results.reference}", _list_notes(results, systems, clock))
    table.add_column("", overflow="fold")
    titles = format_metric_titles(results.k)
    for metric in SHOWN:
        table.add_column(titles[metric], justify="right")
    for heading in ("tokens written", "tokens read", "ms"):
        table.add_column(heading, justify="right")
    for name, row in results.rows.items():
        table.add_row(Text(name), *(Text(_format_metric(row, metric)) for metric in SHOWN), *_format_costs(row))
    return table


def _format_metric(row: ThinkingRow, metric: str) -> str:
    estimate = row.metrics[metric]
    text = f"{format_number(estimate.value)} {format_interval(estimate.low, estimate.high)}".strip()
    if row.differences is None:
        return text
    pair = row.differences[metric]
    change = format_number(pair.difference, signed=True)
    return f"{text}\n{change} {format_interval(pair.low, pair.high, signed=True)}".strip()


def _format_costs(row: ThinkingRow) -> list[Text]:
    seconds = "" if row.seconds is None else f"{1000 * row.seconds:.1f}"
    return [Text(f"{row.tokens_written:.0f}"), Text(f"{row.tokens_read:.0f}"), Text(seconds)]


def _list_notes(results: ThinkingResults, systems: Mapping[str, str], clock: str) -> list[str]:
    samples = max(row.samples for row in results.rows.values())
    notes = [
        f"{format_count(results.n_rows, 'row')}, {format_count(results.n_users, 'user')}. Brackets: "
        f"{results.level:.0%} interval over {results.draws:,} draws of users with replacement, seed {results.seed}; "
        f"below each value its difference to {results.reference} on the same draws. Tokens and milliseconds ({clock}) "
        "are a row's.",
    ]
    notes += [f"{format_metric_titles(results.k)[metric]}: {results.policies[metric]}." for metric in SHOWN]
    notes += [f"{name}: {systems[name]}." for name in results.rows if name in systems]
    return notes + [
        f"{format_number(results.diagnosis[name])}: {text.format(samples=samples)}."
        for name, text in DIAGNOSIS.items()
        if name in results.diagnosis
    ]
