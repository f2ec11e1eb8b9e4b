"""Where a run keeps what: the folders of its stages, those that answering needs, and those that are left over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from thinkrec.collab import ItemBaselineConfig
from thinkrec.errors import CheckpointError, RecipeError
from thinkrec.io.processes import is_main
from thinkrec.run.recipe import Recipe
from thinkrec.run.variants import VARIANTS, collect_recipe_needs, get_final_variant, list_variants, map_rows_to_variants
from thinkrec.train.model_config import ThinkRecConfig

NON_PERSONALISED = {
    "item mean": ItemBaselineConfig(source="mean"),
    "keyword prior": ItemBaselineConfig(source="keywords"),
    "item mean + keywords": ItemBaselineConfig(source="both", prior_strength=20.0),
}
"""One number per item, nothing personal: in every table, as the least that a personal model has to beat."""
DATA = "data"
"""Folder with a copy of the data that the run was trained on."""
GROUPS = "groups"
"""The stage, and folder, of the groups of users and the statistics behind slot vectors."""
SCORERS, SCORES = "scorers", "scores"
"""Folders of the stages that fit scorers, and of those that score the test rows with a variant."""
COMPOSED = "composition"
"""The stage, and folder, of the weights that compose the last variant's score."""
LOCK = "run.lock"


def get_scorer_stage(name: str) -> str:
    """The stage that fits the scorer of this name and scores the test rows with it."""
    return f"{SCORERS}/{name}"


def find_encoder_stage(recipe: Recipe) -> str:
    """The stage that fits the recipe's encoder: the baseline of the same settings, where there is one."""
    assert isinstance(recipe.model, ThinkRecConfig)
    twins = [name for name, config in recipe.baselines.items() if config == recipe.model.encoder]
    return get_scorer_stage(twins[0] if twins else "encoder")


def find_composition_scorer_stage(recipe: Recipe) -> str | None:
    """The stage that fits the scorer of the composition: the baseline of the same settings, where there is one."""
    if not isinstance(recipe.model, ThinkRecConfig) or recipe.model.composition is None:
        return None
    config = recipe.model.composition.scorer
    twins = [name for name, other in recipe.baselines.items() if other == config]
    return None if config is None else get_scorer_stage(twins[0] if twins else COMPOSED)


def map_rows_to_stages(recipe: Recipe) -> dict[str, str]:
    """Row of the results table -> the stage that holds its predictions, in the table's order; the model's own last.

    A row of a scorer that is the recipe's model is called by the recipe's label, else by the last part of its name.
    Raises RecipeError for a label that another row has as its name.
    """
    stages = {name: get_scorer_stage(name) for name in (*NON_PERSONALISED, *recipe.baselines)}
    if isinstance(recipe.model, ThinkRecConfig):
        own = {row: variant.scores for row, variant in map_rows_to_variants(recipe).items()}
    else:
        own = {recipe.label or recipe.name.rpartition("/")[2]: get_scorer_stage("model")}
    if recipe.label is not None and stages.keys() & own.keys():
        raise RecipeError(f"label: {recipe.label!r} is the name of another row of the table; choose another label")
    return stages | own


def list_shared_stages(recipe: Recipe) -> tuple[str, ...]:
    """The stages besides its own that some variant of the recipe computes with."""
    needs = collect_recipe_needs(recipe)
    encoder = (find_encoder_stage(recipe),) if "encoder" in needs else ()
    scorer = find_composition_scorer_stage(recipe)
    scorers = encoder if scorer is None else (*encoder, scorer)
    return (*scorers, GROUPS) if needs & {"groups", "slots"} else scorers


def list_required_stages(recipe: Recipe) -> tuple[str, ...]:
    """Stages whose files answering needs."""
    assert isinstance(recipe.model, ThinkRecConfig)
    composed = () if recipe.model.composition is None else (COMPOSED,)
    return (*list_shared_stages(recipe), get_final_variant(recipe.model).stage, *composed)


def find_stale_stages(recipe: Recipe, folder: Path) -> list[Path]:
    """Folders of stages that an earlier recipe left in a run and that this one does not have."""
    current = {*map_rows_to_stages(recipe).values(), *list_shared_stages(recipe)}
    if isinstance(recipe.model, ThinkRecConfig):
        current |= {*(variant.stage for variant in list_variants(recipe.model)), *list_required_stages(recipe)}
    candidates = [
        *(folder / SCORERS).glob("*"),
        *(folder / SCORES).glob("*"),
        *(folder / variant.stage for variant in VARIANTS),
        folder / GROUPS,
        folder / COMPOSED,
    ]
    return [path for path in candidates if path.is_dir() and path.relative_to(folder).as_posix() not in current]


@contextmanager
def lock_run_folder(folder: Path) -> Iterator[None]:
    """Hold a run's folder while stages work in it, the main process for all that were started together.

    Raises CheckpointError where another process does.
    """
    if not is_main():
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / LOCK, timeout=0):
            yield
    except Timeout as error:
        raise CheckpointError(
            f"another process is working in {folder}; wait for it, stop it, or choose another folder"
        ) from error
