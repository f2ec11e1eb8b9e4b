"""Prompts in which a plan stands before the verdict: for training, for sampling plans, and for scores behind a plan."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from thinkrec.collab.features.slot_vectors import PlaceholderVectors
from thinkrec.data.dataset import Dataset
from thinkrec.prompts.answers import AnswerIds
from thinkrec.prompts.config import PromptConfig
from thinkrec.prompts.draft import NO_TOKENS
from thinkrec.prompts.plan import MAX_NAMES, Plan, PlanTokens, shorten_title
from thinkrec.prompts.render import PromptRenderer, PromptTokenizer
from thinkrec.prompts.templates.plan_first import get_plan_template
from thinkrec.prompts.types import Prompt

PLAN_WEIGHTS = (0.5, 0.5)
"""Weights of (L_rec, L_think) on a plan-first row. A reasoning row's (.1, .9) would leave the verdict next to no say;
here it is what the plan is for."""


class PlanRenderer:
    """Renders plan-first prompts of rows of one data set for one tokenizer."""

    def __init__(
        self, ds: Dataset, text: PromptTokenizer, config: PromptConfig, answers: AnswerIds | None = None
    ) -> None:
        """For the rows of `ds`; `answers` as for `PromptRenderer`.

        What only the prompts of reasons show (`PromptConfig.reason_text` and its like) stands in none of these: the
        score behind a plan is to know what the one-pass score knows.
        Raises RecipeError where the template has no such form.
        """
        plain = config.model_copy(update={"reason_text": None, "reason_sides": False, "reason_history": None})
        self.renderer = PromptRenderer(ds, text, plain, answers, template=get_plan_template(config.template))
        """Renders what stands before a plan."""
        self.ds, self.tokens = ds, PlanTokens(text.tokenizer)
        self.names = [shorten_title(title) for title in ds.items.titles]
        """(n_items,): how plans name the items."""
        longest = max((self.names), key=lambda name: len(self.tokens.encode_piece(name)), default="")
        fullest = self.tokens.encode_plan(Plan((longest,) * MAX_NAMES, (longest,) * MAX_NAMES))
        self.max_plan_tokens = len(fullest)
        """Positions that are left for a plan: those of the longest title in all its places."""

    def list_visible_history(self, row: int, *, slots: bool) -> np.ndarray:
        """int64 (h,): the earlier rows that the plan-first prompt of a row shows, oldest first.

        `slots`: whether it carries vectors.
        """
        item = int(self.ds.interactions.item[row])
        return self.renderer.list_visible_history(row, item, slots=slots, reserve=self.max_plan_tokens)

    def render_row(self, row: int, *, gate: np.ndarray, vectors: PlaceholderVectors | None = None) -> Prompt:
        """The prompt of a row up to where its plan begins; positions for the plan are left."""
        return self.renderer.render_row(row, gate=gate, vectors=vectors, reserve=self.max_plan_tokens)

    def append_plan(self, prompt: Prompt, plan: Plan) -> Prompt:
        """The prompt with a plan behind it, whose last token the answer follows."""
        ids = np.concatenate([prompt.ids, self.tokens.encode_plan(plan)])
        answer_at = prompt.answer_at.copy()
        answer_at[-1] = len(ids) - 1
        return replace(prompt, ids=ids, answer_at=answer_at)

    def render_training_row(
        self,
        row: int,
        plan: Plan,
        is_choice: np.ndarray,
        *,
        gate: np.ndarray,
        vectors: PlaceholderVectors | None = None,
        reason: str | None = None,
    ) -> Prompt:
        """A row that teaches the choices of its plan, then the verdict; with a `reason` ("Yes. ...") also its prose.

        `is_choice`: bool (t,), which of the plan's t tokens the form of a plan does not decide by itself. The others
        are not taught, since nothing else could be written in their place. L_think of the row is shared by choices and
        verdict alike; prose takes half of it.
        """
        label = int(self.ds.interactions.label[row])
        prose = NO_TOKENS if reason is None else self.renderer.encode_prose(reason)
        reserve = self.max_plan_tokens + 1 + len(prose)
        prompt = self.renderer.render_row(row, gate=gate, vectors=vectors, reserve=reserve)
        begin, planned = len(prompt), self.append_plan(prompt, plan)
        written = np.concatenate([planned.ids[begin:], self.renderer.labels[[label]], prose]).astype(np.int32)
        rec, think = PLAN_WEIGHTS
        weight = np.concatenate([is_choice, [True], np.zeros(len(prose))]).astype(np.float32)
        weight *= (think if reason is None else think / 2) / weight.sum()
        if len(prose):
            weight[-len(prose) :] = think / 2 / len(prose)
        taught = np.flatnonzero(weight)
        answer_label, answer_weight = prompt.answer_label.copy(), np.zeros(len(prompt.answer_at), dtype=np.float32)
        answer_label[-1], answer_weight[-1] = label, rec
        return replace(
            planned,
            ids=np.concatenate([prompt.ids, written[:-1]]),
            answer_label=answer_label,
            answer_weight=answer_weight,
            token_at=(begin - 1 + taught).astype(np.int32),
            token_target=written[taught],
            token_weight=weight[taught],
        )
