"""The runs of a study: one per recipe and seed, each in a folder of its own, and how far each of them is."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from thinkrec.errors import CheckpointError
from thinkrec.io.files import write_json
from thinkrec.io.hashing import hash_file
from thinkrec.model.backbone_config import BackboneConfig
from thinkrec.model.backbone_files import (
    find_backbone_folder,
    find_gguf_file,
    list_backbone_files,
    resolve_backbone_source,
)
from thinkrec.run.backbone_choice import resolve_backbone
from thinkrec.run.data_sources import REASON_FILES, list_data_folders, list_source_paths
from thinkrec.run.inputs import REASON_CODE, SCORER_CODE
from thinkrec.run.provenance import hash_code
from thinkrec.run.recipe import Recipe, resolve_paths
from thinkrec.run.recipe_files import complete_stored_recipe
from thinkrec.run.saved_model import read_recipe
from thinkrec.run.stage import find_changed_inputs
from thinkrec.study.study_files import Study, make_slug
from thinkrec.train.model_config import ThinkRecConfig

RECORD = "study-run.json"
"""In a run's folder: what the study made it from, and whether it is finished."""
MARK = "study.json"
"""In the folder of all runs: whose they are."""
CODE = "code"

State = Literal["new", "begun", "stale", "finished"]
"""stale: finished once, from other inputs than the study has now."""


@dataclass(frozen=True)
class StudyRun:
    """One recipe with one seed."""

    row: str
    seed: int
    recipe: Recipe
    """With the seed."""
    folder: Path
    inputs: dict[str, Any]
    """All that decides its figures, as JSON values: the recipe, the code, and files by their contents."""

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return f"{self.row}, seed {self.seed}"


@dataclass(frozen=True)
class RunState:
    """How far a run is."""

    state: State
    changed: tuple[str, ...] = ()
    """Of a stale run: the inputs that differ, in dotted keys."""
    seconds: float | None = None
    """What a finished one took."""


def list_study_runs(study: Study, folder: Path) -> list[StudyRun]:
    """All runs, the first seed of every recipe before the second of any, so that early figures cover all rows."""
    runs: dict[tuple[str, int], StudyRun] = {}
    width = max(len(entry.seeds) for entry in study.entries)
    for place in range(width):
        for entry in study.entries:
            for seed in entry.seeds[place : place + 1]:
                recipe = entry.recipe.model_copy(update={"seed": seed})
                at = folder / make_slug(entry.name) / f"seed-{seed}"
                runs[entry.name, seed] = StudyRun(entry.name, seed, recipe, at, describe_inputs(recipe))
    return list(runs.values())


def describe_inputs(recipe: Recipe) -> dict[str, Any]:
    """All that decides the figures of a run, as JSON values, the same on every machine that has the same files."""
    code: set[str] = set(REASON_CODE if isinstance(recipe.model, ThinkRecConfig) else SCORER_CODE)
    if recipe.data.kind == "simulator":
        code.add("simulate")
    files = {f"{path.parent.name}/{path.name}": hash_file(path) for path in _list_input_files(recipe)}
    return json.loads(
        json.dumps({"recipe": recipe.model_dump(mode="json"), CODE: hash_code(tuple(sorted(code))), "files": files})
    )


def check_study_folder(study: Study, folder: Path, runs: Sequence[StudyRun]) -> list[str]:
    """See that a folder holds this study's runs or none; returns sentences on what in it the study no longer names.

    Raises CheckpointError where it holds those of another study, or where a run was made by another recipe.
    """
    path, name = folder / MARK, study.folder.resolve().name
    owner = (_read_json(path) or {}).get("study", name)
    if owner != name:
        raise CheckpointError(
            f"{folder} holds the runs of the study {owner!r}, not of {name!r}; give another folder with --folder"
        )
    for run in runs:
        _check_run_folder(run)
    write_json(path, {"study": name})
    current = {run.folder for run in runs}
    leftover = sorted(path.parent for path in folder.glob(f"*/*/{RECORD}") if path.parent not in current)
    return [f"{path}: the study no longer has this run; it is kept, and in no table" for path in leftover]


def read_state(run: StudyRun, *, any_code: bool = False) -> RunState:
    """How far a run is; with `any_code` a finished one counts although the package's code has changed since."""
    record = _read_json(run.folder / RECORD)
    if record is None:
        return RunState("begun" if (run.folder / "recipe.yaml").is_file() else "new")
    made_from = {**record["inputs"], "recipe": complete_stored_recipe(record["inputs"].get("recipe", {}))}
    changed = find_changed_inputs(made_from, run.inputs)
    if any_code:
        changed = [key for key in changed if key != CODE]
    if not record["finished"]:
        return RunState("begun", tuple(changed))
    return RunState("stale" if changed else "finished", tuple(changed), record.get("seconds"))


def write_record(folder: Path, row: str, inputs: dict[str, Any], **further: Any) -> None:
    """Say what a run is made from; `further`: whether it is finished, and what else its study wants to know."""
    write_json(folder / RECORD, {"row": row, "inputs": inputs, "finished": False, **further})


def read_record(run: StudyRun) -> dict[str, Any]:
    """What a run's record says; empty where there is none."""
    return _read_json(run.folder / RECORD) or {}


def _check_run_folder(run: StudyRun) -> None:
    if not (run.folder / "recipe.yaml").is_file() or (run.folder / RECORD).is_file():
        return
    there = read_recipe(run.folder)
    if there != resolve_paths(resolve_backbone(run.recipe)):
        raise CheckpointError(
            f"{run.folder} holds a run of the recipe {there.name!r} that this study did not make, and the study wants "
            f"{run.recipe.name!r} there ({run.name}); move it away, or give another folder with --folder"
        )


def _list_input_files(recipe: Recipe) -> list[Path]:
    """Files whose contents decide figures: tables, reasons, weights, a backbone in a folder."""
    places = list_source_paths(recipe.data)
    if isinstance(recipe.model, ThinkRecConfig):
        model = recipe.model
        if model.reasons.source in REASON_FILES:
            places.append(model.reasons.file or list_data_folders("ml1m")[0] / REASON_FILES[model.reasons.source])
        stages = (model.global_stage, model.expert_stage, model.vector_stage)
        places += [stage.weights for stage in stages if stage is not None and stage.weights is not None]
        places += _list_backbone_files(model.backbone)
    return list(_expand_folders(places))


def _list_backbone_files(config: BackboneConfig) -> list[Path]:
    """The files of a backbone on this machine; none of a hub's model, which its name and revision stand for."""
    config = resolve_backbone_source(config)
    try:
        is_local = find_gguf_file(config) is not None or find_backbone_folder(config) is not None
        return list_backbone_files(config) if is_local else []
    except CheckpointError:
        return []  # the run will say what is missing, and cost its own figures alone


def _expand_folders(places: Iterable[Path]) -> Iterable[Path]:
    """Files, and those directly in folders; what is not there, such as a name of a hub, and notes are left out."""
    for place in dict.fromkeys(places):
        inside = sorted(place.iterdir()) if place.is_dir() else [place]
        yield from (path for path in inside if path.is_file() and path.suffix != ".md")


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise CheckpointError(f"{path} is damaged ({error}); delete it, and run the study again") from error
    return content if isinstance(content, dict) else None
