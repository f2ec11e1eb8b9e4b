"""Recipes in YAML files: where they are found, how one extends another, and which file a wrong key stands in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from thinkrec.errors import RecipeError
from thinkrec.io.settings import parse_settings
from thinkrec.run.recipe import Recipe, parse_recipe
from thinkrec.run.recipe_layers import (
    EXTENDS,
    SPACE,
    STUDY,
    find_recipe,
    is_recipe_file,
    list_recipe_folders,
    list_recipes,
    merge_layer,
    note_origin,
    read_layers,
    read_mapping,
)

__all__ = [
    "EXTENDS",
    "SPACE",
    "STUDY",
    "find_recipe",
    "is_recipe_file",
    "list_recipe_folders",
    "list_recipes",
    "load_recipe",
    "read_stored_recipe",
]


def read_stored_recipe(path: Path) -> Recipe:
    """The resolved recipe that a run wrote into its folder, also under the key names of an earlier version.

    Raises RecipeError naming the file and the key.
    """
    return parse_recipe(read_mapping(path), str(path), stored=True)


def complete_stored_recipe(content: dict[str, Any]) -> dict[str, Any]:
    """A recipe that was written as values, by an earlier version perhaps, with the keys that are new at their defaults.

    So that a key that came later is no change of what was made before. What is no recipe any more is given back as it
    is.
    """
    try:
        return parse_recipe(content, "a stored recipe", stored=True).model_dump(mode="json")
    except RecipeError:
        return content


def load_recipe(name: str | Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe with all that it extends, and apply overrides such as `seed=1` or `model.prompt.history=20`.

    Args:
        name: a YAML file or the name of a shipped recipe.
        overrides: KEY=VALUE with dotted keys; they go above everything that the files say.

    Raises RecipeError naming the file and the key.
    """
    path = find_recipe(name)
    content: dict[str, Any] = {}
    origins: dict[str, Path] = {}
    for file, layer in read_layers(path):
        content = merge_layer(content, layer, file, origins)
    if overrides:
        parse_settings(content, overrides, "override", "key=value, for instance seed=1", _fill_defaults(content))
        for override in overrides:
            note_origin(origins, override.partition("=")[0], path)

    def name_files(key: str) -> str:
        files = _find_origins(origins, key)
        return "" if files in ([], [path]) else f" [in {', '.join(map(str, files))}]"

    return parse_recipe(content, str(path), name_files)


def _find_origins(origins: dict[str, Path], key: str) -> list[Path]:
    """The files that the value at a dotted key comes from: several where files wrote parts of a section."""
    parts = key.split(".")
    above = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    nearest = next((origins[place] for place in above if place in origins), None)
    inner = [file for place, file in origins.items() if place.startswith(f"{key}.")]
    return list(dict.fromkeys([*([nearest] if nearest else []), *inner]))


def _fill_defaults(content: dict[str, Any]) -> dict[str, Any] | None:
    """Every key of a recipe with its value; None where only the overrides make it a recipe."""
    try:
        return Recipe.model_validate(content).model_dump(mode="json")
    except ValidationError:
        return None
