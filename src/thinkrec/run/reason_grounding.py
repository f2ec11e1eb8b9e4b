"""Whether the reasons of a table can be trusted: grounded in the data of a run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from thinkrec.claims.cases import build_cases
from thinkrec.data.columns import parse_order, reject_rows, require_columns
from thinkrec.data.tables import read_table
from thinkrec.evaluate.grounding.results import GroundingResults, evaluate_grounding
from thinkrec.prompts.config import PromptConfig
from thinkrec.reasons.matching import IDS, match_rows
from thinkrec.run import saved_model
from thinkrec.run.layout import map_rows_to_stages


def ground_reason_table(reasons: Path, folder: Path, draws: int | None = None) -> GroundingResults:
    """Ground a table (order, reason, perhaps score) in the data of a run.

    The history is as long as the run's prompts show it. Verdicts are compared with the table's own scores if it has
    them, else with the run's scores, which cover test rows. Raises DataError for repeated or unknown orders, empty
    reasons, or scores that are no numbers.
    """
    run = saved_model.open_run(folder)
    recipe, ds, world = run.recipe, run.ds, run.simulation
    table, name = read_table(reasons), str(reasons)
    require_columns(table, ("order", "reason"), name)
    order = parse_order(table["order"], name)
    texts = table["reason"].cast(pl.String, strict=False)
    reject_rows(table["reason"], texts.is_null(), name, "has rows without a reason", "Leave such rows out.")
    # By user and item where the table names them: `order` may be a place in another table than the run's.
    named = set(IDS) <= set(table.columns)
    rows = match_rows(ds, table, name).rows if named else ds.interactions.find_rows(np.asarray(order))
    unknown = pl.Series(rows < 0)
    reject_rows(table["order"], unknown, name, f"names rows that {folder} does not have", "Give the run they are from.")
    prompt = recipe.model.prompt if recipe.model.kind == "thinkrec" else PromptConfig()
    cases = build_cases(
        ds,
        rows,
        prompt.history,
        prompt.history_step,
        scores=_read_scores(
            table, name, folder / list(map_rows_to_stages(recipe).values())[-1], ds.interactions.order[rows]
        ),
        world=world,
    )
    config = recipe.evaluation
    return evaluate_grounding(
        texts.to_list(),
        cases,
        ds.interactions.user[rows],
        ds.items.titles,
        seed=config.seed,
        draws=config.bootstrap_draws if draws is None else draws,
    )


def _read_scores(table: pl.DataFrame, name: str, predictions: Path, order: np.ndarray) -> np.ndarray:
    """float64: the score of every row; NaN where none is known."""
    if "score" in table.columns:
        score = table["score"].cast(pl.Float64, strict=False)
        reject_rows(table["score"], ~score.is_finite(), name, "has scores that are not finite numbers", "Look at them.")
        return score.to_numpy()
    path = predictions / "predictions.parquet"
    if path.is_file():
        known = dict(pl.read_parquet(path).select("order", "score").iter_rows())
        return np.array([known.get(int(o), np.nan) for o in order], dtype=np.float64)
    return np.full(len(order), np.nan)
