"""`thinkrec check`: what tables hold, what is wrong with them, and a recipe that runs on them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from thinkrec.cli.options import Overrides
from thinkrec.data.inspect.model_kind import ModelKind

if TYPE_CHECKING:
    from thinkrec.data.inspect.inspection import Inspection

_PLAIN_KINDS = (".yaml", ".yml")


def check(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILES|RECIPE", help="Tables: files, folders, patterns; or one recipe's name or file."),
    ],
    overrides: Overrides = None,
    write: Annotated[
        Path | None, typer.Option(help="Write a recipe that runs on these tables, such as mine.yaml.")
    ] = None,
    model: Annotated[ModelKind, typer.Option(help="What that recipe trains.")] = "thinkrec",
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Say what tables hold, all that is wrong with them, and how to train on them.

    - `thinkrec check ratings.csv movies.csv`
    - `thinkrec check ratings.dat.gz items.jsonl --write mine.yaml`, then `thinkrec run mine.yaml`
    - `thinkrec check ratings.csv books.csv -o threshold=6 -o items_format.columns.title=Name`: where a guess is wrong
    - `thinkrec check mine.yaml --json`

    Ends with 0 where a run would go through, with 1 where it would stop. With --write, rows that cannot be used stop
    nothing: the recipe leaves them out, and says how many.
    """
    from thinkrec.cli.check_view import print_inspection
    from thinkrec.errors import RecipeError

    is_recipe = len(files) == 1 and (Path(files[0]).suffix.lower() in _PLAIN_KINDS or not _is_table_name(files[0]))
    if is_recipe and write is not None:
        raise RecipeError("--write makes a recipe of tables, and this is one already; leave it out")
    inspection = _inspect_recipe(files[0], overrides or []) if is_recipe else _inspect_tables(files, overrides or [])
    problems = inspection.problems if write is None else inspection.list_open_problems()
    if write is not None and not problems:
        _write_recipe(inspection, write, model, files)
    if as_json:
        import json

        typer.echo(json.dumps(inspection.to_json(), indent=2, default=str))
    else:
        print_inspection(inspection, write if not problems else None)
    if problems:
        raise typer.Exit(1)


def _is_table_name(name: str) -> bool:
    path = Path(name)
    return path.exists() or any(mark in name for mark in "*?[") or bool(path.suffix)


def _inspect_tables(files: list[str], settings: list[str]) -> Inspection:
    from thinkrec.data.inspect.inspection import inspect_files

    return inspect_files([Path(file) for file in files], settings)


def _inspect_recipe(name: str, overrides: list[str]) -> Inspection:
    from thinkrec.data.inspect.inspection import inspect_dataset, inspect_tables
    from thinkrec.data.table_config import TableData
    from thinkrec.run.recipe_layers import merge_recipe_files

    content: dict[str, Any] = merge_recipe_files(name)
    data = content.get("data")
    if isinstance(data, dict) and data.get("kind") == "tables" and not overrides:
        try:
            return inspect_tables(TableData.model_validate(data))
        except ValueError:
            pass  # what is wrong with the keys is told with all others, below
    from thinkrec.run.data_sources import load_data
    from thinkrec.run.recipe_files import load_recipe

    recipe = load_recipe(name, overrides)
    return inspect_tables(recipe.data) if recipe.data.kind == "tables" else inspect_dataset(load_data(recipe.data)[0])


def _write_recipe(inspection: Inspection, path: Path, model: ModelKind, files: list[str]) -> None:
    import shlex

    from thinkrec.data.inspect.recipe_text import build_recipe_text
    from thinkrec.io.files import write_text

    command = shlex.join(["thinkrec", "check", *files, "--write", str(path)])
    text = build_recipe_text(inspection, path, model, command)
    write_text(path, text)
