"""Prompts with the labels of their histories turned: whether there is anything to turn."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from thinkrec.data.columns import DataWarning
from thinkrec.prompts.config import PromptConfig
from thinkrec.prompts.types import Prompt


def check_turned_prompts(prompts: Sequence[Prompt], turned: Sequence[Prompt], config: PromptConfig) -> None:
    """Raise RecipeError where prompts of this configuration have no labels that can be turned.

    Says as a DataWarning how many of the prompts show no history line, so that `label_contrast` changes nothing there.
    """
    config.require_turnable_labels()
    same = sum(np.array_equal(one.ids, other.ids) for one, other in zip(prompts, turned, strict=True))
    if same:
        warnings.warn(
            f"{same:,} of {len(prompts):,} prompts show no labelled history line: decoding.label_contrast changes"
            " nothing in their reasons",
            DataWarning,
            stacklevel=4,
        )
