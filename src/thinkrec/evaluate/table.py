"""Results as tables, in the terminal (rich) and as Markdown. Both print the policy under the numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from rich.console import Group
from rich.table import Table
from rich.text import Text

from thinkrec.evaluate.metrics.bootstrap import METRICS, Estimate, PairedDifference
from thinkrec.evaluate.number_format import format_interval, format_metric_titles, format_number
from thinkrec.evaluate.results import RANKED, ModelComparison, RankingResults, ResultRow, find_best_value
from thinkrec.evaluate.verdict import build_verdict
from thinkrec.io.counts import format_count

__all__ = [
    "describe_tied_users",
    "format_interval",
    "format_metric_titles",
    "format_number",
    "format_table_notes",
    "is_best",
    "is_significant",
    "list_reference_models",
    "make_captioned_table",
    "render_markdown",
    "render_results",
]

MARKS = {"model": "", "impersonal": " †", "ceiling": " ‡", "published": " §"}
LEGEND = {
    "impersonal": "† not personal: one number per item, the same for everybody",
    "ceiling": "‡ ceiling: knows what no model can know; not ranked",
    "published": "§ published figure, not rerun here; not ranked",
}


def format_table_notes(results: RankingResults) -> list[str]:
    """The sentences that belong under a results table: what was counted, how, and what the marks mean."""
    kinds = {row.kind for row in results.rows}
    level = f"{results.level:.0%}"
    lines = [
        *results.remarks,
        f"{format_count(results.n_rows, 'row')}, {format_count(results.n_users, 'user')} ({results.n_users_uauc:,} in "
        f"UAUC, {results.n_users_ranked:,} in NDCG and MAP). Brackets: {level} interval over {results.draws:,} draws "
        f"of users with replacement, seed {results.seed}, the same draws for every row.",
    ]
    lines += [f"{format_metric_titles(results.k)[metric]}: {policy}." for metric, policy in results.policies.items()]
    lines += [line for line in [describe_tied_users({row.name: row.tied for row in results.rows})] if line]
    lines += [f"{text}." for kind, text in LEGEND.items() if kind in kinds]
    return lines


def describe_tied_users(shares: Mapping[str, float | None]) -> str:
    """One sentence on how many users have equal scores for a liked and a not liked row; empty where none is known.

    `shares`: name of a row -> see `metrics.ranking.compute_tied_share`.
    """
    known = {name: share for name, share in shares.items() if share is not None and not math.isnan(share)}
    if not known:
        return ""
    shares_text = ", ".join(f"{share:.1%} {name}" for name, share in known.items() if share)
    what = "users in UAUC with a liked and a not liked row of equal scores"
    return (
        f"Tied users ({what}): {shares_text}{'; no others' if len(known) > 1 else ''}."
        if shares_text
        else f"No {what}."
    )


def is_best(results: RankingResults, row: ResultRow, metric: str) -> bool:
    """Whether the row holds the best ranked value of a metric, to the three decimals that are printed."""
    if row.kind not in RANKED or metric not in row.estimates:
        return False
    top = find_best_value(results, metric)
    return not math.isnan(top) and format_number(row.estimates[metric].value) == format_number(top)


def render_results(results: RankingResults, *, title: str = "Results") -> Group:
    """The results table and, where there are comparisons, one table of differences per reference and the verdict.

    Print with rich.
    """
    table = make_captioned_table(title, format_table_notes(results))
    table.add_column("model", overflow="fold")
    for heading in format_metric_titles(results.k).values():
        table.add_column(heading, justify="right", no_wrap=True)
    for row in results.rows:
        cells = [_format_estimate(row.estimates.get(m), is_best(results, row, m)) for m in METRICS]
        dim = "dim" if row.kind in ("ceiling", "published") else ""
        table.add_row(Text(row.name + MARKS[row.kind], style=dim), *cells)
    verdict = build_verdict(results)
    verdict_lines = [] if verdict is None else [Text(verdict.sentence, style="bold red" if verdict.lost else "bold")]
    return Group(
        table, *(_render_difference_table(results, ref) for ref in list_reference_models(results)), *verdict_lines
    )


def make_captioned_table(title: str, notes: Sequence[str]) -> Table:
    """A table without columns yet, with its title above and one note a line below."""
    # As Text, so that brackets in names are no markup.
    return Table(title=Text(title), title_justify="left", caption=Text("\n".join(notes)), caption_justify="left")


def render_markdown(results: RankingResults) -> str:
    """The same tables as Markdown, for a README; ends with a newline."""
    heads = list(format_metric_titles(results.k).values())
    blocks = [_render_markdown_table(["model", *heads], [_format_markdown_row(results, row) for row in results.rows])]
    blocks.append("\n".join(f"- {_escape_markdown(line)}" for line in format_table_notes(results)))
    for reference in list_reference_models(results):
        lines = [
            [_escape_markdown(c.name), *(_format_difference(c.pairs[m]) for m in METRICS)]
            for c in results.comparisons
            if c.against == reference
        ]
        head = f"Difference to {_escape_markdown(reference)} on the same draws, and the share of draws above zero:"
        blocks.append(head + "\n\n" + _render_markdown_table(["model", *heads], lines))
    verdict = build_verdict(results)
    blocks += [] if verdict is None else [_escape_markdown(verdict.sentence)]
    return "\n\n".join(blocks) + "\n"


def list_reference_models(results: RankingResults) -> list[str]:
    """The models that others are compared to, in order, once each."""
    return list(dict.fromkeys(c.against for c in results.comparisons))


def _format_estimate(estimate: Estimate | None, bold: bool) -> Text:
    if estimate is None:
        return Text("-", style="dim")
    text = Text(format_number(estimate.value), style="bold" if bold else "")
    return text.append(" " + format_interval(estimate.low, estimate.high), style="not bold dim")


def _render_difference_table(results: RankingResults, reference: str) -> Table:
    title = Text(f"Difference to {reference} (same draws; share of draws above zero)")
    table = Table(title=title, title_justify="left")
    table.add_column("model", overflow="fold")
    for heading in format_metric_titles(results.k).values():
        table.add_column(heading, justify="right")
    for comparison in results.comparisons:
        if comparison.against == reference:
            table.add_row(Text(comparison.name), *_format_difference_cells(comparison))
    return table


def _format_difference_cells(comparison: ModelComparison) -> list[Text]:
    return [
        Text(_format_difference(comparison.pairs[m]), style="bold" if is_significant(comparison.pairs[m]) else "")
        for m in METRICS
    ]


def is_significant(pair: PairedDifference) -> bool:
    """Whether the interval of a difference leaves out zero."""
    return pair.low > 0 or pair.high < 0


def _format_difference(pair: PairedDifference) -> str:
    share = "n/a" if math.isnan(pair.share_above) else f"{pair.share_above:.0%}"
    return f"{format_number(pair.difference, signed=True)} {format_interval(pair.low, pair.high, signed=True)} {share}"


def _format_markdown_row(results: RankingResults, row: ResultRow) -> list[str]:
    cells = [_escape_markdown(row.name) + MARKS[row.kind]]
    for metric in METRICS:
        estimate = row.estimates.get(metric)
        if estimate is None:
            cells.append("-")
            continue
        value = format_number(estimate.value)
        value = f"**{value}**" if is_best(results, row, metric) else value
        cells.append(f"{value} {format_interval(estimate.low, estimate.high)}".strip())
    return cells


def _render_markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _escape_markdown(text: str) -> str:
    """Text that cannot break out of a Markdown table cell."""
    for mark in "\\|*_`[]<>":
        text = text.replace(mark, "\\" + mark)
    return " ".join(text.split())
