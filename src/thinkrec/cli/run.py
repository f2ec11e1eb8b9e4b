"""`thinkrec run`: a recipe from data to report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from thinkrec.cli.options import Device, Overrides, Seed, Threads, Workers

if TYPE_CHECKING:
    from thinkrec.run.options import RunOptions
    from thinkrec.run.pipeline import Run
    from thinkrec.run.results import RunResults


def run(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="Name (`thinkrec recipe --list`) or YAML file.")],
    folder: Annotated[Path | None, typer.Option(help="Where the run is kept; by default runs/NAME.")] = None,
    overrides: Overrides = None,
    results: Annotated[Path | None, typer.Option(help="Also export predictions and metrics to this/NAME.")] = None,
    any_code: Annotated[
        bool, typer.Option("--any-code", help="Keep finished stages although the package's code has changed since.")
    ] = False,
    reuse: Annotated[
        list[str] | None,
        typer.Option(
            "--reuse", metavar="RUN", help="Copy stages that this run has finished on the same inputs; may be repeated."
        ),
    ] = None,
    train_only: Annotated[
        bool, typer.Option("--train-only", help="Train, for rank and explain; no baselines, test scores or report.")
    ] = False,
    device: Device = None,
    workers: Workers = None,
    threads: Threads = None,
    seed: Seed = None,
    sharding: Annotated[
        str,
        typer.Option(
            metavar="none|full",
            help="full: torchrun's processes spread the frozen layers of a backbone that does not fit one card.",
        ),
    ] = "none",
) -> None:
    """Run a recipe from data to report.

    A stopped run goes on where it was; a finished stage is kept while all that it was made from is the same: settings,
    tables, backbone, reasons, prompts and code, by their contents.

    - `thinkrec run ml1m/mf`
    - `thinkrec run my.yaml --seed 1 -o model.prompt.history=20 --folder runs/longer`
    - `thinkrec run ml1m/mf --results results`
    - `thinkrec run ml1m/ablations/fusion-single --reuse ml1m/thinkrec-nano-complete`: nothing is trained twice
    - `thinkrec run my.yaml --train-only`; without that option the same command then does the rest
    """
    from rich.text import Text

    from thinkrec.cli import show
    from thinkrec.errors import RecipeError
    from thinkrec.run.folders import find_run_folder
    from thinkrec.run.options import RunOptions

    others = tuple(find_run_folder(name) for name in reuse or ())
    given = {"device": device, "workers": workers, "threads": threads, "seed": seed, "sharding": sharding}
    options = RunOptions.from_environment(**given, reuse=others)
    if train_only:
        if results is not None:
            raise RecipeError("--train-only makes no predictions or metrics to export; leave out --results")
        place = build_run(recipe, folder, overrides or [], options=options, any_code=any_code)
        print_preview(place, recipe)
        place.train_all_stages()
        show.make_console().print(Text(f"trained: {place.folder}"), soft_wrap=True)
        print_next_steps(place)
        return
    place = build_run(recipe, folder, overrides or [], options=options, any_code=any_code)
    done = finish_and_print(place, recipe, results)
    show.make_console().print(Text(f"metrics: {done.metrics_path}\nreport:  {done.report_path}"))
    print_next_steps(place)


def build_run(
    name: str, folder: Path | None, overrides: Sequence[str], *, options: RunOptions, any_code: bool = False
) -> Run:
    """A recipe with its folder, ready to be run, or gone on with, as the options say."""
    from thinkrec.io.processes import is_main, silence_other_processes
    from thinkrec.run.pipeline import Run
    from thinkrec.run.recipe_files import load_recipe

    options.apply()
    recipe = options.apply_seed(load_recipe(name, overrides))
    silence_other_processes()
    place = folder or Path("runs") / recipe.name
    return Run(recipe, place, progress=is_main(), ignore_code_changes=any_code, options=options)


def print_preview(run: Run, asked: str) -> None:
    """What `thinkrec check` would say of the data, in a few lines. `asked`: the recipe, as the user called it.

    Raises DataError for tables that cannot be read, naming the command that lists all that is wrong at once.
    """
    from thinkrec.errors import DataError
    from thinkrec.run.preview import describe_preview

    if not run.progress:
        return
    try:
        lines = describe_preview(run)
    except DataError as error:
        if run.recipe.data.kind != "tables":
            raise
        raise DataError(f"{error} `thinkrec check {asked}` lists everything that is wrong at once.") from error
    for line in lines:
        run.stage_runner.print_line(line)


def execute_recipe(
    name: str,
    folder: Path | None,
    overrides: Sequence[str],
    *,
    options: RunOptions,
    results: Path | None = None,
    any_code: bool = False,
) -> RunResults:
    """Run a recipe, or go on with it, and print its table and where things lie."""
    run = build_run(name, folder, overrides, options=options, any_code=any_code)
    return finish_and_print(run, name, results)


def finish_and_print(run: Run, asked: str, results: Path | None = None) -> RunResults:
    """All stages of a run, and its table, what has to be known of its data, and where its results were exported to."""
    from rich.text import Text

    from thinkrec.cli import show
    from thinkrec.evaluate.table import render_results
    from thinkrec.io.processes import run_on_main
    from thinkrec.run.exports import export_results
    from thinkrec.run.report_data import describe_data
    from thinkrec.run.results import finish_run

    print_preview(run, asked)
    recipe = run.recipe
    done: RunResults = run.run_all_stages(finish_run)
    console = show.make_console()
    console.print(render_results(done.results, title=recipe.name))
    for fact_name, fact in describe_data(run).items():
        console.print(Text(f"{fact_name}: {fact}", style="dim"))
    for row, why in run.failures.items():
        console.print(Text(f"no row for {row}: {why}"))
    if results is not None:
        written = run_on_main(lambda: export_results(run, done, results / recipe.name))
        console.print(Text(f"results: {written}"))
    return done


def print_next_steps(run: Run) -> None:
    """The commands that somebody with a trained recommender of their own tables wants next."""
    from rich.text import Text

    from thinkrec.cli import show

    if run.recipe.data.kind not in ("tables", "source") or run.recipe.model.kind != "thinkrec":
        return
    name, user = show.name_run(run.folder), run.ds.user_ids[0]
    lines = [
        f"next:    thinkrec recommend {name} --users {user} --top 5 --reasons",
        f"         thinkrec recommend {name} --users all --top 10 --out recommendations.csv",
    ]
    show.make_console().print(Text("\n".join(lines)), soft_wrap=True)
