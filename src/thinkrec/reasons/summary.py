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
    """Outcome counts and cost of a synthesis.

    Counts of rows add up to `rows`; tokens, cost and seconds are those of all attempts on these rows, over all starts,
    as the store holds them.
    """

    teacher: str
    policy: str
    rows: int
    accepted: int
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
        """Share of hinted reasons among the rows in the table."""
        return self.hinted / self.accepted if self.accepted else None

    @property
    def mean_attempts(self) -> float | None:
        """Answers per row that has any."""
        rows = sum(count for number, count in self.attempts.items() if number != "0")
        return sum(int(number) * count for number, count in self.attempts.items()) / rows if rows else None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, shares included; `accepted` under its name in the report's file, `kept`."""
        shares = {name: getattr(self, name) for name in ("first_accuracy", "mean_attempts", "share_hinted")}
        counts = {"kept" if name == "accepted" else name: value for name, value in asdict(self).items()}
        return {**counts, **shares}


def summarise_outcomes(
    synthesis: Synthesis,
    cases: Sequence[RowState],
    config: SynthesisConfig,
    *,
    seconds: float,
    stopped: str | None = None,
) -> SynthesisSummary:
    """Count the outcomes of all rows, and what the attempts on them cost."""
    refused = find_rejection_causes(cases, config)
    outcomes = Counter(case.outcome for case in cases)
    accepted = [case for case in cases if refused.get(case.row, "") is None]
    # Of these rows, this teacher and this policy: a store may hold others too, and rows may have moved since.
    names = {synthesis.get_ids(case.row) for case in cases}
    asked_as = (synthesis.teacher, config.policy)
    attempts = [
        a for a in synthesis.store.attempts if (a.user_id, a.item_id) in names and (a.teacher, a.policy) == asked_as
    ]
    usage = sum((attempt.usage for attempt in attempts), NOTHING)
    firsts = [case for case in cases if case.answers]
    summary = SynthesisSummary(
        teacher=synthesis.teacher,
        policy=config.policy,
        rows=len(cases),
        accepted=len(accepted),
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
        hinted=sum(case.answers[-1].hinted for case in accepted),
        requests=usage.requests,
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        cost=usage.cost,
        teacher_seconds=round(sum(attempt.seconds for attempt in attempts), 3),
        seconds=round(seconds, 3),
        stopped=stopped,
    )
    assert count_accounted_rows(summary) == summary.rows, "every row has exactly one outcome"
    return summary


def count_accounted_rows(summary: SynthesisSummary) -> int:
    """Rows that have an outcome in the summary; equals `rows`."""
    single_counts = (summary.accepted, summary.wrong, summary.unreadable, summary.unfinished, summary.not_asked)
    return sum(single_counts) + sum(
        sum(counts.values()) for counts in (summary.left_out, summary.refused, summary.failed)
    )


def format_summary_lines(summary: SynthesisSummary) -> list[tuple[str, str]]:
    """The report in words: (what, how much)."""

    def share(n: int, whole: int) -> str:
        return f"{n:,} of {whole:,}" + (f" ({n / whole:.1%})" if whole else "")

    mean = summary.mean_attempts
    rows_by_answers = "; ".join(f"{number}: {count:,}" for number, count in summary.attempts.items())
    out = [
        ("teacher", summary.teacher),
        ("reasons in the table", share(summary.accepted, summary.rows)),
        *((f"left out: {why}", f"{count:,}") for why, count in summary.left_out.items()),
        ("wrong to the end", f"{summary.wrong:,}"),
        ("no verdict to the end", f"{summary.unreadable:,}"),
        *((f"refused: {why}", f"{count:,}") for why, count in summary.refused.items()),
        *_format_failure_lines(summary.failed),
        ("unfinished", f"{summary.unfinished:,}"),
        ("not asked", f"{summary.not_asked:,}"),
        ("right at first attempt", share(summary.first_right, summary.first_answers)),
        (
            "answers per row",
            f"{mean:.2f} (rows by number of answers: {rows_by_answers})" if mean is not None else "none",
        ),
        ("hinted", share(summary.hinted, summary.accepted)),
        ("requests", f"{summary.requests:,}"),
        ("tokens", f"{summary.prompt_tokens:,} prompt + {summary.completion_tokens:,} answer"),
        ("cost", f"{summary.cost:,.4f}"),
        ("time", f"{summary.seconds:,.1f} s on the clock, {summary.teacher_seconds:,.1f} s of the teacher"),
    ]
    return out + ([("stopped", summary.stopped)] if summary.stopped else [])


def _format_failure_lines(failed: dict[str, int]) -> list[tuple[str, str]]:
    """The commonest reasons, and how many rows the rest makes: some endpoints give every failure words of its own."""
    counts = sorted(failed.items(), key=lambda entry: -entry[1])
    rest = sum(count for _, count in counts[SHOWN:])
    lines = [(f"failed: {why}", f"{count:,}") for why, count in counts[:SHOWN]]
    if rest:
        lines.append((f"failed: {len(counts) - SHOWN:,} further reasons (see the report)", f"{rest:,}"))
    return lines
