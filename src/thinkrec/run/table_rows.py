"""The rows of a run's table by name: which scorer, or which stage of the language model, stands behind each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from thinkrec.collab import Scorer, ScorerConfig, load_scorer
from thinkrec.errors import CheckpointError, DataError
from thinkrec.run.layout import NON_PERSONALISED, map_rows_to_stages
from thinkrec.run.recipe import Recipe
from thinkrec.run.stage import read_stage_result
from thinkrec.run.variants import Variant, find_variant, list_variant_names, map_rows_to_variants
from thinkrec.train.model_config import ThinkRecConfig


@dataclass(frozen=True)
class ScorerRow:
    """A row that a scorer answers for."""

    name: str
    stage: str
    """The folder inside the run."""
    config: ScorerConfig


@dataclass(frozen=True)
class VariantRow:
    """A row that a stage of the language model answers for."""

    variant: Variant


def choose_table_row(recipe: Recipe, folder: Path, name: str | None) -> ScorerRow | VariantRow:
    """The row of a run's table called `name`; by default that of the model that the recipe trains.

    Args:
        recipe: that of the run.
        folder: that of the run, for messages.
        name: a scorer as the table has it, or a variant by its row (such as ThinkRec global) or its key (global).

    Raises:
        DataError: for a name that the run does not have, with those that it has.
    """
    scorers, variants = list_scorer_rows(recipe), list_variant_names(recipe)
    if name is None:
        return VariantRow(find_variant(recipe)) if variants else list(scorers.values())[-1]
    if name in scorers:
        return scorers[name]
    if name in variants:
        return VariantRow(variants[name])
    known = ", ".join([*scorers, *map_rows_to_variants(recipe)])
    raise DataError(f"{folder} has no row {name!r} that could rank; it has: {known}")


def load_row_scorer(row: ScorerRow, folder: Path) -> Scorer:
    """The fitted scorer of a row. Raises CheckpointError where the folder does not hold it."""
    if not (folder / row.stage).is_dir():
        raise CheckpointError(
            f"{folder} does not hold the scorer {row.name!r}; ask the run's folder, since a saved recommender keeps "
            "its own model alone"
        )
    read_stage_result(folder / row.stage)
    return load_scorer(row.config, folder / row.stage)


def list_scorer_rows(recipe: Recipe) -> dict[str, ScorerRow]:
    """Table row -> its scorer, in the table's order; the recipe's own model last, where it is a scorer."""
    stages = map_rows_to_stages(recipe)
    configs: dict[str, ScorerConfig] = {**NON_PERSONALISED, **recipe.baselines}
    if not isinstance(recipe.model, ThinkRecConfig):
        configs[list(stages)[-1]] = recipe.model
    return {name: ScorerRow(name, stages[name], config) for name, config in configs.items()}
