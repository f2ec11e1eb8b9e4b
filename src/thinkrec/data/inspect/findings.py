"""What is wrong with tables, and what is worth knowing about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from thinkrec.data.inspect.facts import DataFacts
from thinkrec.data.row_problems import Problem
from thinkrec.io.counts import choose_form, format_count


@dataclass(frozen=True)
class Finding:
    """One sentence about the tables, with its place and remedy where it is about rows."""

    severity: Literal["problem", "note"]
    """problem: a run would stop. note: a run goes on, and it may matter."""
    text: str
    source: str | None = None
    """The file."""
    column: str | None = None
    rows: tuple[int, ...] = ()
    """The first few: lines of the file, or rows from 1, as `numbered` says."""
    count: int = 0
    unit: str = "row"
    remedy: str = ""
    numbered: str = "row"
    """row or line."""
    settled_by: str | None = None
    """The key that leaves such rows out."""

    def to_json(self) -> dict[str, object]:
        """As plain values."""
        return {**vars(self), "rows": list(self.rows)}


def make_problem(problem: Problem) -> Finding:
    """A finding about rows or lines that cannot be used."""
    settled_by = "unknown_items: drop" if "does not have (" in problem.what else "on_error: drop"
    count = format_count(problem.count, problem.unit)
    return Finding(
        "problem",
        f"{problem.source}: {count}: {problem.what}. {problem.remedy}",
        problem.source,
        problem.column,
        problem.rows,
        problem.count,
        problem.unit,
        problem.remedy,
        problem.numbered,
        settled_by,
    )


def list_fact_notes(facts: DataFacts) -> list[Finding]:
    """What the figures say of how far a recommender can be judged, or learn, from these data."""
    notes = []
    cold = facts.cold_test["either"]
    if cold is not None and cold > 0.3:
        notes.append(
            f"{cold:.0%} of the test rows have a user or an item without a train row: what is learned of users and "
            "items helps little there. Another split, or min_user_rows and min_item_rows, makes fewer of them."
        )
    rates = [facts.like_rates[name] for name in facts.split_rows]
    known = [rate for rate in rates if rate is not None]
    if known and max(known) - min(known) > 0.15:
        shown = ", ".join(f"{name} {rate:.0%}" for name, rate in zip(facts.split_rows, rates, strict=True) if rate)
        notes.append(f"the like rate differs much between splits ({shown}): scores will be off in the later ones.")
    if facts.one_sided_test_users is not None and facts.one_sided_test_users > 0.5:
        notes.append(
            f"{facts.one_sided_test_users:.0%} of the test's users have likes or dislikes alone there: metrics per "
            "user (UAUC) count the others only."
        )
    if facts.rows_per_user[1] < 5:
        notes.append(
            f"half of the users have {facts.rows_per_user[1]:g} "
            f"{choose_form(int(facts.rows_per_user[1]), 'row', 'rows')} or fewer: there is little to learn about a "
            "person."
        )
    if facts.with_keywords == 0:
        notes.append(f"no item has keywords, so that reasons can name none{_describe_keyword_source(facts)}.")
    elif facts.with_keywords < 0.5:
        notes.append(f"{facts.with_keywords:.0%} of the items have keywords; reasons name no others.")
    if facts.repeated_titles:
        notes.append(
            f"{format_count(facts.repeated_titles, 'item has', 'items have')} a title that another item has too: in a "
            "prompt they are told "
            "apart by keywords alone."
        )
    return [Finding("note", note) for note in notes]


def _describe_keyword_source(facts: DataFacts) -> str:
    """How to find keywords in the items' texts, if they have any."""
    if not facts.text_columns:
        return "; there are no texts to find any in"
    return f"; `thinkrec keywords ITEMS --columns {','.join(facts.text_columns[:3])}` finds some in texts"
