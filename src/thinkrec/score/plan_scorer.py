"""Scores by thinking first: plans are written, and the score is read behind each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from thinkrec.decoding.plan_grammar import PlanGrammar
from thinkrec.engine.recommender import compute_scores
from thinkrec.engine.sample import sample_texts
from thinkrec.io.progress import Progress
from thinkrec.prompts.plan import Plan
from thinkrec.prompts.plan_renderer import PlanRenderer
from thinkrec.score.plans import split_names
from thinkrec.score.predictor import Predictor
from thinkrec.score.ranker import score_prompts

BATCH_ROWS = 64
"""Continuations that are written side by side; fewer prompts where each has more of them."""


@dataclass(frozen=True, eq=False)
class SampledPlans:
    """k plans of each of n rows, with the score behind each."""

    plans: list[list[Plan]]
    """(n, k)."""
    scores: np.ndarray
    """float64 (n, k)."""
    tokens: np.ndarray
    """int64 (n, k): tokens of each plan."""

    def average_scores(self, k: int) -> np.ndarray:
        """float64 (n,): the mean score behind the first k plans of each row."""
        return self.scores[:, :k].mean(axis=1)


@dataclass(frozen=True, eq=False)
class PlanScorer:
    """Asks a trained recommender about rows behind plans, its own or anybody's.

    Raises RecipeError, when it is first asked, where the recommender's template has no plan-first form.
    """

    predictor: Predictor

    @cached_property
    def renderer(self) -> PlanRenderer:
        """Renders plan-first prompts of the predictor's rows."""
        return PlanRenderer(self.predictor.ds, self.predictor.recommender.backbone, self.predictor.prompt)

    def list_history(self, row: int) -> tuple[list[str], np.ndarray, np.ndarray]:
        """What the prompt of a row shows: names (h,) as plans have them, item codes (h,), labels (h,)."""
        table = self.predictor.ds.interactions
        past = self.renderer.list_visible_history(row, slots=self.predictor.slot_encoder is not None)
        items = table.item[past]
        return [self.renderer.names[item] for item in items], items, table.label[past]

    def sample_plans(
        self,
        rows: np.ndarray,
        k: int,
        *,
        seed: int = 0,
        temperature: float = 1.0,
        batch: int = BATCH_ROWS,
        progress: bool = False,
    ) -> SampledPlans:
        """Have the model write k plans for each row (row numbers), and read the score behind each.

        Sample j of a row hangs on the seed, the row's `order` and j alone. `batch`: plans written side by side.
        """
        plans: list[list[Plan]] = []
        scores, tokens = np.zeros((len(rows), k)), np.zeros((len(rows), k), dtype=np.int64)
        weights, option = self.predictor.compute_gates(rows).weights, self.predictor.option
        step = max(1, batch // k)
        with Progress(f"thinking ({k} plans a row)", len(rows), shown=progress) as bar:
            for first in range(0, len(rows), step):
                chunk = range(first, min(len(rows), first + step))
                prompts = [
                    self.renderer.render_row(int(rows[i]), gate=weights[i], vectors=self.predictor.vectors)
                    for i in chunk
                ]
                grammars = [self._make_grammars(int(rows[i]), k) for i in chunk]
                draws = [self._make_draws(int(rows[i]), k, seed) for i in chunk]
                texts = sample_texts(self.predictor.recommender, prompts, grammars, draws, temperature=temperature)
                for i, own, row_texts in zip(chunk, grammars, texts, strict=True):
                    plans.append([_take_plan(grammar) for grammar in own])
                    logits = torch.stack([text.answer_logits for text in row_texts])
                    scores[i] = compute_scores(logits, option).cpu().double().numpy()
                    tokens[i] = [len(text.ids) for text in row_texts]
                bar.advance(len(chunk))
        return SampledPlans(plans, scores + self._compute_offsets(rows)[:, None], tokens)

    def score_plans(
        self, rows: np.ndarray, plans: Sequence[Plan], *, title: str = "scoring behind plans", progress: bool = False
    ) -> np.ndarray:
        """float64 (n,): the score of each row behind the plan given for it, in one pass a row."""
        weights, vectors = self.predictor.compute_gates(rows).weights, self.predictor.vectors

        def render(i: int):
            prompt = self.renderer.render_row(int(rows[i]), gate=weights[i], vectors=vectors)
            return self.renderer.append_plan(prompt, plans[i])

        with Progress(title, len(rows), shown=progress) as bar:
            scores = score_prompts(self.predictor.recommender, render, len(rows), option=self.predictor.option, bar=bar)
        return scores + self._compute_offsets(rows)

    def count_prompt_tokens(self, rows: np.ndarray) -> tuple[float, float]:
        """Mean tokens of the rows' prompts, in one pass and up to where a plan begins."""
        weights, vectors = self.predictor.compute_gates(rows).weights, self.predictor.vectors
        usual = [len(prompt) for prompt in self.predictor.render_prompts(rows)]
        planned = [
            len(self.renderer.render_row(int(row), gate=weight, vectors=vectors))
            for row, weight in zip(rows, weights, strict=True)
        ]
        return float(np.mean(usual)), float(np.mean(planned))

    def _make_grammars(self, row: int, k: int) -> list[PlanGrammar]:
        names, _, labels = self.list_history(row)
        liked, disliked = split_names(names, labels)
        return [PlanGrammar(self.renderer.tokens, liked, disliked) for _ in range(k)]

    def _make_draws(self, row: int, k: int, seed: int) -> list[Iterator[float]]:
        order = int(self.predictor.ds.interactions.order[row])
        return [_iterate_uniform(seed, order, j) for j in range(k)]

    def _compute_offsets(self, rows: np.ndarray) -> np.ndarray:
        return self.predictor.compute_prior_offset(self.predictor.ds.interactions.item[rows], rows)


def _iterate_uniform(seed: int, order: int, sample: int) -> Iterator[float]:
    """Uniform numbers of one sample of one row."""
    rng = np.random.default_rng((seed, order, sample))
    while True:
        yield float(rng.random())


def _take_plan(grammar: PlanGrammar) -> Plan:
    assert grammar.plan is not None, "a sampled text is complete"
    return grammar.plan
