"""Results as tables, in the terminal (rich) and as Markdown. Both print the policy under the numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from rich.console import Group
from rich.table import Table
from rich.text import Text

from thinkrec.evaluate.metrics.bootstrap import METRICS, Estimate, Pair
from thinkrec.evaluate.number_format import number, span, titles
from thinkrec.evaluate.results import RANKED, Comparison, Results, Row, best
from thinkrec.evaluate.verdict import give_verdict

__all__ = [
    "is_best",
    "is_clear",
    "markdown",
    "notes",
    "number",
    "references",
    "span",
    "terminal",
    "tied_note",
    "titles",
]

MARKS = {"model": "", "impersonal": " †", "ceiling": " ‡", "published": " §"}
LEGEND = {
    "impersonal": "† not personal: one number per item, the same for everybody",
    "ceiling": "‡ ceiling: knows what no model can know; not ranked",
    "published": "§ published figure, not rerun here; not ranked",
}


def notes(results: Results) -> list[str]:
    """The sentences that belong under a results table: what was counted, how, and what the marks mean."""
    kinds = {row.kind for row in results.rows}
    level = f"{results.level:.0%}"
    lines = [
        *results.remarks,
        f"{results.n_rows:,} rows, {results.n_users:,} users ({results.n_users_uauc:,} in UAUC, "
        f"{results.n_users_ranked:,} in NDCG and MAP). Brackets: {level} interval over {results.draws:,} draws "
        f"of users with replacement, seed {results.seed}, the same draws for every row.",
    ]
    lines += [f"{titles(results.k)[metric]}: {policy}." for metric, policy in results.policies.items()]
    lines += [line for line in [tied_note({row.name: row.tied for row in results.rows})] if line]
    lines += [f"{text}." for kind, text in LEGEND.items() if kind in kinds]
    return lines


def tied_note(shares: Mapping[str, float | None]) -> str:
    """One sentence on how many users have equal scores for a liked and a not liked row; empty where none is known.

    `shares`: name of a row -> see `ranking.tied_share`.
    """
    known = {name: share for name, share in shares.items() if share is not None and not math.isnan(share)}
    if not known:
        return ""
    found = ", ".join(f"{share:.1%} {name}" for name, share in known.items() if share)
    what = "users in UAUC with a liked and a not liked row of equal scores"
    return f"Tied users ({what}): {found}{'; no others' if len(known) > 1 else ''}." if found else f"No {what}."


def is_best(results: Results, row: Row, metric: str) -> bool:
    """Whether the row holds the best ranked value of a metric, to the three decimals that are printed."""
    if row.kind not in RANKED or metric not in row.estimates:
        return False
    top = best(results, metric)
    return not math.isnan(top) and number(row.estimates[metric].value) == number(top)


def terminal(results: Results, *, title: str = "Results") -> Group:
    """The results table and, where there are comparisons, one table of differences per reference and the verdict.

    Print with rich.
    """
    # As Text, so that brackets in names are no markup.
    table = Table(title=Text(title), title_justify="left", caption=Text("\n".join(notes(results))),
                  caption_justify="left")  # fmt: skip
    table.add_column("model", overflow="fold")
    for heading in titles(results.k).values():
        table.add_column(heading, justify="right", no_wrap=True)
    for row in results.rows:
        cells = [_estimate_text(row.estimates.get(m), is_best(results, row, m)) for m in METRICS]
        dim = "dim" if row.kind in ("ceiling", "published") else ""
        table.add_row(Text(row.name + MARKS[row.kind], style=dim), *cells)
    verdict = give_verdict(results)
    said = [] if verdict is None else [Text(verdict.sentence, style="bold red" if verdict.lost else "bold")]
    return Group(table, *(_difference_table(results, ref) for ref in references(results)), *said)


def markdown(results: Results) -> str:
    """The same tables as Markdown, for a README; ends with a newline."""
    heads = list(titles(results.k).values())
    blocks = [_grid(["model", *heads], [_markdown_row(results, row) for row in results.rows])]
    blocks.append("\n".join(f"- {_cell(line)}" for line in notes(results)))
    for reference in references(results):
        lines = [
            [_cell(c.name), *(_pair_words(c.pairs[m]) for m in METRICS)]
            for c in results.comparisons
            if c.against == reference
        ]
        head = f"Difference to {_cell(reference)} on the same draws, and the share of draws above zero:"
        blocks.append(head + "\n\n" + _grid(["model", *heads], lines))
    verdict = give_verdict(results)
    blocks += [] if verdict is None else [_cell(verdict.sentence)]
    return "\n\n".join(blocks) + "\n"


def references(results: Results) -> list[str]:
    """The models that others are compared to, in order, once each."""
    return list(dict.fromkeys(c.against for c in results.comparisons))


def _estimate_text(estimate: Estimate | None, bold: bool) -> Text:
    if estimate is None:
        return Text("-", style="dim")
    text = Text(number(estimate.value), style="bold" if bold else "")
    return text.append(" " + span(estimate.low, estimate.high), style="not bold dim")


def _difference_table(results: Results, reference: str) -> Table:
    title = Text(f"Difference to {reference} (same draws; share of draws above zero)")
    table = Table(title=title, title_justify="left")
    table.add_column("model", overflow="fold")
    for heading in titles(results.k).values():
        table.add_column(heading, justify="right")
    for comparison in results.comparisons:
        if comparison.against == reference:
            table.add_row(Text(comparison.name), *_pair_cells(comparison))
    return table


def _pair_cells(comparison: Comparison) -> list[Text]:
    return [
        Text(_pair_words(comparison.pairs[m]), style="bold" if is_clear(comparison.pairs[m]) else "") for m in METRICS
    ]


def is_clear(pair: Pair) -> bool:
    """Whether the interval of a difference leaves out zero."""
    return pair.low > 0 or pair.high < 0


def _pair_words(pair: Pair) -> str:
    share = "n/a" if math.isnan(pair.share_above) else f"{pair.share_above:.0%}"
    return f"{number(pair.difference, signed=True)} {span(pair.low, pair.high, signed=True)} {share}"


def _markdown_row(results: Results, row: Row) -> list[str]:
    cells = [_cell(row.name) + MARKS[row.kind]]
    for metric in METRICS:
        estimate = row.estimates.get(metric)
        if estimate is None:
            cells.append("-")
            continue
        value = number(estimate.value)
        value = f"**{value}**" if is_best(results, row, metric) else value
        cells.append(f"{value} {span(estimate.low, estimate.high)}".strip())
    return cells


def _grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(text: str) -> str:
    """Text that cannot break out of a Markdown table cell."""
    for mark in "\\|*_`[]<>":
        text = text.replace(mark, "\\" + mark)
    return " ".join(text.split())
