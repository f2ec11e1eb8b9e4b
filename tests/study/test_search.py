"""A search: chosen on validation rows alone, gone on with after a kill, refused where the question has changed."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import yaml
from support.command_line import call
from support.tiny_study import MF, write_recipe

from thinkrec.data.interactions import VALID
from thinkrec.errors import CheckpointError, RecipeError
from thinkrec.evaluate.metrics.ranking import compute_auc
from thinkrec.run.pipeline import Run
from thinkrec.run.predict import predict_split
from thinkrec.run.recipe_files import load_recipe
from thinkrec.study import search
from thinkrec.study.search import (
    JOURNAL,
    TRIALS,
    SearchOptions,
    Trial,
    compute_criterion,
    find_best_trial,
    run_search,
)
from thinkrec.study.search_results import build_best_recipe, describe_search, render_search, write_search
from thinkrec.study.search_space import Choices, Range

SPACE = {"model.dim": Choices(choices=(4, 6)), "model.training.lr": Range(low=1e-3, high=0.1, log=True)}


def options(n_trials: int, **changes) -> SearchOptions:
    return SearchOptions(n_trials, **{"progress": False, "criterion": "auc", **changes})


def need_optuna() -> None:
    pytest.importorskip("optuna", reason="Optuna is not installed; pip install 'thinkrec[search]'")


def test_trials_are_judged_by_validation_rows_and_the_first_is_the_recipe_as_it_stands(tmp_path: Path) -> None:
    need_optuna()
    recipe = str(write_recipe(tmp_path, "mf", model={**MF, "training": {"epochs": 2, "lr": 0.01}}))
    trials = run_search(recipe, [], SPACE, tmp_path / "search", options(3))
    assert [trial.number for trial in trials] == [0, 1, 2]
    assert trials[0].values == {"model.dim": 4, "model.training.lr": 0.01}
    folders = list((tmp_path / "search" / TRIALS).iterdir())
    assert len(folders) == 3 and not list((tmp_path / "search").rglob("metrics.json")), "no test row is judged"
    run = Run(load_recipe(recipe), tmp_path / "alone")
    run.train_all_stages()
    rows = run.ds.interactions.get_split_rows(VALID)
    score = predict_split(run, "valid")["score"].to_numpy()
    assert trials[0].score == pytest.approx(compute_auc(run.ds.interactions.label[rows], score))
    best = find_best_trial(trials)
    assert best.score == max(trial.score for trial in trials)
    table, path = write_search(recipe, ["evaluation.k=3"], trials, tmp_path / "search")
    found = load_recipe(path)
    assert (found.model.dim, found.model.training.lr) == (best.values["model.dim"], best.values["model.training.lr"])
    assert found.evaluation.k == 3 and found.name == "mf-searched"
    assert table.read_text().count("\n| ") == 1 + 1 + 3


def test_a_stopped_search_goes_on_and_tries_again_what_was_under_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need_optuna()
    recipe = str(write_recipe(tmp_path, "mf"))
    measured: list[list[str]] = []

    def measure_or_die(recipe: str, overrides: list[str], *further) -> dict[str, float]:
        measured.append(overrides)
        if len(measured) == 2:
            raise KeyboardInterrupt  # as little is told to the journal as by a kill
        return {"auc": 0.5 + 0.01 * len(measured), "uauc": 0.5}

    monkeypatch.setattr(search, "_measure_recipe", measure_or_die)
    with pytest.raises(KeyboardInterrupt):
        run_search(recipe, [], SPACE, tmp_path / "search", options(4))
    trials = run_search(recipe, [], SPACE, tmp_path / "search", options(4))
    assert len(trials) == 4 and len(measured) == 5
    assert measured[2] == measured[1], "what was under way comes first"
    assert trials[0].score == pytest.approx(0.51), "what was told stays"
    assert len({str(overrides) for overrides in measured}) == 4, "a new start does not suggest the same again"
    assert run_search(recipe, [], SPACE, tmp_path / "search", options(4)) == trials and len(measured) == 5


def test_a_failed_trial_is_kept_with_its_reason_and_the_search_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need_optuna()
    calls: list[int] = []

    def fail_once(*_) -> dict[str, float]:
        calls.append(0)
        if len(calls) == 1:
            raise RecipeError("does not fit")
        return {"auc": 0.5, "uauc": math.nan}

    monkeypatch.setattr(search, "_measure_recipe", fail_once)
    recipe = str(write_recipe(tmp_path, "mf"))
    trials = run_search(recipe, [], SPACE, tmp_path / "search", options(2))
    assert [trial.failure for trial in trials] == ["does not fit", None]
    assert find_best_trial(trials).number == 1
    with pytest.raises(RecipeError, match="every trial failed; the first one: does not fit"):
        find_best_trial(trials[:1])


def test_another_question_in_the_same_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    need_optuna()
    monkeypatch.setattr(search, "_measure_recipe", lambda *_: {"auc": 0.5, "uauc": 0.5})
    recipe = str(write_recipe(tmp_path, "mf"))
    run_search(recipe, [], SPACE, tmp_path / "search", options(1))
    with pytest.raises(CheckpointError, match=r"recipe.evaluation.k changed"):
        run_search(recipe, ["evaluation.k=3"], SPACE, tmp_path / "search", options(2))
    with pytest.raises(CheckpointError, match="criterion changed"):
        run_search(recipe, [], SPACE, tmp_path / "search", options(2, criterion="uauc"))
    with pytest.raises(CheckpointError, match=r"space.model.dim.choices changed"):
        run_search(recipe, [], {**SPACE, "model.dim": Choices(choices=(4, 5))}, tmp_path / "search", options(2))
    assert (tmp_path / "search" / JOURNAL).is_file()


def test_without_optuna_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "optuna", None)
    with pytest.raises(RecipeError, match=r"pip install 'thinkrec\[search\]'"):
        run_search(str(write_recipe(tmp_path, "mf")), [], SPACE, tmp_path / "search", options(1))


def test_the_criterion_is_the_one_of_training() -> None:
    assert compute_criterion({"auc": 0.8, "uauc": 0.6}, "both") == pytest.approx(0.8 / 4 + 0.6 / 3)
    assert compute_criterion({"auc": 0.8, "uauc": 0.6}, "uauc") == 0.6
    with pytest.raises(RecipeError, match="do not define uauc"):
        compute_criterion({"auc": 0.8, "uauc": math.nan}, "uauc")


def test_the_best_of_many_is_told_with_its_luck() -> None:
    trials = [
        Trial(0, {"a.b": 1e-5}, {"auc": 0.6, "uauc": 0.5}, 0.3),
        Trial(1, {"a.b": 0.25}, {"auc": 0.7, "uauc": 0.5}, 0.4),
        Trial(2, {"a.b": 0.5}, {}, math.nan, "a | b"),
    ]
    text = render_search("mf", trials)
    assert "Best of 2 trials on validation rows: trial 1 (a.b 0.25)" in describe_search(trials)
    lines = [line for line in text.splitlines() if line.startswith("| ")][2:]
    assert lines[0].startswith("| 1 | 0.25 | .700 | .500 | .400") and lines[1].startswith("| 0 | 1e-05")
    assert r"failed: a \| b" in lines[2]


def test_the_best_recipe_extends_the_one_that_was_searched(tmp_path: Path) -> None:
    content = yaml.safe_load(build_best_recipe("ml1m/mf", ["seed=3"], Trial(4, {"model.dim": 64}, {}, 0.5)))
    assert content == {"extends": "ml1m/mf", "seed": 3, "model": {"dim": 64}, "name": "ml1m/mf-searched"}


def test_the_command_refuses_a_space_that_is_not_there(tmp_path: Path) -> None:
    result = call("search", write_recipe(tmp_path, "mf"))
    assert result.exit_code == 2 and "there is no search space" in result.stderr
