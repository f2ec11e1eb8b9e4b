"""Whether reasons are true of a run's scores: measured effects of the lines they cite, beside baselines."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from thinkrec.claims.cases import build_case
from thinkrec.claims.citations import Catalogue
from thinkrec.claims.grounding import GroundingCase
from thinkrec.data.columns import reject_rows, require_columns
from thinkrec.data.query import Query
from thinkrec.data.tables import read_table
from thinkrec.errors import DataError
from thinkrec.evaluate.faithfulness.baselines import cite_largest_effect, cite_most_recent, cite_same_places
from thinkrec.evaluate.faithfulness.cited_lines import CitedLines, assign_label_directions, read_cited_lines
from thinkrec.evaluate.faithfulness.results import FaithfulnessResults, SystemCitations, evaluate_faithfulness
from thinkrec.evaluate.metrics.checks import encode_users
from thinkrec.evaluate.metrics.permutation import draw_permutation_baseline
from thinkrec.reasons.named_rows import read_named_rows
from thinkrec.run import saved_model
from thinkrec.run.effect_cache import EffectCache, open_effect_cache
from thinkrec.run.pipeline import Run
from thinkrec.score.deciding_lines import compute_strengths, select_deciding_lines
from thinkrec.score.line_effects import LineEffects
from thinkrec.teacher.rule_reasons import argue_past

REASON, OTHER, RULES, RULES_DECIDING = "reasons", "other row", "rules", "rules, deciding"
RECENT, ORACLE, PLANTED = "most recent", "oracle", "planted"
"""Systems of the table, in its order."""
SYSTEMS = {
    REASON: "what the reasons of the table cite",
    OTHER: "the lines at the places that the reason of another row cites, with the sides of their own labels",
    RULES: "the reason of the rule-based teacher for the score's verdict",
    RULES_DECIDING: "the same under the policy deciding: of the history it cites only what moved the score",
    RECENT: "the last line",
    ORACLE: "the line of the largest effect, with the side of that effect",
    PLANTED: "the lines whose items have all keywords of the planted cause that decided",
}
"""System -> what it is."""


@dataclass(frozen=True, eq=False)
class _JudgedRows:
    """The rows of a table of reasons, with what was measured of them."""

    run: Run
    rows: np.ndarray
    texts: list[str]
    queries: list[Query]
    effects: list[LineEffects]
    cases: list[GroundingCase]


def measure_reason_faithfulness(
    reasons: Mapping[str, Path],
    folder: Path,
    *,
    model: str | None = None,
    n_rows: int | None = None,
    seed: int = 0,
    draws: int | None = None,
    cache: Path | None = None,
    progress: bool = True,
) -> dict[str, FaithfulnessResults]:
    """Judge tables (order, reason) by what measurably moves the scores of a run.

    Args:
        reasons: name -> table.
        folder: the run's.
        model: the row of the run's table whose score is asked (`choose_table_row`); by default the run's own model.
        n_rows: judge so many rows of each table, drawn by `seed`; by default all.
        seed: of that draw, of the baseline of another row, and of the draws of users.
        draws: of users; by default as the run's recipe says.
        cache: folder for the measured effects, which further tables and calls then use; None keeps nothing.
        progress: whether bars are drawn.

    Raises:
        DataError: for a table without the columns, with empty reasons, rows that the run does not have, or fewer than
            two rows.
        CheckpointError: where the model is not trained.
    """
    run = saved_model.open_run(folder, progress=progress)
    measured = open_effect_cache(run, model, cache, progress=progress)
    results = {}
    for name, path in reasons.items():
        rows, texts = _read_reasons(path, run, n_rows, seed)
        effects = measured.measure_effects(rows)
        queries = [Query.from_row(run.ds, int(row)) for row in rows]
        cases = [
            build_case(
                run.ds.items,
                query.items[row.places],
                row.labels,
                int(query.candidates[0]),
                row.score > 0,
            )
            for query, row in zip(queries, effects, strict=True)
        ]
        judged = _JudgedRows(run, rows, texts, queries, effects, cases)
        results[name] = _evaluate_rows(judged, measured, seed, draws)
    return results


def _read_reasons(path: Path, run: Run, n_rows: int | None, seed: int) -> tuple[np.ndarray, list[str]]:
    """Row numbers and texts of a table, of `n_rows` of them drawn by seed."""
    table, name = read_table(path), str(path)
    require_columns(table, ("order", "reason"), name)
    texts = table["reason"].cast(pl.String, strict=False)
    reject_rows(table["reason"], texts.is_null(), name, "has rows without a reason", "Leave such rows out.")
    rows = read_named_rows(path, None, run.ds)
    chosen = np.arange(len(rows))
    if n_rows is not None and n_rows < len(rows):
        chosen = np.sort(np.random.default_rng(seed).permutation(len(rows))[:n_rows])
    if len(chosen) < 2:
        raise DataError(f"{name}: {len(chosen)} reasons; at least two are needed to compare with that of another row")
    return rows[chosen], texts[chosen].to_list()


def _evaluate_rows(judged: _JudgedRows, measured: EffectCache, seed: int, draws: int | None) -> FaithfulnessResults:
    config, table = judged.run.recipe.evaluation, judged.run.ds.interactions
    causes = _find_cause_lines(judged)
    cited = _list_systems(judged, causes, seed)

    def score_with(lines: Sequence[CitedLines], title: str) -> np.ndarray:
        return measured.score_kept(judged.rows, [entry.is_cited for entry in lines], title)

    empty = [CitedLines(np.zeros(len(row.erase), dtype=np.int8)) for row in judged.effects]
    return evaluate_faithfulness(
        judged.effects,
        score_with(empty, "scoring without lines"),
        {name: SystemCitations(lines, score_with(lines, f"scoring ({name})")) for name, lines in cited.items()},
        table.user[judged.rows],
        reference=OTHER,
        causes=causes,
        draws=config.bootstrap_draws if draws is None else draws,
        seed=seed,
    )


def _list_systems(
    judged: _JudgedRows, causes: list[np.ndarray | None] | None, seed: int
) -> dict[str, list[CitedLines]]:
    """What the reasons and their baselines cite, by system."""
    catalogue, effects = Catalogue(judged.run.ds.items.titles), judged.effects
    own = [read_cited_lines(text, case, catalogue) for text, case in zip(judged.texts, judged.cases, strict=True)]
    users = encode_users(judged.run.ds.interactions.user[judged.rows], len(judged.rows))[1]
    other = draw_permutation_baseline(users, seed)
    rules, deciding = (
        [
            read_cited_lines(_write_by_rules(judged.run, query, row, is_deciding), case, catalogue)
            for query, row, case in zip(judged.queries, effects, judged.cases, strict=True)
        ]
        for is_deciding in (False, True)
    )
    systems = {
        REASON: own,
        OTHER: [cite_same_places(own[int(j)], row.labels) for j, row in zip(other, effects, strict=True)],
        RULES: rules,
        RULES_DECIDING: deciding,
        RECENT: [cite_most_recent(row.labels) for row in effects],
        ORACLE: [cite_largest_effect(row.erase) for row in effects],
    }
    if causes is not None:
        systems[PLANTED] = [
            assign_label_directions(np.zeros(len(row.erase), dtype=bool) if cause is None else cause, row.labels)
            for cause, row in zip(causes, effects, strict=True)
        ]
    return systems


def _write_by_rules(run: Run, query: Query, effects: LineEffects, is_deciding: bool) -> str:
    """The rule-based reason for the score's verdict, from the lines shown; the same words for the same question."""
    strengths = None
    if is_deciding:
        values = compute_strengths(effects)
        strengths = {int(line): float(values[line]) for line in np.flatnonzero(select_deciding_lines(effects))}
    item, past = int(query.candidates[0]), query.items[effects.places]
    rng = np.random.default_rng((zlib.crc32(str(run.ds.items.ids[item]).encode()), len(past)))
    return argue_past(run.ds, item, past, effects.labels, rng, verdict=effects.score > 0, strengths=strengths).text


def _find_cause_lines(judged: _JudgedRows) -> list[np.ndarray | None] | None:
    """Per row bool (h,): lines whose items have all keywords of the planted cause that decided.

    None for a row without such a cause, and instead of the list where nothing was planted.
    """
    world = judged.run.simulation
    if world is None:
        return None
    lines: list[np.ndarray | None] = []
    for row, query, effects in zip(judged.rows, judged.queries, judged.effects, strict=True):
        cause = world.find_deciding_cause(int(row))
        past = query.items[effects.places]
        has = [cause is not None and set(cause.keywords) <= set(world.dataset.items.keywords[item]) for item in past]
        lines.append(None if cause is None else np.array(has, dtype=bool))
    return lines
