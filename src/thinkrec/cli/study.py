"""`thinkrec study`: a folder of recipes over several seeds, to tables and tests."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from thinkrec.cli.options import Device, Threads, Workers


def study(
    name: Annotated[
        str,
        typer.Argument(metavar="FOLDER", help="Recipes, perhaps with a study.yaml; or the name of a shipped study."),
    ],
    folder: Annotated[Path | None, typer.Option(help="Where the runs are kept; by default runs/studies/NAME.")] = None,
    processes: Annotated[int, typer.Option("--processes", min=1, help="Runs at the same time, on this machine.")] = 1,
    results: Annotated[
        Path | None, typer.Option(help="Also export tables, report and all predictions to this folder.")
    ] = None,
    report: Annotated[
        bool, typer.Option("--report", help="Run nothing; write tables and report of what is there.")
    ] = False,
    any_code: Annotated[
        bool, typer.Option("--any-code", help="Keep finished runs although the package's code has changed since.")
    ] = False,
    reuse: Annotated[
        list[str] | None,
        typer.Option(
            "--reuse", metavar="RUN", help="Copy stages that this run has finished on the same inputs; may be repeated."
        ),
    ] = None,
    device: Device = None,
    workers: Workers = None,
    threads: Threads = None,
) -> None:
    """Run a folder of recipes over several seeds, and say which differences are real.

    A stopped study goes on where it was. Several machines that share the folder of the runs each start the same
    command, and take different runs; one that dies is followed by another after two minutes.

    - `thinkrec study ml1m-collaborative`
    - `thinkrec study my-recipes --processes 4 --threads 2`
    - `thinkrec study my-recipes --report`
    - `thinkrec study ml1m-experts --reuse ml1m/thinkrec-nano-complete`: what that run has trained is not trained again
    """
    from rich.console import Console
    from rich.text import Text

    from thinkrec.cli import show
    from thinkrec.run.folders import find_run_folder
    from thinkrec.run.options import RunOptions
    from thinkrec.study.schedule import ScheduleOptions, get_runs_folder
    from thinkrec.study.sentences import build_row_sentences, describe_gaps
    from thinkrec.study.study_files import find_study_folder, read_study
    from thinkrec.study.walk import export_study, run_study

    errors = Console(stderr=True, highlight=False)
    asked = read_study(find_study_folder(name))
    options = ScheduleOptions(
        run=RunOptions.from_environment(
            device=device, workers=workers, threads=threads, reuse=tuple(find_run_folder(run) for run in reuse or ())
        ),
        processes=processes,
        any_code=any_code,
    )
    done = run_study(
        asked,
        folder or get_runs_folder(asked.folder),
        options,
        only_report=report,
        print_line=lambda line: errors.print(Text(line), soft_wrap=True),
    )
    for remark in done.results.remarks:
        errors.print(Text(f"note: {remark}"), soft_wrap=True)
    console = show.make_console()
    for row, sentence in build_row_sentences(done.results).items():
        console.print(Text(row, style="bold").append(f": {sentence}", style="not bold"), soft_wrap=True)
    for gap in describe_gaps(done.results):
        console.print(Text(gap, style="red"), soft_wrap=True)
    console.print(Text(f"tables: {done.results_path}\nreport: {done.page_path}"), soft_wrap=True)
    if results is not None:
        console.print(Text(f"results: {export_study(asked, done, results, any_code=any_code)}"), soft_wrap=True)
    if done.failures:
        raise typer.Exit(1)
