"""Plan-first rows of training: a plan, then the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from thinkrec.claims.citations import Catalogue
from thinkrec.collab.features.slot_vectors import PlaceholderVectors
from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TRAIN
from thinkrec.decoding.plan_grammar import mark_choices
from thinkrec.prompts.plan import Plan
from thinkrec.prompts.plan_renderer import PlanRenderer
from thinkrec.prompts.types import Prompt
from thinkrec.score.plans import extract_plan, make_rule_plan, split_names
from thinkrec.score.predictor import Predictor
from thinkrec.train.mixture import select_rows_with_reasons
from thinkrec.train.model_config import ReasonConfig


@dataclass(frozen=True, eq=False)
class PlanTeacher:
    """Makes plan-first training prompts of train rows."""

    ds: Dataset
    renderer: PlanRenderer
    config: ReasonConfig
    reasons: Mapping[int, str]
    """Row number -> reason."""

    @classmethod
    def build(cls, predictor: Predictor, config: ReasonConfig, reasons: Mapping[int, str]) -> Self:
        """For the recommender that a stage trains."""
        renderer = PlanRenderer(predictor.ds, predictor.recommender.backbone, predictor.prompt)
        return cls(predictor.ds, renderer, config, reasons)

    def select_rows(self) -> np.ndarray:
        """int64: the train rows that plans can be taught of, in row order."""
        if self.config.plan_source == "rules":
            return np.flatnonzero(self.ds.interactions.split == TRAIN)
        return select_rows_with_reasons(self.ds, self.reasons)

    def render_row(self, row: int, *, gate: np.ndarray, vectors: PlaceholderVectors | None = None) -> Prompt:
        """The prompt that teaches a row its plan and its verdict; `vectors` as in `PromptRenderer.render_row`."""
        past = self.renderer.list_visible_history(row, slots=vectors is not None)
        items, labels = self.ds.interactions.item[past], self.ds.interactions.label[past]
        plan = self.make_plan(row, items, labels)
        supporting, opposing = split_names([self.renderer.names[item] for item in items], labels)
        is_choice = mark_choices(self.renderer.tokens, plan, supporting, opposing)
        reason = self.reasons[row] if self.config.plan_prose else None
        return self.renderer.render_training_row(row, plan, is_choice, gate=gate, vectors=vectors, reason=reason)

    def make_plan(self, row: int, items: np.ndarray, labels: np.ndarray) -> Plan:
        """The plan of a row whose prompt shows these items, codes (h,), with these labels (h,)."""
        target, titles = int(self.ds.interactions.item[row]), self.ds.items.titles
        if self.config.plan_source == "rules":
            return make_rule_plan(self.ds, target, items, labels)
        shown = [titles[item] for item in items]
        return extract_plan(self.reasons[row], shown, labels, titles[target], self._catalogue)

    @cached_property
    def _catalogue(self) -> Catalogue:
        return Catalogue(self.ds.items.titles)
