"""Folders of runs, by path or by name."""

from __future__ import annotations

from pathlib import Path

from thinkrec.errors import CheckpointError

_RECIPES = (".yaml", ".yml")


def find_run_folder(name: str) -> Path:
    """The folder of a run given by path, or by its name under runs/. Raises CheckpointError saying where it looked.

    A folder that only happens to have the name, such as one with tables, does not hide the run.
    """
    places = [path for path in (Path(name), Path("runs") / name) if path.is_dir()]
    if places:
        return next((path for path in places if (path / "recipe.yaml").is_file()), places[0])
    hint = f"train one: thinkrec run {name if name.endswith(_RECIPES) else 'RECIPE'}"
    if Path(name).is_file() and name.endswith(_RECIPES):
        hint = f"this is a recipe, and its run is called by its name; {hint}, which says the name in the end"
    raise CheckpointError(f"there is no run {name!r} (looked for {name} and runs/{name}); {hint}")
