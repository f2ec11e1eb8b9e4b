"""Folders that hold a whole trained recommender: the layout of a run, with the data as two tables inside."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import polars as pl

import thinkrec
from thinkrec.data.dataset import Dataset
from thinkrec.data.rows import SPLITS
from thinkrec.data.writing import write_table
from thinkrec.errors import CheckpointError
from thinkrec.model.disk import write_json
from thinkrec.outcome import STAGE_OF
from thinkrec.pipeline import EXPERTS, FULL, GLOBAL
from thinkrec.recipe import Recipe, Tables, ThinkRecModel, dump_recipe, load_recipe
from thinkrec.stage import read_done

INTERACTIONS, ITEMS = Path("data") / "interactions.parquet", Path("data") / "items.parquet"
SAVED = "saved.json"


def final_variant(model: ThinkRecModel) -> str:
    """The last language-model stage of a recipe, the one that answers."""
    if model.vector_stage is not None:
        return FULL
    return GLOBAL if model.expert_stage is None else EXPERTS


def write_tables(ds: Dataset, folder: Path) -> None:
    """Write the data set as the two tables that `Dataset.from_tables` reads back, under `folder`/data."""
    it, items = ds.interactions, ds.items
    interactions = pl.DataFrame(
        {
            "order": it.order,
            "user_id": pl.Series(ds.user_ids).gather(it.user),
            "item_id": pl.Series(items.ids).gather(it.item),
            "label": it.label,
            "timestamp": it.timestamp,
            "split": pl.Series(SPLITS).gather(it.split),
        }
    )
    columns = [
        pl.Series("item_id", items.ids),
        pl.Series("title", items.titles, dtype=pl.String),
        pl.Series("keywords", [list(words) for words in items.keywords], dtype=pl.List(pl.String)),
    ]
    wares = pl.DataFrame(columns).hstack(items.texts) if items.texts.width else pl.DataFrame(columns)
    write_table(interactions.sort("order"), folder / INTERACTIONS)
    write_table(wares, folder / ITEMS)


def on_tables(recipe: Recipe, ds: Dataset, folder: Path) -> Recipe:
    """The recipe with its data taken from the tables that `write_tables` put under `folder`."""
    data = Tables(interactions=folder / INTERACTIONS, items=folder / ITEMS, item=ds.domain.item,
                  items_word=ds.domain.items, user=ds.domain.user)  # fmt: skip
    return recipe.model_copy(update={"data": data})


def anchored(recipe: Recipe) -> Recipe:
    """The recipe with the path of a local backbone made absolute, so that it is found from any current folder."""
    assert isinstance(recipe.model, ThinkRecModel)
    backbone = recipe.model.backbone
    path = Path(backbone.source).expanduser()
    if backbone.source in ("nano", "smollm2") or not path.exists():
        return recipe
    model = recipe.model.model_copy(update={"backbone": backbone.model_copy(update={"source": str(path.resolve())})})
    return recipe.model_copy(update={"model": model})


def read_recipe(folder: Path) -> Recipe:
    """The recipe of a run or of a saved recommender; tables inside the folder are found wherever it was moved.

    Raises CheckpointError if there is none.
    """
    path = folder / "recipe.yaml"
    if not path.is_file():
        raise CheckpointError(f"there is no recipe.yaml in {folder}; give the folder of a run or a saved recommender")
    recipe = load_recipe(path)
    if recipe.data.kind == "tables" and (folder / INTERACTIONS).is_file():
        inside = {"interactions": folder / INTERACTIONS, "items": folder / ITEMS}
        return recipe.model_copy(update={"data": recipe.data.model_copy(update=inside)})
    return recipe


def check_finished(folder: Path, model: ThinkRecModel) -> None:
    """Raises CheckpointError naming the first stage that answering needs and that is not finished."""
    for stage in needed(model):
        read_done(folder / stage)


def needed(model: ThinkRecModel) -> tuple[str, ...]:
    """Stages whose files answering needs."""
    return ("scorers/encoder", "groups", STAGE_OF[final_variant(model)])


def save(recipe: Recipe, model: ThinkRecModel, ds: Dataset, source: Path, target: Path) -> None:
    """Copy what answering needs from the run in `source` to `target`, beside and renamed.

    An earlier save at `target` is replaced. Raises CheckpointError where `target` holds anything else.
    """
    if target.exists() and (not target.is_dir() or (any(target.iterdir()) and not (target / SAVED).is_file())):
        raise CheckpointError(f"{target} exists and is no saved recommender; give another folder, or remove it first")
    beside, old = (target.with_name(f".{target.name}.{os.getpid()}.{kind}") for kind in ("new", "old"))
    shutil.rmtree(beside, ignore_errors=True)
    try:
        write_tables(ds, beside)
        # Relative on purpose: whoever reads the folder looks for the tables inside it.
        (beside / "recipe.yaml").write_text(dump_recipe(on_tables(recipe, ds, Path())), encoding="utf-8")
        for stage in needed(model):
            (beside / stage).mkdir(parents=True)
            for path in (source / stage).iterdir():
                if path.is_file() and _answers(stage, path.name):
                    shutil.copy2(path, beside / stage / path.name)
        if (source / "environment.json").is_file():
            shutil.copy2(source / "environment.json", beside)
        write_json(beside / SAVED, {"thinkrec": thinkrec.__version__, "date": time.strftime("%Y-%m-%d")})
        if target.exists():
            target.rename(old)
        beside.rename(target)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)


def _answers(stage: str, name: str) -> bool:
    """Whether a file of a stage is needed to answer; what is left out served training and evaluation."""
    if name == "state.safetensors":
        return stage.startswith("scorers")
    return name not in ("begun.json", "predictions.parquet") and not name.endswith(".tmp")
