"""YAML files of recipes as plain values: where they are found, and how one extends another. No recipe is made here.

So a command that needs a few keys alone does not wait for what a whole recipe imports.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from thinkrec.errors import RecipeError
from thinkrec.io.settings import TAGS

EXTENDS = "extends"
"""The key of a file that names its base; no key of a Recipe."""
STUDY, SPACE = "study.yaml", ".space.yaml"
"""What a study's settings are called, and how the names of search spaces end: they stand among recipes and are none."""


def list_recipe_folders() -> list[Path]:
    """Where named recipes are looked for: inside the package, then in a clone's recipes/."""
    package = Path(__file__).resolve().parents[1]
    return [package / "recipes", package.parents[1] / "recipes"]


def list_recipes() -> list[str]:
    """Names of all shipped recipes."""
    files = ((folder, path) for folder in list_recipe_folders() for path in folder.rglob("*.yaml"))
    return sorted({p.relative_to(f).with_suffix("").as_posix() for f, p in files if is_recipe_file(p)})


def is_recipe_file(path: Path) -> bool:
    """Whether a YAML file among recipes is one, and no study or search space."""
    return path.name != STUDY and not path.name.endswith(SPACE)


def find_recipe(name: str | Path) -> Path:
    """The YAML file of a recipe given by path or by name. Raises RecipeError listing the known names."""
    if Path(name).is_file():
        return Path(name)
    if path := _find_shipped(name):
        return path
    raise RecipeError(f"there is no recipe {str(name)!r}; give a YAML file or one of: {', '.join(list_recipes())}")


def merge_recipe_files(name: str | Path) -> dict[str, Any]:
    """Plain values of a recipe with all that it extends, unchecked. Raises RecipeError naming the file."""
    content: dict[str, Any] = {}
    origins: dict[str, Path] = {}
    for file, layer in read_layers(find_recipe(name)):
        content = merge_layer(content, layer, file, origins)
    return content


def _find_shipped(name: str | Path) -> Path | None:
    return next((path for folder in list_recipe_folders() if (path := folder / f"{name}.yaml").is_file()), None)


def read_layers(path: Path) -> list[tuple[Path, dict[str, Any]]]:
    """The file and its bases with what they hold, the lowest base first."""
    layers: list[tuple[Path, dict[str, Any]]] = []
    base: Path | None = path
    while base is not None:
        chain = [file for file, _ in layers]
        if base.resolve() in [file.resolve() for file in chain]:
            shown = f" {EXTENDS} ".join(map(str, [*chain, base]))
            raise RecipeError(f"{path}: {EXTENDS}: the bases go in a circle: {shown}; remove one {EXTENDS}")
        content = read_mapping(base)
        layers.append((base, content))
        base = _find_base(base, content.pop(EXTENDS)) if EXTENDS in content else None
    return layers[::-1]


def read_mapping(path: Path) -> dict[str, Any]:
    """The keys and values of one YAML file. Raises RecipeError naming the file."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise RecipeError(f"{path} is not valid YAML: {error}") from error
    if not isinstance(content, dict):
        raise RecipeError(f"{path} must hold keys and values, such as `name: demo`")
    return content


def _find_base(file: Path, name: Any) -> Path:
    """The file that `file` extends: a path from the folder of `file`, else the name of a shipped recipe."""
    if not isinstance(name, str) or not name:
        raise RecipeError(
            f"{file}: {EXTENDS}: must be one name or path, such as `{EXTENDS}: demo` or `{EXTENDS}: base.yaml` "
            f"(got {name!r})"
        )
    path = file.parent / Path(name).expanduser()
    if path.is_file():
        return path
    if shipped := _find_shipped(name):
        return shipped
    raise RecipeError(
        f"{file}: {EXTENDS}: there is no recipe {name!r}; give a YAML file by its path from {file.parent.absolute()}, "
        f"or one of: {', '.join(list_recipes())}"
    )


def merge_layer(
    base: dict[str, Any], layer: dict[str, Any], file: Path, origins: dict[str, Path], section: str = ""
) -> dict[str, Any]:
    """`base` with the keys of `layer` put in: mappings key by key, everything else, null included, in its place.

    A mapping that chooses another type than the base's (another `kind`, or `by`) takes its place as a whole, since the
    keys of one type mean nothing to another. `origins` is told which file each key comes from.
    """
    merged = dict(base)
    for key, value in layer.items():
        place = f"{section}.{key}" if section else str(key)
        below = base.get(key)
        if isinstance(below, dict) and isinstance(value, dict) and not _change_type(below, value):
            merged[key] = merge_layer(below, value, file, origins, place)
        else:
            merged[key] = value
            note_origin(origins, place, file)
    return merged


def _change_type(below: dict[str, Any], value: dict[str, Any]) -> bool:
    return any(tag in below and tag in value and below[tag] != value[tag] for tag in TAGS)


def note_origin(origins: dict[str, Path], place: str, file: Path) -> None:
    """Remember that everything at the dotted key `place` and below comes from `file`."""
    for inner in [at for at in origins if at.startswith(f"{place}.")]:
        del origins[inner]
    origins[place] = file
