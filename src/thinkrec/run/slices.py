"""Predictions of rows of a run, judged on parts of these rows: `thinkrec evaluate slices`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from thinkrec.evaluate.slices import build_slices, measure_slices
from thinkrec.run.judged_tables import read_judged_tables


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
    judged = read_judged_tables(tables, folder, split=split, partial=partial)
    entries = measure_slices(
        build_slices(judged.ds, judged.rows, past_edges, item_edges),
        judged.user,
        judged.label,
        judged.scores,
        k=judged.config.k,
        draws=judged.config.bootstrap_draws if draws is None else draws,
        seed=judged.config.seed,
    )
    return entries, judged.remark, judged.config.k
