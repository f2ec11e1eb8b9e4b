"""The report of a synthesis: it accounts for every row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from thinkrec.reasons.config import SynthesisConfig
from thinkrec.reasons.output import find_rejection_causes
from thinkrec.reasons.synthesis import RowState, Synthesis
from thinkrec.teacher.client import NOTHING

SHOWN = 8
"""Reasons of failures that are printed; the report has all."""


@dataclass(frozen=True)
class SynthesisSummary:
    """Counts of rows add up to `rows`; tokens, cost and seconds are those of all attempts on these rows, over all
    starts, as the store holds them.
    """

    teacher: str
    policy: str
    rows: int
    kept: int
    """Rows in the table."""
    left_out: dict[str, int]
    """Rows with the right verdict whose reason the cleaner refused, by why."""
    wrong: int
    """Rows whose attempts are used up, the last verdict wrong."""
    unreadable: int
    """Rows whose attempts are used up, the last answer without a verdict."""
    refused: dict[str, int]
    """Rows whose question was refused by a filter of content or by the model, by the name it gives; asked no more."""
    failed: dict[str, int]
    """Rows that got no answer in the end, by why."""
    unfinished: int
    """Rows with attempts left when the run ended."""
    not_asked: int
    """Rows that were never asked about."""
    first_answers: int
    """Rows with a first answer."""
    first_right: int
    first_unreadable: int
    attempts: dict[str, int]
    """Number of answers -> rows that have so many."""
    hinted: int
    """Rows in the table whose teacher had been told the outcome."""
    requests: int
    prompt_tokens: int
    completion_tokens: int
    cost: float
    teacher_seconds: float
    """Sum over attempts; with many requests at once it is more than passed on the clock."""
    seconds: float
    """On the clock, in this start."""
    stopped: str | None
    """Why the run ended before every row was done with."""

    @property
    def first_accuracy(self) -> float | None:
        """Right first verdicts among first answers; an unreadable one counts as wrong."""
        return self.first_right / self.first_answers if self.first_answers else None

    @property
    def share_hinted(self) -> float | None:
        """Among the rows in the table."""
        return self.hinted / self.kept if self.kept else None

    @property
    def mean_attempts(self) -> float | None:
        """Answers per row that has any."""
        rows = sum(count for number, count in self.attempts.items() if number != "0")
        return sum(int(number) * count for number, count in self.attempts.items()) / rows if rows else None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, shares included."""
        shares = {name: getattr(self, name) for name in ("first_accuracy", "mean_attempts", "share_hinted")}
        return {**asdict(self), **shares}


def summarise_outcomes(
    synthesis: Synthesis,
    cases: Sequence[RowState],
    config: SynthesisConfig,
    *,
    seconds: float,
    stopped: str | None = None,
) -> SynthesisSummary:
    """Count what became of every row."""
    refused = find_rejection_causes(cases, config)
    outcomes = Counter(case.outcome for case in cases)
    kept = [case for case in cases if refused.get(case.row, "") is None]
    # Of these rows, this teacher and this policy: a store may hold others too, and rows may have moved since.
    names = {synthesis.get_ids(case.row) for case in cases}
    asked = (synthesis.teacher, config.policy)
    mine = [a for a in synthesis.store.attempts if (a.user_id, a.item_id) in names and (a.teacher, a.policy) == asked]
    taken = sum((found.usage for found in mine), NOTHING)
    firsts = [case for case in cases if case.answers]
    summary = SynthesisSummary(
        teacher=synthesis.teacher,
        policy=config.policy,
        rows=len(cases),
        kept=len(kept),
        left_out=dict(sorted(Counter(why for why in refused.values() if why is not None).items())),
        wrong=outcomes["wrong"],
        unreadable=outcomes["unreadable"],
        refused=dict(sorted(Counter(case.failures[-1][1] for case in cases if case.outcome == "refused").items())),
        failed=dict(sorted(Counter(case.failures[-1][1] for case in cases if case.outcome == "failed").items())),
        unfinished=outcomes["unfinished"],
        not_asked=outcomes["not asked"],
        first_answers=len(firsts),
        first_right=sum(case.first_verdict == case.label for case in firsts),
        first_unreadable=sum(case.first_verdict is None for case in firsts),
        attempts={str(n): c for n, c in sorted(Counter(len(case.answers) for case in cases).items())},
        hinted=sum(case.answers[-1].hinted for case in kept),
        requests=taken.requests,
        prompt_tokens=taken.prompt_tokens,
        completion_tokens=taken.completion_tokens,
        cost=taken.cost,
        teacher_seconds=round(sum(found.seconds for found in mine), 3),
        seconds=round(seconds, 3),
        stopped=stopped,
    )
    assert count_accounted_rows(summary) == summary.rows, "every row has exactly one outcome"
    return summary


def count_accounted_rows(found: SynthesisSummary) -> int:
    """Rows that the report says something about; equals `rows`."""
    parts = (found.kept, found.wrong, found.unreadable, found.unfinished, found.not_asked)
    return sum(parts) + sum(sum(counts.values()) for counts in (found.left_out, found.refused, found.failed))


def format_summary_lines(found: SynthesisSummary) -> list[tuple[str, str]]:
    """The report in words: (what, how much)."""

    def share(part: int, whole: int) -> str:
        return f"{part:,} of {whole:,}" + (f" ({part / whole:.1%})" if whole else "")

    mean = found.mean_attempts
    told = "; ".join(f"{number}: {count:,}" for number, count in found.attempts.items())
    out = [
        ("teacher", found.teacher),
        ("reasons in the table", share(found.kept, found.rows)),
        *((f"left out: {why}", f"{count:,}") for why, count in found.left_out.items()),
        ("wrong to the end", f"{found.wrong:,}"),
        ("no verdict to the end", f"{found.unreadable:,}"),
        *((f"refused: {why}", f"{count:,}") for why, count in found.refused.items()),
        *_format_failure_lines(found.failed),
        ("unfinished", f"{found.unfinished:,}"),
        ("not asked", f"{found.not_asked:,}"),
        ("right at first attempt", share(found.first_right, found.first_answers)),
        ("answers per row", f"{mean:.2f} (rows by number of answers: {told})" if mean is not None else "none"),
        ("hinted", share(found.hinted, found.kept)),
        ("requests", f"{found.requests:,}"),
        ("tokens", f"{found.prompt_tokens:,} prompt + {found.completion_tokens:,} answer"),
        ("cost", f"{found.cost:,.4f}"),
        ("time", f"{found.seconds:,.1f} s on the clock, {found.teacher_seconds:,.1f} s of the teacher"),
    ]
    return out + ([("stopped", found.stopped)] if found.stopped else [])


def _format_failure_lines(failed: dict[str, int]) -> list[tuple[str, str]]:
    """The commonest reasons, and how many rows the rest makes: some endpoints give every failure words of its own."""
    counts = sorted(failed.items(), key=lambda entry: -entry[1])
    rest = sum(count for _, count in counts[SHOWN:])
    lines = [(f"failed: {why}", f"{count:,}") for why, count in counts[:SHOWN]]
    if rest:
        lines.append((f"failed: {len(counts) - SHOWN:,} further reasons (see the report)", f"{rest:,}"))
    return lines
