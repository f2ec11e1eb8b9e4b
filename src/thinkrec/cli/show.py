"""What commands print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from thinkrec.evaluate.report.data import ExplainedRecommendation
from thinkrec.evaluate.table import make_captioned_table
from thinkrec.io.counts import format_count
from thinkrec.io.processes import is_main
from thinkrec.score.answers import Explanation, HistoryItem, Ranked, Recommendation
from thinkrec.score.composition import ScoreParts

WIDE = 130
"""Columns where nobody looks: a file or a pipe should not get tables cut at 80."""

PART_HEADINGS = ("base", "item", "user", "personal")
"""What a composed score is the sum of, see `score.composition.ScoreParts`."""


NEW = " (new)"
"""Behind the title of an item that came after the training."""


def make_console() -> Console:
    """Standard output; of several processes only the main one's shows anything."""
    console = Console(highlight=False, quiet=not is_main())
    return console if console.is_terminal else Console(highlight=False, width=WIDE, quiet=console.quiet)


def list_part_values(parts: ScoreParts) -> tuple[float, ...]:
    """The values of PART_HEADINGS."""
    return parts.base, parts.item, parts.user, parts.personal


def print_verdict(sentence: str | None) -> None:
    """Print what a run's table says against its model, if anything."""
    if sentence is not None:
        make_console().print(Text(sentence, style="bold red"))


def render_ranking(ranked: Sequence[Ranked | Recommendation], title: str) -> Table:
    """A table of ranked items, with reasons where they were written; items that training did not know say so."""
    table = Table(title=Text(title), title_justify="left")
    for heading in ("", "id", "title"):
        table.add_column(heading, overflow="fold")
    has_parts = any(entry.parts is not None for entry in ranked)
    for heading in ("probability", "score", *(PART_HEADINGS if has_parts else ())):
        table.add_column(heading, justify="right")
    for place, entry in enumerate(ranked, 1):
        parts = () if entry.parts is None else list_part_values(entry.parts)
        numbers = (f"{entry.probability:.1%}", f"{entry.score:+.2f}", *(f"{value:+.2f}" for value in parts))
        cells = (str(place), str(entry.item), entry.title + (NEW if entry.is_new else ""), *numbers)
        table.add_row(*map(Text, cells))
        if entry.reason is not None:
            table.add_row("", "", Text(entry.reason, style="italic").append(_format_writer(entry.writer), style="dim"))
            table.add_section()
    return table


def render_explanation(answer: Explanation, user: str) -> Text:
    """One answer, its past, its gate and its reason."""
    score = f", score {answer.score:+.2f}"
    if answer.parts is not None:
        named = zip(PART_HEADINGS, list_part_values(answer.parts), strict=True)
        score += " = " + ", ".join(f"{name} {value:+.2f}" for name, value in named)
    return _render_case(
        user,
        answer.title + (NEW if answer.is_new else ""),
        answer.probability,
        score,
        answer.history,
        answer.gate,
        answer.reason,
        answer.writer,
    )


def render_generator(summary: Mapping[str, Any]) -> Text:
    """How many users and candidates, what proposed these and what of later likes it finds, and new items if any."""
    lines = (
        [f"{format_count(summary['rows'], 'row')} of {format_count(summary['users'], 'user')}: {summary['out']}"]
        if "out" in summary
        else []
    )
    results = [r for r in summary["recall"].get("results", []) if r["candidates"] <= summary["candidates"]]
    largest = max((r["candidates"] for r in results), default=0)
    if results and all(r["random"] >= 1 for r in results if r["candidates"] == largest):
        # A catalogue of no more items than candidates: there was nothing to choose, and so nothing to be found again.
        lines.append("ranked: every item that the user has not met")
        results = []
    else:
        by = ", ".join(summary["sources"]) or "all"
        lines.append(f"ranked: {format_count(summary['candidates'], 'candidate')} per user, by {by}")
    lines += [
        f"the sources' recall@{largest} of {r['split']} likes: {r['recall']:.3f} [{r['low']:.3f}, {r['high']:.3f}], "
        f"at random {r['random']:.3f} ({format_count(r['users'], 'user')})"
        for r in results
        if r["candidates"] == largest
    ]
    if summary["new_items"]:
        lines.append(
            f"{format_count(summary['new_items'], 'item of the catalogue is', 'items of the catalogue are')} new: "
            "known by title and keywords alone"
        )
    return Text("\n".join(lines), style="dim")


def render_line_effects(answer: Explanation) -> Table:
    """What each history line does to the score of an answer whose effects were measured, oldest first."""
    note = "Effect: the score less the score without the line."
    table = make_captioned_table("What each line does to the score", [note])
    table.add_column("line", overflow="fold")
    table.add_column("liked?")
    table.add_column("effect", justify="right")
    for past, effect in zip(answer.history, answer.effects or (), strict=True):
        table.add_row(Text(past.title), "yes" if past.liked else "no", f"{effect:+.3f}")
    return table


def render_explained_row(case: ExplainedRecommendation) -> Text:
    """The same for a test row, with what the user really said."""
    truth = "" if case.liked is None else f"; in fact {'liked' if case.liked else 'not liked'}"
    return _render_case(
        case.user, case.target, case.probability, truth, case.history, case.gate, case.reason, case.writer
    )


def _render_case(
    user: str,
    title: str,
    probability: float,
    more: str,
    history: Sequence[HistoryItem],
    gate: Sequence[tuple[str, float]],
    reason: str,
    writer: str,
) -> Text:
    text = Text()
    text.append(title, style="bold").append(f" for {user}: probability of a like {probability:.0%}{more}\n")
    for past in history:
        mark, style = ("+", "green") if past.liked else ("-", "red")
        text.append(f"  {mark} ", style=f"bold {style}").append(past.title).append("\n")
    text.append("  (+ liked, - not liked; oldest first)\n" if history else "  (no history)\n", style="dim")
    weights = ", ".join(f"{name} {weight:.2f}" for name, weight in gate if weight > 0)
    text.append(f"  adapters: {weights}\n", style="dim")
    return text.append(f"  {reason}", style="italic").append(f"{_format_writer(writer)}\n", style="dim")


def _format_writer(writer: str | None) -> str:
    """Who wrote a reason, where it was not the model."""
    return "" if writer in (None, "model") else " (reason by rules)"


def build_fact_table(title: str, lines: Sequence[tuple[str, str]]) -> Table:
    """A table of two columns, what and how much, without a heading."""
    table = Table(title=Text(title), title_justify="left", show_header=False)
    table.add_column("what")
    table.add_column("how much", overflow="fold")
    for what, much in lines:
        table.add_row(Text(what), Text(much))
    return table


def name_run(folder: Path) -> str:
    """What commands call a run: its name, where it lies under runs/ and nothing else is called so, else its folder."""
    if folder.parts[:1] == ("runs",) and len(folder.parts) > 1:
        return folder.relative_to("runs").as_posix()
    return str(folder)
