"""Settings of a recipe chosen by trials, on validation rows alone; kept in a journal, so a stopped search goes on."""

from __future__ import annotations

import importlib
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from thinkrec.data.interactions import VALID
from thinkrec.errors import CheckpointError, RecipeError, ThinkRecError
from thinkrec.evaluate.metrics.ranking import compute_auc, compute_uauc
from thinkrec.io.hashing import hash_json
from thinkrec.io.progress import Progress
from thinkrec.run.options import RunOptions
from thinkrec.run.pipeline import Run
from thinkrec.run.predict import predict_split
from thinkrec.run.predictions import SCORE
from thinkrec.run.recipe_files import complete_stored_recipe, load_recipe
from thinkrec.run.stage import find_changed_inputs
from thinkrec.study.claims import find_holder, take_claim
from thinkrec.study.search_space import Space, Value, format_overrides

JOURNAL, TRIALS = "journal.log", "trials"
INPUTS, FAILURE, METRICS = "inputs", "failure", "metrics"
"""What is kept of the search, and of a trial, in the journal."""

Criterion = Literal["both", "auc", "uauc"]
"""What is maximised on validation rows; both: AUC / 4 + UAUC / 3, by which states of training are chosen too."""


@dataclass(frozen=True)
class SearchOptions:
    """How a search is run."""

    n_trials: int
    criterion: Criterion = "both"
    seed: int = 0
    """Of the suggestions; the recipe's own seed is that of its training."""
    run: RunOptions = field(default_factory=RunOptions)
    progress: bool = True


@dataclass(frozen=True)
class Trial:
    """One setting that was tried."""

    number: int
    values: dict[str, Value]
    metrics: dict[str, float]
    """auc and uauc on validation rows; empty where it failed."""
    score: float
    """The criterion; NaN where it failed."""
    failure: str | None = None


def run_search(
    recipe: str, overrides: Sequence[str], space: Space, folder: Path, options: SearchOptions
) -> list[Trial]:
    """Try settings until `n_trials` are done, those of earlier starts included; returns all of them, in order.

    Each trial trains the recipe in a folder of its own, named after its values, and is judged by validation rows; no
    figure of a test row is computed. The first one is the recipe as it stands, where the space holds its values. A
    trial whose process is gone is tried again, from its last saved step. Several processes may share the folder.

    Raises RecipeError where Optuna is missing, and CheckpointError where the folder holds another search.
    """
    study = _open_study(recipe, overrides, space, folder, options)
    _resume_dead_trials(study, folder)
    with Progress("search", options.n_trials, shown=options.progress, unit="trials") as bar:
        bar.skip(len(_list_done(study)))
        while len(_list_done(study)) < options.n_trials:
            trial = study.ask()
            values = {key: setting.suggest_value(trial, key) for key, setting in space.items()}
            _run_trial(
                study, trial, recipe, [*overrides, *format_overrides(values)], _name_folder(folder, values), options
            )
            bar.advance(1, _describe_best(list_trials(study)))
    return list_trials(study)


def list_trials(study: Any) -> list[Trial]:
    """Trials that are done, in order; those that were taken up again under another number are left out."""
    trials = []
    for entry in _list_done(study):
        metrics = entry.user_attrs.get(METRICS, {})
        score = math.nan if entry.value is None else float(entry.value)
        trials.append(Trial(entry.number, dict(entry.params), metrics, score, entry.user_attrs.get(FAILURE)))
    return trials


def find_best_trial(trials: Sequence[Trial]) -> Trial:
    """The trial with the highest criterion. Raises RecipeError, with the first reason, where all have failed."""
    done = [trial for trial in trials if trial.failure is None]
    if not done:
        reason = trials[0].failure if trials else "there was none"
        raise RecipeError(f"every trial failed; the first one: {reason}")
    return max(done, key=lambda trial: trial.score)


def _load_optuna() -> Any:
    """The package, which not everybody has. Raises RecipeError saying how to install it."""
    try:
        importlib.import_module("optuna.storages.journal")
        return importlib.import_module("optuna")
    except ImportError as error:
        raise RecipeError("a search needs Optuna; install it: pip install 'thinkrec[search]'") from error


def _open_study(recipe: str, overrides: Sequence[str], space: Space, folder: Path, options: SearchOptions) -> Any:
    optuna = _load_optuna()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    folder.mkdir(parents=True, exist_ok=True)
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(folder / JOURNAL)))
    study = optuna.create_study(storage=storage, study_name="search", direction="maximize", load_if_exists=True)
    # Another seed at every start: the same one would suggest again what was tried.
    seed = int(hash_json([options.seed, len(study.trials)]), 16) % 2**32
    study.sampler = optuna.samplers.TPESampler(seed=seed)
    inputs = {
        "recipe": load_recipe(recipe, overrides).model_dump(mode="json"),
        "space": {key: setting.model_dump(mode="json") for key, setting in space.items()},
        "criterion": options.criterion,
    }
    _check_inputs(study, inputs, folder)
    if not study.trials:
        current = {key: _get_value(inputs["recipe"], key) for key in space}
        if all(_can_hold_value(space[key], value) for key, value in current.items()):
            study.enqueue_trial(current)
    return study


