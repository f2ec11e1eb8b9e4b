"""What all stages of a recipe need of the data, checked before the first of them takes an hour."""

from __future__ import annotations

import numpy as np

from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import SPLITS, TEST, TRAIN, VALID
from thinkrec.errors import DataError
from thinkrec.run.recipe import Recipe
from thinkrec.train.model_config import ThinkRecConfig


def check_data(recipe: Recipe, ds: Dataset) -> None:
    """Raises DataError for data that some stage of the recipe could not use.

    Training and selection need likes and dislikes in the train and the validation rows, a table of results test rows,
    and groups at least as many users with train rows as there are groups.
    """
    it = ds.interactions
    for split in (TRAIN, VALID):
        labels = it.label[it.split == split]
        if len(np.unique(labels)) < 2:
            held = "no rows" if not len(labels) else f"{len(labels):,} rows, all {'likes' if labels[0] else 'dislikes'}"
            raise DataError(
                f"the {SPLITS[split]} split has {held}: training and choosing between states need likes and dislikes "
                "in it. Look at the threshold, and at the dates or shares that cut the splits."
            )
    if not (it.split == TEST).any():
        raise DataError("the test split has no rows. Look at the dates or shares that cut the splits.")
    if isinstance(recipe.model, ThinkRecConfig):
        users = len(np.unique(it.user[it.split == TRAIN]))
        if users < recipe.model.groups.n_groups:
            raise DataError(
                f"{users} users with train rows cannot make {recipe.model.groups.n_groups} groups; lower model.groups.n"
            )
