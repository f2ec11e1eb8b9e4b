"""`evaluate`: metrics of any predictions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from thinkrec import saving
from thinkrec.commands import show
from thinkrec.data.columns import parse_ids, parse_labels, parse_order, refuse_rows, require_columns
from thinkrec.data.tables import read_table
from thinkrec.errors import DataError
from thinkrec.evaluate.bootstrap import Sample, bootstrap
from thinkrec.evaluate.results import Results, summarise
from thinkrec.evaluate.table import terminal
from thinkrec.recipe import Evaluation


def evaluate(predictions: Path, interactions: Path | None, run: str | None, k: int | None, draws: int | None) -> None:
    """`thinkrec evaluate`."""
    truth, source, config = truth_of(interactions, run)
    changes = {key: value for key, value in (("k", k), ("draws", draws)) if value is not None}
    results = judge(predictions, truth, source, config.model_copy(update=changes))
    show.console().print(terminal(results, title=str(predictions)))


def truth_of(interactions: Path | None, run: str | None) -> tuple[pl.DataFrame, str, Evaluation]:
    """Labels (order, user, label) of a table or of a run's data, what to call them, and how results are counted.

    Raises DataError unless exactly one of both is given.
    """
    if run is not None and interactions is None:
        folder = show.run_folder(run)
        recipe = saving.read_recipe(folder)
        return labels_of(saving.trained_data(folder).interactions), str(folder), recipe.evaluation
    if interactions is not None and run is None:
        return read_labels(interactions), str(interactions), Evaluation()
    raise DataError("say where the labels are: either --interactions TABLE or --run RUN")


def judge(predictions: Path, truth: pl.DataFrame, source: str, config: Evaluation) -> Results:
    """Metrics with intervals of a table of predictions; see `sample_of`."""
    return summarise({predictions.stem: sample_of(predictions, truth, source, config)})


def sample_of(predictions: Path, truth: pl.DataFrame, source: str, config: Evaluation) -> Sample:
    """Metrics of a table (order, score) on the rows of `truth` (order, user, label) that it names, drawn.

    Raises DataError for a repeated or unknown order, or a score that is not finite.
    """
    table, name = read_table(predictions), str(predictions)
    require_columns(table, ("order", "score"), name)
    order = parse_order(table["order"], name)
    score = table["score"].cast(pl.Float64, strict=False)
    refuse_rows(
        table["score"], ~score.is_finite(), name, "has scores that are not finite numbers", "Look at the scorer."
    )
    joined = pl.DataFrame({"order": order, "score": score}).join(truth, on="order", how="left", maintain_order="left")
    remedy = "Give the table that these predictions were made for."
    refuse_rows(order, joined["label"].is_null(), name, f"names rows that {source} does not have", remedy)
    joined = joined.sort("order")
    return bootstrap(joined["user"].to_numpy(), joined["label"].to_numpy(), joined["score"].to_numpy(), k=config.k,
                     denominator=config.map_denominator, draws=config.draws, seed=config.seed)  # fmt: skip


def read_labels(path: Path) -> pl.DataFrame:
    """(order, user, label) of a table with user_id, label and, if it has one, order (else the place of the row)."""
    table, source = read_table(path), str(path)
    require_columns(table, ("user_id", "label"), source)
    order = parse_order(table["order"], source) if "order" in table.columns else np.arange(table.height)
    user, label = parse_ids(table["user_id"], source), parse_labels(table["label"], source)
    return pl.DataFrame({"order": pl.Series(order, dtype=pl.Int64), "user": user, "label": label})


def labels_of(it) -> pl.DataFrame:
    """The same of `Interactions`."""
    return pl.DataFrame({"order": it.order, "user": it.user, "label": it.label})
