"""Commands about runs, recipes and this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from thinkrec.cli.options import Overrides, RunName


def demo(
    folder: Annotated[Path, typer.Option(help="Where the run is kept.")] = Path("runs/demo"),
    overrides: Overrides = None,
) -> None:
    """Train on a simulated catalogue; show the table, three explained recommendations and a report.

    - `thinkrec demo`
    - `thinkrec demo -o seed=1 --folder runs/demo-1`
    """
    from thinkrec.commands import running

    running.run_demo_command(folder, overrides or [])


def run(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="Name (`thinkrec recipe --list`) or YAML file.")],
    folder: Annotated[Path | None, typer.Option(help="Where the run is kept; by default runs/NAME.")] = None,
    overrides: Overrides = None,
    results: Annotated[Path | None, typer.Option(help="Also export predictions and metrics to this/NAME.")] = None,
    any_code: Annotated[
        bool, typer.Option("--any-code", help="Keep finished stages although the package's code has changed since.")
    ] = False,
) -> None:
    """Run a recipe from data to report.

    A stopped run goes on where it was; a finished stage is kept while all that it was made from is the same: settings,
    tables, backbone, reasons, prompts and code, by their contents.

    - `thinkrec run ml1m/mf`
    - `thinkrec run my.yaml -o seed=1 -o model.prompt.history=20 --folder runs/longer`
    - `thinkrec run ml1m/mf --results results`
    """
    from thinkrec.commands import running

    running.run_run_command(recipe, folder, overrides or [], results, any_code)


def report(run: RunName) -> None:
    """Write the metrics and the report of a finished run again; prints where the report is.

    - `thinkrec report demo`
    """
    from thinkrec.commands import running

    running.run_report_command(run)


def table(
    runs: Annotated[list[str], typer.Argument(metavar="RUN...", help="Finished runs on the same rows.")],
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown.")] = False,
) -> None:
    """One table of several runs.

    - `thinkrec table ml1m/mf ml1m/boosting`
    - `thinkrec table ml1m/mf ml1m/boosting --markdown > table.md`
    """
    from thinkrec.commands import running

    running.run_table_command(runs, markdown)


def recipe(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Name or YAML file.")] = None,
    overrides: Overrides = None,
    names: Annotated[bool, typer.Option("--list", help="List the recipes that come along.")] = False,
    keys: Annotated[bool, typer.Option("--keys", help="Explain every key.")] = False,
) -> None:
    """Print a recipe with every key filled in.

    - `thinkrec recipe demo > my.yaml`
    - `thinkrec recipe demo -o model.encoder.kind=sasrec`
    - `thinkrec recipe --list`
    - `thinkrec recipe --keys`
    """
    from thinkrec.commands import keys as recipes

    recipes.run_recipe_command(name, overrides or [], names, keys)


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False) -> None:
    """Check this machine: versions, devices, memory, language models, data; every problem with its remedy.

    - `thinkrec doctor`
    - `thinkrec doctor --json > machine.json`
    """
    from thinkrec.commands import machine

    raise typer.Exit(0 if machine.run_doctor_command(as_json) else 1)
