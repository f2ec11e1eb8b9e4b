"""Thinking before the verdict, measured on rows of a run: scores behind the model's own plans and behind others."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import polars as pl

from thinkrec.errors import DataError
from thinkrec.evaluate.metrics.checks import encode_users
from thinkrec.evaluate.metrics.permutation import draw_permutation_baseline
from thinkrec.evaluate.thinking.results import ScoredSystem, ThinkingResults, evaluate_thinking
from thinkrec.prompts.plan import Plan
from thinkrec.run import saved_model
from thinkrec.run.pipeline import Run
from thinkrec.run.plan_measures import PlannedRows, measure_plans
from thinkrec.run.predict import select_split_rows
from thinkrec.run.variants import find_variant
from thinkrec.score.plan_scorer import PlanScorer, SampledPlans
from thinkrec.score.plans import draw_random_plan, make_rule_plan
from thinkrec.train.mixture import sample_validation_rows

ONE_PASS, RULES, OTHER, RANDOM, EMPTY = "one pass", "rules", "other row", "random lines", "empty plan"
SYSTEMS = {
    ONE_PASS: "the model's usual score: no plan, nothing written, not composed with other scores",
    RULES: "one plan by the rules, read and not written",
    OTHER: "the plans that the model wrote for a row of another user, titles and all",
    RANDOM: "as many lines of the row's own history on each side as its own plans name, drawn by seed",
    EMPTY: "a plan that names nothing",
}
"""System -> what it is; beside them one for each number of plans."""
CONTROL_PLANS = 4
"""Plans a row of the baselines of another row and of random lines, at most."""
TIMED_ROWS = 48
"""Rows on which smaller numbers of plans are timed; they are the first ones of the largest number, not drawn anew."""

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class MeasuredThinking:
    """The table, and the scores behind it."""

    results: ThinkingResults
    scores: pl.DataFrame
    """(order, user_id, item_id, score, one_pass): score is the mean behind the largest number of plans."""
    clock: str
    """What seconds are seconds of."""
    examples: list[tuple[str, int, list[str]]]
    """A few rows: title of the target, its label, its plans."""


def measure_thinking(
    folder: Path,
    *,
    samples: Sequence[int],
    split: str = "valid",
    model: str | None = None,
    n_rows: int | None = None,
    seed: int = 0,
    temperature: float = 1.0,
    draws: int | None = None,
    with_controls: bool = True,
    progress: bool = True,
) -> MeasuredThinking:
    """Score rows of a run in one pass and behind plans.

    Args:
        folder: the run's.
        samples: numbers of plans a row; 0 is one pass, which is always there.
        split: train, valid, test or all.
        model: a variant of the run's language model; by default the one that answers.
        n_rows: about so many rows at most, whole users drawn by `seed`; by default all.
        seed: of the rows, the plans, the controls and the draws of users.
        temperature: of the plans.
        draws: of users; by default as the run's recipe says.
        with_controls: whether others' plans are scored too, and the model's own are looked at.
        progress: whether bars are drawn.

    Raises:
        DataError: for a run that was not trained with plans, a split or variant that it does not have, numbers below 0,
            or rows of one class alone.
        CheckpointError: where the model is not trained.
    """
    numbers = sorted(set(samples))
    if not numbers or numbers[0] < 0:
        raise DataError(f"--samples {','.join(map(str, samples))}: give numbers of plans, 0 or more, such as 0,1,2,4")
    run = saved_model.open_run(folder, progress=progress)
    variant = find_variant(run.recipe, model)
    if not run.model.reasons.plan_share:
        raise DataError(
            f"{folder} was not trained to think first; train it with plans, such as"
            " -o model.reasons.plan_share=0.3 (and reasons to take them from)"
        )
    rows = select_split_rows(run, split)
    if n_rows is not None:
        rows = sample_validation_rows(run.ds, rows, n_rows, seed)
    if len(np.unique(run.ds.interactions.label[rows])) < 2:
        raise DataError(f"{folder}: the {len(rows)} rows judged are of one class; ask for more with --rows")
    measured = _Measurement(run, PlanScorer(run.load_predictor(variant)), rows, seed, temperature, progress)
    return measured.judge(numbers, draws, with_controls)


@dataclass(eq=False)
class _Measurement:
    """One call of `measure_thinking`."""

    run: Run
    scorer: PlanScorer
    rows: np.ndarray
    seed: int
    temperature: float
    progress: bool

    def judge(self, numbers: Sequence[int], draws: int | None, with_controls: bool) -> MeasuredThinking:
        most, table = numbers[-1], self.run.ds.interactions
        prompt, planned = self.scorer.count_prompt_tokens(self.rows)
        one_pass, seconds = self._time(lambda: self._score_once(self.rows, self.progress), len(self.rows))
        systems = {ONE_PASS: ScoredSystem(one_pass, 0, prompt, 0.0, seconds)}
        diagnosis: dict[str, float] = {}
        own = SampledPlans([[] for _ in self.rows], np.zeros((len(self.rows), 0)), np.zeros((len(self.rows), 0)))
        if most:
            own, seconds = self._time(lambda: self._sample(self.rows, most, self.progress), len(self.rows))
            systems |= self._list_own_systems(own, [k for k in numbers if k], planned, seconds)
            if with_controls:
                systems |= self._list_controls(own, min(most, CONTROL_PLANS), planned)
                diagnosis = measure_plans(PlannedRows(self.run, self.scorer, self.rows, own, self.seed), one_pass)
        config = self.run.recipe.evaluation
        results = evaluate_thinking(
            table.user[self.rows],
            table.label[self.rows],
            systems,
            reference=ONE_PASS,
            diagnosis=diagnosis,
            k=config.k,
            denominator=config.map_denominator,
            draws=config.bootstrap_draws if draws is None else draws,
            seed=self.seed,
        )
        scores = self.run.ds.to_frame(self.rows).select(
            "order",
            "user_id",
            "item_id",
            pl.Series("score", own.average_scores(most) if most else one_pass),
            pl.Series("one_pass", one_pass),
        )
        return MeasuredThinking(results, scores.sort("order"), self._name_clock(), self._list_examples(own))

    def _list_own_systems(
        self, own: SampledPlans, numbers: Sequence[int], planned: float, seconds: float
    ) -> dict[str, ScoredSystem]:
        """One system for each number of plans; all but the largest are timed on a few rows."""
        systems, few = {}, self.rows[:TIMED_ROWS]
        for k in numbers:
            spent = seconds if k == numbers[-1] else self._time(lambda k=k: self._sample(few, k, False), len(few))[1]
            written = float(own.tokens[:, :k].sum(axis=1).mean())
            systems[f"{k} plan{'s' if k > 1 else ''}"] = ScoredSystem(own.average_scores(k), k, planned, written, spent)
        return systems

    def _list_controls(self, own: SampledPlans, k: int, planned: float) -> dict[str, ScoredSystem]:
        """Scores behind plans that the model did not write for the row."""
        table, ds = self.run.ds.interactions, self.run.ds
        other = draw_permutation_baseline(encode_users(table.user[self.rows], len(self.rows))[1], self.seed)
        given: dict[str, list[list[Plan]]] = {RULES: [[]], OTHER: [], RANDOM: [], EMPTY: [[Plan()] * len(self.rows)]}
        for row in self.rows:
            _, items, labels = self.scorer.list_history(int(row))
            given[RULES][0].append(make_rule_plan(ds, int(table.item[row]), items, labels))
        given[OTHER] = [[own.plans[int(i)][j] for i in other] for j in range(k)]
        given[RANDOM] = [self._draw_lines(own, j) for j in range(k)]
        systems = {}
        for name, columns in given.items():
            scores = [
                self.scorer.score_plans(self.rows, plans, title=name, progress=self.progress) for plans in columns
            ]
            length = sum(len(self.scorer.renderer.tokens.encode_plan(plan)) for plans in columns for plan in plans)
            read = len(columns) * planned + length / len(self.rows)
            systems[name] = ScoredSystem(np.mean(scores, axis=0), len(columns), read, 0.0)
        return systems

    def _draw_lines(self, own: SampledPlans, j: int) -> list[Plan]:
        plans = []
        for row, row_plans in zip(self.rows, own.plans, strict=True):
            names, _, labels = self.scorer.list_history(int(row))
            rng = np.random.default_rng((self.seed, int(row), j, 1))
            plans.append(draw_random_plan(row_plans[j], names, labels, rng))
        return plans

    def _score_once(self, rows: np.ndarray, progress: bool) -> np.ndarray:
        # Scores behind plans are the model's alone, so that a composed score would be another thing beside them.
        return self.scorer.predictor.score_by_model(rows, title=f"scoring ({ONE_PASS})", progress=progress)

    def _sample(self, rows: np.ndarray, k: int, progress: bool) -> SampledPlans:
        return self.scorer.sample_plans(rows, k, seed=self.seed, temperature=self.temperature, progress=progress)

    def _time(self, work: Callable[[], T], n: int) -> tuple[T, float]:
        """What `work` returns, and the seconds it took a row, of n."""
        clock = time.process_time if self._is_on_cpu() else time.perf_counter
        began = clock()
        value = work()
        return value, (clock() - began) / n

    def _is_on_cpu(self) -> bool:
        return self.scorer.predictor.recommender.device.type == "cpu"

    def _name_clock(self) -> str:
        return "processor time" if self._is_on_cpu() else "elapsed time"

    def _list_examples(self, own: SampledPlans) -> list[tuple[str, int, list[str]]]:
        table, titles = self.run.ds.interactions, self.run.ds.items.titles
        return [
            (titles[int(table.item[row])], int(table.label[row]), [str(plan).strip(" |") for plan in plans])
            for row, plans in list(zip(self.rows, own.plans, strict=True))[:3]
        ]
