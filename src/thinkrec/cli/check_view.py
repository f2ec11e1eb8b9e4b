"""How `thinkrec check` prints what it found: guesses, problems, figures as text charts, settings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
from rich.console import Console
from rich.table import Table
from rich.text import Text

from thinkrec.io.counts import format_count

if TYPE_CHECKING:
    from thinkrec.data.inspect.facts import DataFacts
    from thinkrec.data.inspect.inspection import Inspection
    from thinkrec.data.inspect.proposals import Proposal
    from thinkrec.data.inspect.table_guess import ReadTable
    from thinkrec.data.inspect.training_time import TrainingTime
    from thinkrec.data.keyword_rules import KeywordReport, KeywordRules

WIDTH = 130
BAR, BARS = 40, 24
"""Characters of the longest bar, and lines of a chart."""
KEYWORDS = 8
"""Keywords that are named, the most frequent first; --json names all."""


def print_inspection(inspection: Inspection, written: Path | None) -> None:
    """Print all of it, problems before figures; `written`: the recipe that was written."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=WIDTH)
    _print_tables(console, inspection)
    _print_findings(console, inspection, written)
    if inspection.ratings is not None:
        bars = [(f"{value:g}", count) for value, count in inspection.ratings.counts]
        console.print(render_chart(inspection.ratings_title, bars))
    if inspection.facts is not None:
        _print_facts(console, inspection.facts)
    _print_keywords(console, inspection)
    if inspection.proposals:
        console.print(render_proposals(inspection.proposals))
    if inspection.time is not None:
        console.print(Text(format_training_time(inspection.time)))
    if written is not None:
        console.print(Text(f"recipe: {written}\nrun it: thinkrec run {written}"), soft_wrap=True)
    elif not inspection.problems:
        console.print(Text("a run would go through", style="green"))


def _print_tables(console: Console, inspection: Inspection) -> None:
    for table in inspection.tables:
        role = _name_role(inspection, table)
        if role == "not used" and not table.error:
            line = (
                f"{table.path}: not used, {format_count(table.frame.height, 'row')} ({', '.join(table.frame.columns)})"
            )
            console.print(Text(line), soft_wrap=True)
        elif not table.error:
            console.print(render_guess(table, role))


def _print_findings(console: Console, inspection: Inspection, written: Path | None) -> None:
    for title, findings, style in (
        ("problems", inspection.problems, "red"),
        ("notes", [finding for finding in inspection.findings if finding.severity == "note"], "yellow"),
    ):
        if findings:
            console.print(Text(f"{len(findings)} {title if len(findings) > 1 else title[:-1]}", style="bold"))
        for finding in findings:
            settled = f" [settled by {finding.settled_by}]" if written and finding.settled_by else ""
            console.print(Text("  - ", style=style).append(finding.text + settled, style="default"), soft_wrap=True)


def _print_keywords(console: Console, inspection: Inspection) -> None:
    if inspection.keywords is not None and inspection.keywords.with_keywords:
        rules = None if inspection.config is None else inspection.config.keyword_rules
        console.print(render_keywords(inspection.keywords, rules))


def render_guess(table: ReadTable, role: str) -> Table:
    """The columns of one table, and why each is taken for what."""
    title = f"{table.path}: {role}, {format_count(table.frame.height, 'row')}"
    grid = Table(title=Text(title, style="bold"), title_justify="left")
    for heading in ("ours", "theirs", "because", "the first"):
        grid.add_column(heading, overflow="fold")
    for column in table.guess.columns:
        first = table.frame[column.theirs].drop_nulls()
        shown = _format_cell(first[0]) if len(first) else ""
        grid.add_row(*map(Text, (column.ours, column.theirs, column.why, shown)))
    used = {column.theirs for column in table.guess.columns} | _name_flags(table)
    rest = [name for name in table.frame.columns if name not in used]
    if rest:
        what = "kept as texts" if role == "items" else "not used"
        grid.caption = Text(f"other columns, {what}: {', '.join(rest)}")
        grid.caption_justify = "left"
    return grid


def _name_flags(table: ReadTable) -> set[str]:
    """Columns that are flags of keywords."""
    return {place if isinstance(place, str) else table.frame.columns[place - 1] for place in table.form.flags.values()}


def render_chart(title: str, counts: Sequence[tuple[str, int]]) -> Table:
    """Bars of text, one a line; of many only the last ones."""
    grid = Table(title=Text(title, style="bold"), title_justify="left", show_header=False, box=None, padding=(0, 1))
    grid.add_column(justify="right")
    grid.add_column()
    grid.add_column(justify="right")
    most = max((count for _, count in counts), default=1)
    if len(counts) > BARS:
        before = sum(count for _, count in counts[:-BARS])
        grid.add_row("before", "", f"{before:,}")
    for name, count in counts[-BARS:]:
        grid.add_row(Text(name), "█" * max(round(BAR * count / most), 1), f"{count:,}")
    return grid


