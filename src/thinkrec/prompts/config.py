"""What of a row reaches the language model."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field, field_validator, model_validator

from thinkrec.data.interactions import Interactions
from thinkrec.errors import RecipeError
from thinkrec.io.config import Config
from thinkrec.prompts.templates import DEFAULT_TEMPLATE, get_template


class PromptConfig(Config):
    """What of a row reaches the language model."""

    RENAMED_KEYS: ClassVar = {"block": "history_step"}

    template: str = DEFAULT_TEMPLATE
    """The words, their order, and which next tokens are the answers: ratings-table; prompt4nr (a cloze question about
    liked titles alone) or prompt4nr-soft (the same with trained vectors instead of words; train `soft_prompt`), both
    also with -labelled (all items, keywords and labels); tallrec (titles in two lists, liked and disliked) or
    tallrec-keywords; collm (liked titles, the user's vector); ratings-table-unlabelled."""
    history: int = Field(default=10, ge=0)
    """Most earlier items shown, the most recent ones."""
    history_step: int = Field(default=1, ge=1)
    """With more than 1 the window of earlier items moves on in steps of so many, and shows up to `history_step` - 1
    items more than `history`. The histories of a user's consecutive rows then begin alike, and test rows are scored
    together."""
    keywords: int = Field(default=10, ge=0)
    """Most keywords of the target; a longer list keeps its first ones and its last."""
    history_keywords: int = Field(default=10, ge=0)
    """Most keywords of an earlier item, cut the same way."""
    item_columns: tuple[str, ...] = ()
    """Text columns of the items, such as genres, that stand before the keywords in every line; a list of texts is
    joined by commas."""
    reason_text: str | None = None
    """Text column of the items, such as a plot or a description, that stands in the target's line of a prompt behind
    which a reason is written, in training and in answering, so that the reason can speak of it. Scores never see it;
    only the template ratings-table has a place for it."""
    reason_text_tokens: int = Field(default=96, ge=1)
    """Most tokens of that text; what is longer is cut there."""
    reason_sides: bool = False
    """Whether every earlier item's line opens with its side ("liked: ", "disliked: ") in the prompt of a reason. A
    model reads from left to right: while it reads a title, it knows nothing of a label that stands behind it, which
    makes it hard to name one of a given side. Labels of such lines are not taught, since they are already told."""
    reason_history: int | None = Field(default=None, ge=0)
    """Most earlier items shown in the prompt of a reason, the most recent ones; null: as many as in that of a score."""
    max_tokens: int = Field(default=1024, ge=64)
    """Longest prompt. A longer one loses its oldest history lines, never a vector, the request or the target: where
    those alone are longer than this, so is the prompt. A backbone with fewer positions cuts at those, and refuses what
    then still does not fit."""
    history_vectors: bool = True
    """Whether earlier items carry their collaborative vector too (where a projector is in use at all)."""

    @model_validator(mode="after")
    def _check_reason_text(self) -> PromptConfig:
        if self.reason_text is not None and get_template(self.template).target.before_text is None:
            raise ValueError(f"template {self.template} has no place for reason_text; use {DEFAULT_TEMPLATE}")
        return self

    @model_validator(mode="after")
    def _check_reason_sides(self) -> PromptConfig:
        if self.reason_sides and get_template(self.template).history.sides is None:
            raise ValueError(f"template {self.template} has no words for reason_sides; use {DEFAULT_TEMPLATE}")
        return self

    @field_validator("template")
    @classmethod
    def _check_template(cls, name: str) -> str:
        try:
            get_template(name)
        except RecipeError as error:
            raise ValueError(str(error)) from error
        return name

    def require_turnable_labels(self) -> None:
        """Raise RecipeError where the template tells no labels, or shows liked items alone, for `label_contrast`."""
        if not get_template(self.template).history.has_turnable_labels:
            raise RecipeError(
                f"decoding.label_contrast turns the labels of history lines, and prompts of template {self.template}"
                f" tell none, or only what was liked; set it to 0, or train with a template such as {DEFAULT_TEMPLATE}"
            )

    def get_history_rows(self, table: Interactions, row: int) -> slice | np.ndarray:
        """The earlier rows that the prompt of a row shows, if `max_tokens` has room for all; see `history` there."""
        return table.get_history(row, self.history, self.history_step)

    def get_history_slice(self, table: Interactions, row: int) -> slice:
        """The same as a stretch of `table.past.row`: two rows whose stretches begin alike share a beginning."""
        return table.past.find_slice(int(row), self.history, self.history_step)
