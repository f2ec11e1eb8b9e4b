"""Of several reasons for a train row the one that cites what moves the score: a table to train on, and how it went."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from thinkrec.claims.cases import build_case
from thinkrec.claims.citations import Catalogue
from thinkrec.data.query import Query
from thinkrec.evaluate.faithfulness.agreement import compute_agreement
from thinkrec.evaluate.faithfulness.cited_lines import CitedLines, read_cited_lines
from thinkrec.evaluate.faithfulness.measures import compare_with_uncited
from thinkrec.reasons.candidates import Candidate, read_candidates
from thinkrec.reasons.choose import hash_rows
from thinkrec.run import saved_model
from thinkrec.run.effect_cache import open_effect_cache
from thinkrec.score.line_effects import LineEffects

SAME = 1e-9
"""Agreements that differ by no more are ties: most often the same lines in other words."""


@dataclass(frozen=True)
class CitedShare:
    """What some reasons cite."""

    reasons: int
    agreement: float | None
    """Mean of `compute_agreement`, over those that have one; None where none has."""
    erase_win: float | None
    """As in `evaluate faithfulness`; None without pairs."""
    cited: float
    """History lines cited per reason."""


@dataclass(frozen=True)
class ChoiceSummary:
    """How a choice went, in counts of rows unless said otherwise."""

    rows: int
    """For which a reason was chosen."""
    rows_without: int
    """Named by a table, and left without a candidate."""
    single: int
    """With one candidate, which is taken."""
    ties: int
    """With several candidates, of which several are best alike; one of them is drawn."""
    unjudged: int
    """With several candidates, none of which can be judged: they cite nothing or everything, or no line moves the
    score; one is drawn."""
    at_random: bool
    """Whether all were drawn, whatever they cite."""
    chosen: CitedShare
    all: CitedShare
    """Of all candidates."""
    tables: dict[str, CitedShare]
    """Table -> of its candidates."""
    taken: dict[str, int]
    """Table -> how many of its candidates were chosen."""
    left_out: dict[str, dict[str, int]]
    """Table -> why reasons of it are no candidates, with counts."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a JSON file."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class _Judged:
    """A candidate with what it cites."""

    candidate: Candidate
    agreement: float
    wins: float
    pairs: int
    cited: int


def choose_reasons(
    tables: Mapping[str, Path],
    folder: Path,
    *,
    model: str | None = None,
    at_random: bool = False,
    seed: int = 0,
    cache: Path | None = None,
    progress: bool = True,
) -> tuple[pl.DataFrame, ChoiceSummary]:
    """Choose one reason per train row, by what the lines that it cites do to a run's score of the row.

    Args:
        tables: name -> table of candidates, see `read_candidates`.
        folder: the run's. Best one that was not trained on reasons for these rows.
        model: the row of the run's table whose score is asked (`choose_table_row`); by default the run's own model.
        at_random: draw one of a row's candidates instead, for comparison; it is judged all the same.
        seed: of these draws and of those among ties.
        cache: folder for the measured effects, which further calls then use; None keeps nothing.
        progress: whether bars are drawn.

    Returns:
        The table to train on (order, user_id, item_id, label, reason, candidate, agreement, n_candidates), in row
        order, and how it went. `candidate`: the table that the reason is from.

    Raises:
        DataError: as `read_candidates`, and for a row of the table that the run does not have.
        CheckpointError: where the model is not trained.
    """
    run = saved_model.open_run(folder, progress=progress)
    candidates = read_candidates(run.ds, tables)
    rows = np.array(list(candidates.by_row), dtype=np.int64)
    effects = open_effect_cache(run, model, cache, flip=False, progress=progress).measure_effects(rows)
    catalogue = Catalogue(run.ds.items.titles)
    judged = [
        _evaluate_candidates(
            Query.from_row(run.ds, int(row)), run.ds.items, measured, candidates.by_row[int(row)], catalogue
        )
        for row, measured in zip(rows, effects, strict=True)
    ]
    draws = [int(number) for number in hash_rows(run.ds, rows, seed)]
    chosen, outcomes = zip(
        *(_choose_candidate(entries, draw, at_random) for entries, draw in zip(judged, draws, strict=True)), strict=True
    )
    agreements = pl.Series("agreement", [entry.agreement for entry in chosen], dtype=pl.Float64).fill_nan(None)
    table = run.ds.to_frame(rows).select(
        "order",
        "user_id",
        "item_id",
        "label",
        pl.Series("reason", [entry.candidate.reason for entry in chosen], dtype=pl.String),
        pl.Series("candidate", [entry.candidate.table for entry in chosen], dtype=pl.String),
        agreements,
        pl.Series("n_candidates", [len(entries) for entries in judged], dtype=pl.Int64),
    )
    everything = [entry for entries in judged for entry in entries]
    return table, ChoiceSummary(
        rows=len(rows),
        rows_without=candidates.rows_without,
        single=sum(len(entries) == 1 for entries in judged),
        ties=outcomes.count("tie"),
        unjudged=outcomes.count("unjudged"),
        at_random=at_random,
        chosen=_summarise_cited(chosen),
        all=_summarise_cited(everything),
        tables={name: _summarise_cited([e for e in everything if e.candidate.table == name]) for name in tables},
        taken={name: sum(entry.candidate.table == name for entry in chosen) for name in tables},
        left_out={name: dict(counts) for name, counts in candidates.left_out.items()},
    )


def _evaluate_candidates(
    query: Query, items: Any, effects: LineEffects, candidates: Sequence[Candidate], catalogue: Catalogue
) -> list[_Judged]:
    case = build_case(items, query.items[effects.places], effects.labels, int(query.candidates[0]), None)
    return [_evaluate_lines(one, effects, read_cited_lines(one.reason, case, catalogue)) for one in candidates]


def _evaluate_lines(candidate: Candidate, effects: LineEffects, lines: CitedLines) -> _Judged:
    pairs = compare_with_uncited(effects.erase, effects.labels, lines.directions)
    agreement = compute_agreement(effects, lines)
    return _Judged(candidate, agreement, pairs.wins, pairs.pairs, int(lines.is_cited.sum()))


def _choose_candidate(entries: Sequence[_Judged], draw: int, at_random: bool) -> tuple[_Judged, str]:
    """The candidate to take, and how that was settled: single, best, tie, or unjudged.

    `draw`: a number by which one of several is drawn, the same for the same row and seed.
    """
    known = [entry for entry in entries if not math.isnan(entry.agreement)]
    best = max((entry.agreement for entry in known), default=math.nan)
    leading = [entry for entry in known if entry.agreement >= best - SAME] or list(entries)
    if len(entries) == 1:
        outcome = "single"
    elif not known:
        outcome = "unjudged"
    else:
        outcome = "tie" if len(leading) > 1 else "best"
    pool = entries if at_random else leading
    return pool[draw % len(pool)], outcome


def _summarise_cited(entries: Sequence[_Judged]) -> CitedShare:
    known = [entry.agreement for entry in entries if not math.isnan(entry.agreement)]
    pairs = sum(entry.pairs for entry in entries)
    return CitedShare(
        reasons=len(entries),
        agreement=float(np.mean(known)) if known else None,
        erase_win=sum(entry.wins for entry in entries) / pairs if pairs else None,
        cited=sum(entry.cited for entry in entries) / len(entries) if entries else 0.0,
    )
