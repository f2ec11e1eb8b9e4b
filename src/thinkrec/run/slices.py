"""Predictions of rows of a run, judged on parts of these rows: `thinkrec evaluate slices`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from thinkrec.evaluate.labels import build_label_table, choose_split
from thinkrec.evaluate.predictions import match_predictions, read_predictions
from thinkrec.evaluate.slices import build_slices, measure_slices
from thinkrec.run import saved_model


def evaluate_slices(
    tables: Mapping[str, Path],
    folder: Path,
    *,
    past_edges: Sequence[int],
    item_edges: Sequence[int],
    split: str | None = None,
    draws: int | None = None,
    partial: bool = False,
) -> tuple[list[dict[str, Any]], str, int]:
    """Entries of `measure_slices`, a remark on rows left out, and the cut-off of NDCG.

    Args:
        tables: name of a model -> its predictions.
        folder: of the run whose data the rows are of.
        past_edges: see `build_slices`.
        item_edges: likewise.
        split: train, valid, test (the default) or all.
        draws: of users; by default as the run's recipe says.
        partial: judge the rows that all tables have.

    Raises DataError as `match_predictions` and `build_slices` do.
    """
    ds, config = saved_model.read_training_data(folder), saved_model.read_recipe(folder).evaluation
    truth = choose_split(build_label_table(ds), str(folder), split)
    read = {name: read_predictions(path) for name, path in tables.items()}
    matched, remark = match_predictions(read, truth, partial=partial)
    rows = ds.interactions.find_rows(matched[0]["order"].to_numpy())
    entries = measure_slices(
        build_slices(ds, rows, past_edges, item_edges),
        ds.interactions.user[rows],
        ds.interactions.label[rows].astype(np.int64),
        {name: frame["score"].to_numpy() for name, frame in zip(read, matched, strict=True)},
        k=config.k,
        draws=config.bootstrap_draws if draws is None else draws,
        seed=config.seed,
    )
    return entries, remark, config.k
