"""Finished runs and saved copies of them.

They are opened on the data of the training or on today's tables.
"""

from __future__ import annotations

import os
import shutil
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import thinkrec
from thinkrec.data.columns import DataWarning
from thinkrec.data.dataset import Dataset
from thinkrec.data.snapshot import INTERACTIONS, compare_datasets, read_manifest, read_snapshot
from thinkrec.errors import CheckpointError, RecipeError
from thinkrec.io.files import write_json, write_text
from thinkrec.run.data_sources import list_source_paths, load_data
from thinkrec.run.layout import DATA, GROUPS, SCORERS, find_encoder_stage, list_required_stages
from thinkrec.run.pipeline import Run
from thinkrec.run.predictions import PREDICTIONS
from thinkrec.run.recipe import InMemoryData, Recipe, dump_recipe
from thinkrec.run.recipe_files import read_stored_recipe
from thinkrec.run.stage import BEGUN, read_stage_result
from thinkrec.run.variants import VARIANTS
from thinkrec.train.model_config import ThinkRecConfig

SAVED = "saved.json"


def read_recipe(folder: Path) -> Recipe:
    """The recipe of a run or of a saved recommender. Raises CheckpointError if there is none."""
    path = folder / "recipe.yaml"
    if not path.is_file():
        raise CheckpointError(f"there is no recipe.yaml in {folder}; give the folder of a run or a saved recommender")
    return read_stored_recipe(path)


def read_training_data(folder: Path) -> Dataset:
    """The data set that a run was trained and evaluated on.

    A folder with a recipe and no copy of the data, such as an exported result, is read as its recipe says; a
    DataWarning says so, since nothing tells whether the tables are still those. Raises CheckpointError or DataError.
    """
    if (folder / DATA).is_dir():
        return read_snapshot(folder / DATA)
    recipe = read_recipe(folder)
    if recipe.data.kind != "simulator":
        _issue_data_warning(
            f"{folder} holds no copy of its data; the tables that its recipe names are read as they are now."
        )
    return load_data(recipe.data, folder / "keywords")[0]


def has_training_data(folder: Path) -> bool:
    """Whether `read_training_data` has anything to read: a whole copy of the data, or a recipe that names them.

    A saved recommender that was written without its data has neither.
    """
    return (folder / DATA / INTERACTIONS).is_file() or not (folder / DATA).is_dir()


def open_run(folder: Path, *, progress: bool = False) -> Run:
    """A run on the data that it was trained on: for everything that is about its rows."""
    return Run(read_recipe(folder), folder, progress, preloaded_dataset=read_training_data(folder))


def read_current_data(recipe: Recipe, folder: Path) -> Dataset:
    """The tables that a run's recipe names, as they are now; where they are gone, its copy of the training's.

    Whatever differs from the training is said once, with counts, as a DataWarning. Raises DataError for tables that
    cannot be read.
    """
    trained = read_training_data(folder)
    if recipe.data.kind in ("in_memory", "simulator"):
        return trained
    when = read_manifest(folder / DATA).get("date", "the training")
    gone = [str(path) for path in list_source_paths(recipe.data) if not path.exists()]
    if gone:
        _issue_data_warning(f"{', '.join(gone)}: not there any more; answers go by the run's own copy of {when}.")
        return trained
    with warnings.catch_warnings():
        # The remarks on these tables were made when the run was trained; what is new is counted below.
        warnings.simplefilter("ignore", DataWarning)
        now = load_data(recipe.data, folder / "keywords")[0]
    changed = compare_datasets(trained, now)
    if not changed:
        return trained
    _issue_data_warning(
        f"the tables have changed since {folder} was trained ({when}): {'; '.join(changed)}. Pasts and texts are as "
        "they are now; what was learned is found by id, and who or what is new has the vector of the unknown."
    )
    return now


def check_stages_finished(folder: Path, recipe: Recipe) -> None:
    """See that all stages that answering needs belong together.

    Raises CheckpointError naming the first that is not finished, or was made from other tables or other earlier stages
    than those in the folder.
    """
    trained = read_manifest(folder / DATA)["fingerprint"]
    again = "run the recipe again to go on"
    folders = {
        "encoder": find_encoder_stage(recipe),
        GROUPS: GROUPS,
        **{variant.stage: variant.stage for variant in VARIANTS},
    }
    for stage in list_required_stages(recipe):
        made_from = read_stage_result(folder / stage).get("inputs", {})
        if made_from.get("data") != trained:
            raise CheckpointError(
                f"stage {stage} of {folder} was trained on other tables than the run's last start read; {again}"
            )
        for name, earlier in folders.items():
            key = made_from.get(name)  # in the stage `groups` itself this is its settings
            if (
                isinstance(key, str)
                and (folder / earlier).is_dir()
                and read_stage_result(folder / earlier)["key"] != key
            ):
                raise CheckpointError(
                    f"stage {stage} of {folder} was made from another {earlier} than is there; {again}"
                )


def save_recommender(run: Run, target: Path, write_more: Callable[[Path], None] | None = None) -> None:
    """Copy what answering needs from a run to `target`, beside and renamed.

    `write_more` writes further files into the folder before it is renamed. An earlier save at
    `target` is replaced. Raises CheckpointError where `target` holds anything else.
    """
    if target.exists() and (not target.is_dir() or (any(target.iterdir()) and not (target / SAVED).is_file())):
        raise CheckpointError(f"{target} exists and is no saved recommender; give another folder, or remove it first")
    beside, old = (target.with_name(f".{target.name}.{os.getpid()}.{kind}") for kind in ("new", "old"))
    shutil.rmtree(beside, ignore_errors=True)
    recipe = run.recipe.model_copy(update={"data": InMemoryData()})
    try:
        shutil.copytree(run.folder / DATA, beside / DATA)
        write_text(beside / "recipe.yaml", dump_recipe(recipe))
        for stage in list_required_stages(run.recipe):
            (beside / stage).mkdir(parents=True)
            for path in (run.folder / stage).rglob("*"):
                name = path.relative_to(run.folder / stage)
                if path.is_file() and _is_inference_file(stage, path.name):
                    (beside / stage / name).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy2(path, beside / stage / name)
        # With the metrics goes what they say against the model, which `rank` and `explain` repeat.
        for name in ("environment.json", "metrics.json"):
            if (run.folder / name).is_file():
                shutil.copy2(run.folder / name, beside)
        if write_more is not None:
            write_more(beside)
        write_json(beside / SAVED, {"thinkrec": thinkrec.__version__, "date": time.strftime("%Y-%m-%d")})
        if target.exists():
            target.rename(old)
        beside.rename(target)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)


def _is_inference_file(stage: str, name: str) -> bool:
    """Whether a file of a stage is needed to answer; what is left out served training and evaluation."""
    if name == "state.safetensors":
        return stage.startswith(f"{SCORERS}/")
    return name not in (BEGUN, PREDICTIONS) and not name.endswith(".tmp")


def _issue_data_warning(text: str) -> None:
    warnings.warn(text, DataWarning, stacklevel=3)


def get_thinkrec_config(recipe: Recipe) -> ThinkRecConfig:
    """The configuration of its language model. Raises RecipeError for a recipe of another model."""
    if recipe.model.kind != "thinkrec":
        raise RecipeError(
            f"recipe {recipe.name!r} trains {recipe.model.kind}, which only gives scores; ranking and explaining need "
            "a recipe whose model.kind is thinkrec"
        )
    return recipe.model
