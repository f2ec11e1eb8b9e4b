"""Groups of users by the vectors of several runs' encoders, and how far they are apart: `thinkrec evaluate groups`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import numpy as np

from thinkrec.collab import load_scorer
from thinkrec.collab.encoder import Encoder
from thinkrec.data.interactions import TEST, TRAIN, VALID
from thinkrec.errors import DataError
from thinkrec.evaluate.group_distance import count_preferences, measure_group_distance
from thinkrec.io.progress import Progress
from thinkrec.personal.groups import GroupConfig, fit_groups
from thinkrec.run import saved_model
from thinkrec.run.layout import find_encoder_stage
from thinkrec.run.table_rows import choose_table_row, load_row_scorer
from thinkrec.train.model_config import ThinkRecConfig
from thinkrec.train.stages import find_last_train_rows

ROWS = {"later": (VALID, TEST), "train": (TRAIN,)}
"""Rows that preferences are counted in: those after the training, or the training's."""


def load_run_encoder(folder: Path) -> Encoder:
    """The encoder that a run groups its users by, or that it is a run of. Raises DataError where it has none."""
    recipe = saved_model.read_recipe(folder)
    if isinstance(recipe.model, ThinkRecConfig):
        return cast(Encoder, load_scorer(recipe.model.encoder, folder / find_encoder_stage(recipe)))
    row = choose_table_row(recipe, folder, None)
    scorer = load_row_scorer(cast(Any, row), folder)
    if not isinstance(scorer, Encoder):
        raise DataError(
            f"{folder} is of {recipe.model.kind}, which has no vectors; give runs of MF, LightGCN or SASRec"
        )
    return scorer


def measure_run_groups(
    folders: Mapping[str, Path],
    numbers: Sequence[int],
    *,
    rows: str = "later",
    min_rows: int = 20,
    most: int = 100,
    draws: int = 1000,
    seed: int = 0,
    progress: bool = False,
) -> list[dict[str, Any]]:
    """One entry per run and number of groups, as JSON values.

    Each has run, groups, sizes, users, rows, keywords, and both distances of `measure_group_distance`. Users are
    grouped as `fit_user_groups` does, by their vectors at their last train row.

    Args:
        folders: name -> folder of a finished run; all of the same data.
        numbers: of groups.
        rows: a key of ROWS.
        min_rows: see `compute_distances`.
        most: keywords that are compared at most.
        draws: of users, and of random groupings.
        seed: of both, and of k-means.
        progress: whether a bar is shown.

    Raises DataError for runs of different data, or as `measure_group_distance` does.
    """
    datasets = {name: saved_model.read_training_data(folder) for name, folder in folders.items()}
    prints = {name: ds.compute_fingerprint() for name, ds in datasets.items()}
    if len(set(prints.values())) > 1:
        raise DataError(f"the runs are of different data: {prints}; compare runs of the same rows and keywords")
    ds = next(iter(datasets.values()))
    users, last = find_last_train_rows(ds)
    judged = np.flatnonzero(np.isin(ds.interactions.split, ROWS[rows]))
    preferences = count_preferences(ds, users, judged, most=most)
    entries = []
    with Progress("groups", len(folders) * len(numbers), shown=progress, unit="groupings") as bar:
        for name, folder in folders.items():
            vectors = load_run_encoder(folder).encode_users(ds, last)
            for n in numbers:
                groups = fit_groups(vectors, GroupConfig(n_groups=n), seed)
                distances, keywords = measure_group_distance(
                    preferences, groups.labels, min_rows=min_rows, draws=draws, seed=seed
                )
                entries.append(
                    {
                        "run": name,
                        "groups": n,
                        "sizes": np.bincount(groups.labels).tolist(),
                        "users": len(users),
                        "rows": int(preferences.totals[:, 0].sum()),
                        "keywords": keywords,
                        **{measure: asdict(one) for measure, one in distances.items()},
                    }
                )
                bar.advance(1)
    return entries
