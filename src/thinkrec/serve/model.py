"""The run that answers: opened once, read by many threads, replaced as a whole by a swap."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import RLock
from typing import Any

import numpy as np

from thinkrec.claims.citations import Catalogue
from thinkrec.collab.encoder import Encoder
from thinkrec.data.dataset import Dataset
from thinkrec.decoding.policy import Writer
from thinkrec.errors import CheckpointError, RecipeError
from thinkrec.evaluate.results import read_verdict
from thinkrec.io.files import check_complete
from thinkrec.run import saved_model
from thinkrec.run.explained import build_reason_writer
from thinkrec.run.layout import list_required_stages
from thinkrec.run.options import RunOptions
from thinkrec.run.pipeline import Run
from thinkrec.run.stage import read_stage_result
from thinkrec.run.variants import Variant, find_row, get_final_variant
from thinkrec.score.answers import map_ids_to_codes
from thinkrec.score.predictor import Predictor
from thinkrec.score.reason_writer import ReasonWriter
from thinkrec.serve.values import ModelInfo
from thinkrec.train.model_config import ThinkRecConfig


@dataclass(eq=False)
class ServedModel:
    """A finished run, settled for answering."""

    run: Run
    variant: Variant
    predictor: Predictor
    info: ModelInfo
    _writers: dict[Writer, ReasonWriter] = field(default_factory=dict, repr=False)
    _lock: RLock = field(default_factory=RLock, repr=False)

    @property
    def ds(self) -> Dataset:
        """The data set that answers go by."""
        return self.predictor.ds

    @cached_property
    def user_codes(self) -> dict[str, int]:
        """User code by the text of an id."""
        return map_ids_to_codes(self.ds.user_ids)

    @cached_property
    def item_codes(self) -> dict[str, int]:
        """Item code by the text of an id."""
        return map_ids_to_codes(self.ds.items.ids)

    @cached_property
    def catalogue(self) -> Catalogue:
        """All titles, for reading what a reason cites."""
        return Catalogue(self.ds.items.titles)

    @cached_property
    def item_counts(self) -> tuple[np.ndarray, np.ndarray]:
        """(ratings, likes) of every item, int64 (n_items,) each."""
        table, n = self.ds.interactions, len(self.ds.items)
        return np.bincount(table.item, minlength=n), np.bincount(table.item[table.label == 1], minlength=n)

    @property
    def user_encoder(self) -> Encoder | None:
        """Whose vectors users are compared by; None where the model has none."""
        if self.predictor.router is not None:
            return self.predictor.router.encoder
        return None if self.predictor.slot_encoder is None else self.predictor.slot_encoder.encoder

    def get_writer(self, choice: Writer) -> ReasonWriter:
        """Who writes reasons; made once per choice."""
        with self._lock:
            if choice not in self._writers:
                self._writers[choice] = build_reason_writer(self.run, self.variant, self.predictor, choice)
            return self._writers[choice]

    def prepare(self) -> None:
        """Make everything that the first requests would else wait for or several threads make at the same time."""
        _ = self.predictor.renderer, self.user_codes, self.item_codes, self.catalogue, self.item_counts


def open_model(folder: Path, options: RunOptions | None = None) -> ServedModel:
    """Open the folder of a finished run or a saved recommender, after a check of all files that answering needs.

    Raises CheckpointError naming the file that is missing, truncated or from other stages; RecipeError for a run that
    trained a scorer alone.
    """
    options = options or RunOptions()
    recipe = saved_model.read_recipe(folder)
    if not isinstance(recipe.model, ThinkRecConfig):
        raise RecipeError(
            f"{folder} trained {recipe.model.kind}, which only gives scores; serve a run whose model.kind is thinkrec"
        )
    check_run_files(folder, list_required_stages(recipe))
    saved_model.check_stages_finished(folder, recipe)
    options.apply()
    run = Run(recipe, folder, preloaded_dataset=saved_model.read_current_data(recipe, folder), options=options)
    variant = get_final_variant(run.model)
    predictor = run.load_predictor(variant)
    info = _describe_model(run, variant, predictor, folder)
    model = ServedModel(run, variant, predictor, info)
    model.prepare()
    return model


def check_run_files(folder: Path, stages: tuple[str, ...]) -> None:
    """See that every file of these stages is whole; raises CheckpointError naming the first that is not.

    Weights are safetensors alone: a pickled file in a stage is refused, whatever its name says it is.
    """
    for stage in stages:
        read_stage_result(folder / stage)
        for path in sorted((folder / stage).rglob("*")):
            if path.suffix == ".safetensors":
                check_complete(path)
            elif path.suffix in (".pkl", ".pickle", ".pt", ".pth", ".bin", ".joblib"):
                raise CheckpointError(
                    f"{path} may hold pickled code, which is never loaded; take it out of the run's folder"
                )
            elif path.is_file() and path.suffix == ".json" and not path.stat().st_size:
                raise CheckpointError(f"{path} is empty; copy the run again, or train that stage again")


def _describe_model(run: Run, variant: Variant, predictor: Predictor, folder: Path) -> ModelInfo:
    ds, router, slots = predictor.ds, predictor.router, predictor.slot_encoder
    result: dict[str, Any] = read_stage_result(folder / variant.stage)
    return ModelInfo(
        run=folder.resolve().name,
        version=str(result["key"]),
        row=find_row(run.recipe, variant),
        users=len(ds.user_ids),
        items=len(ds.items),
        item_word=ds.domain.item,
        items_word=ds.domain.items,
        user_word=ds.domain.user,
        warning=read_verdict(folder),
        has_groups=router is not None,
        has_user_vectors=router is not None or (slots is not None and slots.encoder is not None),
        history_lines=predictor.prompt.history,
    )
