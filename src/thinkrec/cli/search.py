"""`thinkrec search`: settings of a recipe chosen on validation rows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from thinkrec.cli.options import Device, Overrides, Threads, Workers


def search(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="Name (`thinkrec recipe --list`) or YAML file.")],
    space: Annotated[
        Path | None, typer.Option(help="Which values to try; by default RECIPE.space.yaml beside the recipe.")
    ] = None,
    trials: Annotated[int, typer.Option("--trials", min=1, help="Settings to try, earlier starts included.")] = 20,
    criterion: Annotated[
        Literal["both", "auc", "uauc"], typer.Option(help="What is maximised; both: AUC / 4 + UAUC / 3.")
    ] = "both",
    folder: Annotated[Path | None, typer.Option(help="Where trials are kept; by default runs/search/NAME.")] = None,
    overrides: Overrides = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the suggestions; training has the recipe's own.")] = 0,
    device: Device = None,
    workers: Workers = None,
    threads: Threads = None,
) -> None:
    """Choose settings of a recipe by trials on validation rows; no test row is judged.

    A stopped search goes on; the best setting is written as a recipe. Needs Optuna: pip install 'thinkrec[search]'.

    - `thinkrec search ml1m/mf --trials 30`
    - `thinkrec search my.yaml --space my.space.yaml --criterion uauc`
    """
    from rich.text import Text

    from thinkrec.cli import show
    from thinkrec.run.options import RunOptions
    from thinkrec.run.recipe_files import SPACE, find_recipe, load_recipe
    from thinkrec.study.search import SearchOptions, run_search
    from thinkrec.study.search_results import describe_search, write_search
    from thinkrec.study.search_space import read_space

    given = overrides or []
    path = find_recipe(recipe)
    values = read_space(space or path.with_name(path.stem + SPACE), recipe, given)
    run_options = RunOptions.from_environment(device=device, workers=workers, threads=threads)
    run_options.apply()
    place = folder or Path("runs") / "search" / load_recipe(recipe, given).name
    options = SearchOptions(n_trials=trials, criterion=criterion, seed=seed, run=run_options)
    done = run_search(recipe, given, values, place, options)
    table, best = write_search(recipe, given, done, place)
    console = show.make_console()
    console.print(Text(describe_search(done)), soft_wrap=True)
    console.print(Text(f"trials: {table}\nrecipe: {best}"), soft_wrap=True)