def _check_inputs(study: Any, inputs: Mapping[str, Any], folder: Path) -> None:
    """Raise CheckpointError where the journal is that of another search, with what differs."""
    before = study.user_attrs.get(INPUTS)
    if before is None:
        study.set_user_attr(INPUTS, inputs)
    elif changed := find_changed_inputs({**before, "recipe": complete_stored_recipe(before["recipe"])}, inputs):
        raise CheckpointError(
            f"{folder} holds a search with other settings ({', '.join(changed)} changed); values of both would not "
            "compare: give another folder with --folder"
        )


def _resume_dead_trials(study: Any, folder: Path) -> None:
    """Trials that were under way when their process ended are put first again."""
    states = _load_optuna().trial.TrialState
    for entry in study.get_trials(deepcopy=False, states=[states.RUNNING]):
        if find_holder(_name_folder(folder, entry.params)) is not None:
            continue
        study.tell(entry.number, state=states.FAIL, skip_if_finished=True)
        if len(entry.params) == len(study.user_attrs[INPUTS]["space"]):
            study.enqueue_trial(entry.params)


def _list_done(study: Any) -> list[Any]:
    states = _load_optuna().trial.TrialState
    entries = study.get_trials(deepcopy=False)
    return [e for e in entries if e.state == states.COMPLETE or FAILURE in e.user_attrs]


def _run_trial(
    study: Any, trial: Any, recipe: str, overrides: Sequence[str], folder: Path, options: SearchOptions
) -> None:
    """Train and judge one setting, and tell the study."""
    states = _load_optuna().trial.TrialState
    claim = take_claim(folder)
    if claim is None:
        trial.set_user_attr(FAILURE, "another process tries the same values just now")
        study.tell(trial, state=states.FAIL)
        return
    claim.keep_heartbeat(lambda: os._exit(1))
    try:
        metrics = _measure_recipe(recipe, overrides, folder, options)
        trial.set_user_attr(METRICS, metrics)
        study.tell(trial, compute_criterion(metrics, options.criterion))
    except (ThinkRecError, ArithmeticError, MemoryError, RuntimeError) as error:
        reason = (str(error).strip() or "no message").splitlines()[0]
        trial.set_user_attr(
            FAILURE, reason if isinstance(error, ThinkRecError) else f"{type(error).__name__}: {reason}"
        )
        study.tell(trial, state=states.FAIL)
    finally:
        claim.release()


def _measure_recipe(recipe: str, overrides: Sequence[str], folder: Path, options: SearchOptions) -> dict[str, float]:
    """Train a recipe, and measure its own model on validation rows."""
    run = Run(options.run.apply_seed(load_recipe(recipe, overrides)), folder, options=options.run)
    run.train_all_stages()
    rows = run.ds.interactions.get_split_rows(VALID)
    user, label = run.ds.interactions.user[rows], run.ds.interactions.label[rows]
    score = predict_split(run, "valid")[SCORE].to_numpy()
    return {"auc": compute_auc(label, score), "uauc": compute_uauc(user, label, score)}


def compute_criterion(metrics: Mapping[str, float], criterion: Criterion) -> float:
    """What is maximised. Raises RecipeError where the validation rows do not define it.

    >>> round(compute_criterion({"auc": 0.8, "uauc": 0.6}, "both"), 3)
    0.4
    """
    value = metrics["auc"] / 4 + metrics["uauc"] / 3 if criterion == "both" else metrics[criterion]
    if math.isnan(value):
        raise RecipeError(
            f"the validation rows do not define {criterion}: AUC needs both classes, UAUC a user with both; choose "
            "another criterion with --criterion auc"
        )
    return value


def _name_folder(folder: Path, values: Mapping[str, Any]) -> Path:
    return folder / TRIALS / hash_json(dict(sorted(values.items())))


def _get_value(content: Any, key: str) -> Any:
    """The value of a dotted key; None where there is none."""
    for part in key.split("."):
        content = content.get(part) if isinstance(content, dict) else None
    return content


def _can_hold_value(setting: Any, value: Any) -> bool:
    if hasattr(setting, "choices"):
        return value in setting.choices
    return isinstance(value, int | float) and not isinstance(value, bool) and setting.low <= value <= setting.high


def _describe_best(trials: Sequence[Trial]) -> str:
    scores = [trial.score for trial in trials if trial.failure is None]
    return f"best {max(scores):.4f}" if scores else ""
