"""Where a run keeps what: the rows of its table, the stages behind them, and what is needed to answer questions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from thinkrec.collab import ItemBaselineConfig
from thinkrec.errors import CheckpointError
from thinkrec.io.processes import is_main
from thinkrec.run.recipe import Recipe
from thinkrec.train.model_config import ThinkRecConfig

GLOBAL, EXPERTS, FULL = "ThinkRec global", "ThinkRec experts", "ThinkRec full"
STAGE_OF_VARIANT = {GLOBAL: "global", EXPERTS: "experts", FULL: "vectors"}
"""Variant -> the stage that trains it."""
NON_PERSONALISED = {
    "item mean": ItemBaselineConfig(source="mean"),
    "keyword prior": ItemBaselineConfig(source="keywords"),
    "item mean + keywords": ItemBaselineConfig(source="both", prior_strength=20.0),
}
"""One number per item, nothing personal: in every table, as the least that a personal model has to beat."""
DATA = "data"
"""Folder with a copy of the data that the run was trained on."""
LOCK = "run.lock"


def list_variants(model: ThinkRecConfig) -> tuple[str, ...]:
    """The variants that a recipe trains, in order."""
    trained = {GLOBAL: model.global_stage, EXPERTS: model.expert_stage, FULL: model.vector_stage}
    return tuple(variant for variant, stage in trained.items() if stage is not None)


def get_final_variant(model: ThinkRecConfig) -> str:
    """The last language-model stage of a recipe, the one that answers."""
    return list_variants(model)[-1]


def get_scores_stage(variant: str) -> str:
    """The stage that scores the test rows with a variant."""
    return f"scores/{variant.split()[-1]}"


def find_encoder_stage(recipe: Recipe) -> str:
    """The stage that fits the recipe's encoder: the baseline of the same settings, where there is one."""
    assert isinstance(recipe.model, ThinkRecConfig)
    twins = [name for name, config in recipe.baselines.items() if config == recipe.model.encoder]
    return f"scorers/{twins[0] if twins else 'encoder'}"


def map_rows_to_stages(recipe: Recipe) -> dict[str, str]:
    """Row of the results table -> the stage that holds its predictions, in the table's order; the model's own last."""
    found = {name: f"scorers/{name}" for name in (*NON_PERSONALISED, *recipe.baselines)}
    if isinstance(recipe.model, ThinkRecConfig):
        return found | {variant: get_scores_stage(variant) for variant in list_variants(recipe.model)}
    return found | {recipe.name.rpartition("/")[2]: "scorers/model"}


def list_required_stages(recipe: Recipe) -> tuple[str, ...]:
    """Stages whose files answering needs."""
    assert isinstance(recipe.model, ThinkRecConfig)
    return (find_encoder_stage(recipe), "groups", STAGE_OF_VARIANT[get_final_variant(recipe.model)])


def find_stale_stages(recipe: Recipe, folder: Path) -> list[Path]:
    """Folders of stages that an earlier recipe left in a run and that this one does not have."""
    kept = {*map_rows_to_stages(recipe).values()}
    if isinstance(recipe.model, ThinkRecConfig):
        kept |= {find_encoder_stage(recipe), *(STAGE_OF_VARIANT[variant] for variant in list_variants(recipe.model))}
    found = [
        *(folder / "scorers").glob("*"),
        *(folder / "scores").glob("*"),
        *(folder / s for s in STAGE_OF_VARIANT.values()),
    ]
    return [path for path in found if path.is_dir() and path.relative_to(folder).as_posix() not in kept]


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
