"""A search space: what it may say, and that every end of it is one that the recipe allows."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from support.tiny_study import write_recipe

from thinkrec.errors import RecipeError
from thinkrec.run.recipe_files import SPACE, find_recipe, list_recipe_folders, load_recipe
from thinkrec.study.search_space import Choices, Range, format_overrides, read_space


def write_space(folder: Path, **content) -> Path:
    path = folder / f"mf{SPACE}"
    path.write_text(yaml.safe_dump(content))
    return path


def test_what_a_space_says(tmp_path: Path) -> None:
    recipe = str(write_recipe(tmp_path, "mf"))
    lr = {"low": 1e-5, "high": 0.1, "log": True}
    path = write_space(tmp_path, **{"model.dim": {"choices": [4, 8]}, "model.training.lr": lr})
    space = read_space(path, recipe)
    assert space == {"model.dim": Choices(choices=(4, 8)), "model.training.lr": Range(low=1e-5, high=0.1, log=True)}


class Scripted:
    """Suggests the most, and remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple] = []

    def suggest_categorical(self, name, choices):
        self.asked.append((name, choices))
        return choices[-1]

    def suggest_int(self, name, low, high, *, log=False):
        self.asked.append((name, "int", low, high, log))
        return high

    def suggest_float(self, name, low, high, *, log=False):
        self.asked.append((name, "float", low, high, log))
        return high


def test_whole_ends_give_whole_numbers() -> None:
    trial = Scripted()
    settings = {"a": Range(low=1, high=9, log=True), "b": Range(low=0.5, high=2), "c": Choices(choices=("x", None))}
    assert [setting.suggest_value(trial, key) for key, setting in settings.items()] == [9, 2, None]
    assert trial.asked == [("a", "int", 1, 9, True), ("b", "float", 0.5, 2.0, False), ("c", ["x", None])]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "must hold keys of a recipe"),
        ({"model.dimm": {"choices": [4]}}, "model.dimm: the recipe does not allow 4"),
        ({"model.dim": {"choices": [4, 0]}}, "model.dim: the recipe does not allow 0"),
        ({"model.training.lr": {"low": 0.1, "high": 0.01}}, "must be below high"),
        ({"model.training.lr": {"low": 0.0, "high": 0.01, "log": True}}, "must be above zero"),
        ({"model.training.lr": {"low": -0.1, "high": 0.01}}, "model.training.lr: the recipe does not allow -0.1"),
        ({"model.dim": {"low": 4}}, "high"),
        ({"model.dim": {"choices": []}}, "choices"),
        ({"model.dim": {"choices": [4], "step": 2}}, "step: unknown key"),
    ],
)
def test_what_cannot_be_tried_is_refused_before_the_first_trial(tmp_path: Path, content: dict, message: str) -> None:
    recipe = str(write_recipe(tmp_path, "mf"))
    with pytest.raises(RecipeError) as error:
        read_space(write_space(tmp_path, **content), recipe)
    assert message in str(error.value)


def test_a_space_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="there is no search space"):
        read_space(tmp_path / "no.space.yaml", "ml1m/mf")


def test_shipped_spaces_fit_their_recipes() -> None:
    spaces = [path for folder in list_recipe_folders() for path in folder.rglob(f"*{SPACE}")]
    assert spaces
    for path in spaces:
        recipe = path.with_name(path.name.removesuffix(SPACE) + ".yaml")
        assert read_space(path, str(find_recipe(recipe)))


def test_values_survive_being_written_as_overrides(tmp_path: Path) -> None:
    values = {"model.dim": 6, "model.training.lr": 1e-05, "model.training.weight_decay": 0.0}
    recipe = load_recipe(write_recipe(tmp_path, "mf"), format_overrides(values))
    assert (recipe.model.dim, recipe.model.training.lr, recipe.model.training.weight_decay) == (6, 1e-05, 0.0)
