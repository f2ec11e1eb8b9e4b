"""Prompts with the labels of their histories turned: whether there is anything to turn."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from thinkrec.data.columns import DataWarning
from thinkrec.errors import RecipeError
from thinkrec.prompts.template import Template
from thinkrec.prompts.types import Prompt


def check_turned_prompts(
    prompts: Sequence[Prompt], turned: Sequence[Prompt], template: Template, template_name: str
) -> None:
    """Raise RecipeError where the template tells no labels, or not of all items.

    Says as a DataWarning how many of the prompts have no history line, so that `label_contrast` changes nothing there.
    """
    if not template.history.has_turnable_labels:
        raise RecipeError(
            f"decoding.label_contrast turns the labels of history lines, and prompts of template {template_name} tell"
            " none, or only what was liked; set it to 0, or train with a template that shows labels, such as"
            " ratings-table"
        )
    same = sum(np.array_equal(one.ids, other.ids) for one, other in zip(prompts, turned, strict=True))
    if same:
        warnings.warn(
            f"{same:,} of {len(prompts):,} prompts show no labelled history line: decoding.label_contrast changes"
            " nothing in their reasons",
            DataWarning,
            stacklevel=4,
        )
