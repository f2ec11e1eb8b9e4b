"""Where a run keeps what: the rows of its table, the stages behind them, and what is needed to answer questions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from thinkrec.collab import ItemPriorConfig
from thinkrec.errors import CheckpointError
from thinkrec.io.processes import is_main
from thinkrec.run.recipe import Recipe
from thinkrec.train.model_config import ThinkRecModel

GLOBAL, EXPERTS, FULL = "ThinkRec global", "ThinkRec experts", "ThinkRec full"
STAGE_OF = {GLOBAL: "global", EXPERTS: "experts", FULL: "vectors"}
"""Variant -> the stage that trains it."""
IMPERSONAL = {
    "item mean": ItemPriorConfig(source="mean"),
    "keyword prior": ItemPriorConfig(source="keywords"),
    "item mean + keywords": ItemPriorConfig(source="both", strength=20.0),
}
"""One number per item, nothing personal: in every table, as the least that a personal model has to beat."""
DATA = "data"
"""Folder with a copy of the data that the run was trained on."""
LOCK = "run.lock"


def variants(model: ThinkRecModel) -> tuple[str, ...]:
    """The variants that a recipe trains, in order."""
    trained = {GLOBAL: model.global_stage, EXPERTS: model.expert_stage, FULL: model.vector_stage}
    return tuple(variant for variant, stage in trained.items() if stage is not None)


def final_variant(model: ThinkRecModel) -> str:
    """The last language-model stage of a recipe, the one that answers."""
    return variants(model)[-1]


def scores_stage(variant: str) -> str:
    """The stage that scores the test rows with a variant."""
    return f"scores/{variant.split()[-1]}"


def encoder_stage(recipe: Recipe) -> str:
    """The stage that fits the recipe's encoder: the baseline of the same settings, where there is one."""
    assert isinstance(recipe.model, ThinkRecModel)
    twins = [name for name, config in recipe.baselines.items() if config == recipe.model.encoder]
    return f"scorers/{twins[0] if twins else 'encoder'}"


def rows_of_table(recipe: Recipe) -> dict[str, str]:
    """Row of the results table -> the stage that holds its predictions, in the table's order; the model's own last."""
    found = {name: f"scorers/{name}" for name in (*IMPERSONAL, *recipe.baselines)}
    if isinstance(recipe.model, ThinkRecModel):
        return found | {variant: scores_stage(variant) for variant in variants(recipe.model)}
    return found | {recipe.name.rpartition("/")[2]: "scorers/model"}


def needed(recipe: Recipe) -> tuple[str, ...]:
    """Stages whose files answering needs."""
    assert isinstance(recipe.model, ThinkRecModel)
    return (encoder_stage(recipe), "groups", STAGE_OF[final_variant(recipe.model)])


def stale_stages(recipe: Recipe, folder: Path) -> list[Path]:
    """Folders of stages that an earlier recipe left in a run and that this one does not have."""
    kept = {*rows_of_table(recipe).values()}
    if isinstance(recipe.model, ThinkRecModel):
        kept |= {encoder_stage(recipe), *(STAGE_OF[variant] for variant in variants(recipe.model))}
    found = [*(folder / "scorers").glob("*"), *(folder / "scores").glob("*"), *(folder / s for s in STAGE_OF.values())]
    return [path for path in found if path.is_dir() and path.relative_to(folder).as_posix() not in kept]


@contextmanager
def locked(folder: Path) -> Iterator[None]:
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
