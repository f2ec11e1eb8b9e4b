"""What all stages of a recipe need of the data, checked before the first of them takes an hour."""

from __future__ import annotations

import warnings

import numpy as np

from thinkrec.data.columns import DataWarning
from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TRAIN
from thinkrec.data.split_check import list_split_problems
from thinkrec.errors import DataError
from thinkrec.io.counts import format_count
from thinkrec.run.recipe import Recipe
from thinkrec.run.variants import collect_recipe_needs, get_stage_config, list_variants
from thinkrec.train.model_config import ThinkRecConfig
from thinkrec.train.soft_labels import SoftLabels


def check_data(recipe: Recipe, ds: Dataset) -> None:
    """Raises DataError for data that some stage of the recipe could not use.

    Training and selection need likes and dislikes in the train and the validation rows, a table of results test rows,
    and groups, where the recipe makes any, at least as many users with train rows as there are groups. Soft labels have
    to be about train rows.
    """
    interactions = ds.interactions
    problems = list_split_problems(ds)
    if problems:
        raise DataError(" ".join(problem if problem.endswith(".") else f"{problem}." for problem in problems))
    if isinstance(recipe.model, ThinkRecConfig) and "groups" in collect_recipe_needs(recipe):
        users = len(np.unique(interactions.user[interactions.split == TRAIN]))
        if users < recipe.model.groups.n_groups:
            raise DataError(
                f"{format_count(users, 'user')} with train rows cannot make "
                f"{format_count(recipe.model.groups.n_groups, 'group')}; lower model.groups.n_groups"
            )
    if isinstance(recipe.model, ThinkRecConfig):
        _check_soft_labels(recipe.model, ds)


def _check_soft_labels(model: ThinkRecConfig, ds: Dataset) -> None:
    """Raises DataError for soft labels of some stage that are about other data."""
    for variant in list_variants(model):
        stage = get_stage_config(variant, model)
        if stage is not None and stage.soft_labels is not None and stage.weights is None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DataWarning)  # said when the stage reads them
                SoftLabels.read(ds, stage.soft_labels)