def render_proposals(proposals: Sequence[Proposal]) -> Table:
    """The settings that were chosen, and why."""
    grid = Table(title=Text("settings", style="bold"), title_justify="left")
    for heading in ("key of data", "value", "because"):
        grid.add_column(heading, overflow="fold")
    for proposal in proposals:
        value = proposal.value
        if isinstance(value, dict):
            value = ", ".join(f"{key}: {entry}" for key, entry in value.items())
        grid.add_row(*map(Text, (proposal.key, str(value), proposal.why)))
    return grid


def render_keywords(report: KeywordReport, rules: KeywordRules | None) -> Table:
    """How many items share keywords, and which keywords the rules join and drop.

    Without `rules`: what they would do at their defaults.
    """
    from thinkrec.data.keyword_rules import KeywordRules

    verb, applied = ("", rules) if rules is not None else ("would be ", KeywordRules())
    grid = Table(title=Text("keywords", style="bold"), title_justify="left", show_header=False)
    grid.add_column(overflow="fold")
    grid.add_column(justify="right")
    grid.add_column(overflow="fold")
    joined = tuple((f"{word} (also {', '.join(others)})", len(others)) for word, others in report.joined)
    grid.add_row("items with keywords", f"{report.with_keywords:,}", f"of {report.n_items:,}")
    for name, (before, after) in (
        ("distinct keywords", report.distinct),
        ("items that share one with another", report.sharing),
    ):
        grid.add_row(name, f"{before:,}", f"{after:,} with `keyword_rules`")
    for name, words in (
        (f"{verb}joined by case", joined),
        (f"{verb}dropped: on more than {applied.max_share:.0%} of the items", report.frequent),
        (f"{verb}dropped: on {_name_rare(applied.min_items)}", report.rare),
    ):
        if words:
            more = f" and {len(words) - KEYWORDS:,} more" if len(words) > KEYWORDS else ""
            shown = ", ".join(f"{word} {count:,}" for word, count in words[:KEYWORDS])
            grid.add_row(Text(name), f"{len(words):,}", Text(shown + more))
    if report.emptied:
        grid.add_row(f"items {verb}left without any", f"{report.emptied:,}", "")
    if rules is None and report.changes_something:
        grid.caption = Text("nothing is joined or dropped: `keyword_rules: {}` of `data` does it")
        grid.caption_justify = "left"
    return grid


def _name_rare(min_items: int) -> str:
    return "one item alone" if min_items == 2 else f"fewer than {min_items} items"


def format_training_time(time: TrainingTime) -> str:
    """A rough figure with its source."""
    from thinkrec.data.inspect.training_time import SOURCE, format_seconds

    times = ", ".join(f"{format_seconds(seconds)} with {name}" for name, seconds in time.seconds.items())
    return (
        f"training as in the recipe demo reads about {time.tokens:,} tokens: roughly {times} (measured speeds, "
        f"{SOURCE}; baselines, scoring and reasons come on top; `thinkrec doctor` looks at this machine)"
    )


def _name_role(inspection: Inspection, table: ReadTable) -> str:
    if table is inspection.interactions:
        return "interactions"
    return "items" if table is inspection.items else "not used"


def _print_facts(console: Console, facts: DataFacts) -> None:
    low, middle, high = facts.rows_per_user
    least, median, most = facts.rows_per_item
    lines = [
        f"{format_count(facts.rows, 'row')} of {format_count(facts.users, 'user')}; "
        f"{format_count(facts.items, 'item')}, {facts.items_with_rows:,} with rows",
        f"density {facts.density:.3%}; rows per user {low} to {high:,}, median {middle:g}; per item {least} to "
        f"{most:,}, median {median:g}; repeated pairs {facts.repeated_pairs:,}",
        f"keywords: {facts.with_keywords:.0%} of the items have some; {facts.shared_keywords:.0%} of the keywords "
        "stand on two items or more, whatever their case",
    ]
    console.print(Text("\n".join(lines)))
    console.print(render_chart("users by rows", facts.activity))
    if facts.years:
        console.print(render_chart("rows in time", facts.years))
    grid = Table(title=Text("splits", style="bold"), title_justify="left")
    for heading in ("split", "rows", "like rate"):
        grid.add_column(heading, justify="right" if heading != "split" else "left")
    for name, rows in facts.split_rows.items():
        rate = facts.like_rates[name]
        grid.add_row(name, f"{rows:,}", "undefined" if rate is None else f"{rate:.1%}")
    cold = facts.cold_test
    if cold["either"] is not None:
        grid.caption = Text(
            f"test rows without a train row of their user {cold['user']:.1%}, item {cold['item']:.1%}, either "
            f"{cold['either']:.1%}"
        )
        grid.caption_justify = "left"
    console.print(grid)


def _format_cell(value: object) -> str:
    """A value of a table in at most 40 characters."""
    return (", ".join(map(str, value)) if isinstance(value, pl.Series) else str(value))[:40]
