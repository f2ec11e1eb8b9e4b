"""`run_demo_command`, `run_run_command`, `run_report_command`, `run_table_command`: recipes from data to report."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import polars as pl
from rich.text import Text

from thinkrec.commands import show
from thinkrec.data.output_tables import write_table
from thinkrec.errors import DataError
from thinkrec.evaluate import table as tables
from thinkrec.evaluate.report.data import ExplainedRecommendation
from thinkrec.evaluate.results import RankingResults, ResultRow, read_metrics
from thinkrec.io.files import write_json, write_text
from thinkrec.io.processes import is_main, run_on_main, silence_other_processes
from thinkrec.run import results as outcome
from thinkrec.run import saved_model
from thinkrec.run.layout import lock_run_folder
from thinkrec.run.pipeline import Run
from thinkrec.run.predictions import ORDER, PREDICTIONS
from thinkrec.run.provenance import describe_environment
from thinkrec.run.recipe import dump_recipe
from thinkrec.run.recipe_files import load_recipe
from thinkrec.run.report_data import describe_data

SHOWN = 3
"""Explained recommendations that the demo prints."""


def execute_recipe(
    name: str, folder: Path | None, overrides: Sequence[str], results: Path | None, any_code: bool = False
) -> outcome.RunResults:
    """Run a recipe, or go on with it, and print its table and where things lie."""
    recipe = load_recipe(name, overrides)
    silence_other_processes()
    run = Run(recipe, folder or Path("runs") / recipe.name, progress=is_main(), ignore_code_changes=any_code)
    done: outcome.RunResults = run.run_all_stages(outcome.finish_run)
    out = show.make_console()
    out.print(tables.render_results(done.results, title=recipe.name))
    for name, fact in describe_data(run).items():
        out.print(Text(f"{name}: {fact}", style="dim"))
    for name, why in run.failures.items():
        out.print(Text(f"no row for {name}: {why}"))
    if results is not None:
        written = run_on_main(lambda: export_results(run, done, results / recipe.name))
        out.print(Text(f"results: {written}"))
    return done


def run_run_command(
    name: str, folder: Path | None, overrides: Sequence[str], results: Path | None, any_code: bool
) -> None:
    """`thinkrec run`."""
    done = execute_recipe(name, folder, overrides, results, any_code)
    show.make_console().print(Text(f"metrics: {done.metrics_path}\nreport:  {done.report_path}"))


def run_demo_command(folder: Path, overrides: Sequence[str]) -> None:
    """`thinkrec demo`."""
    done = execute_recipe("demo", folder, overrides, None)
    out = show.make_console()
    for case in select_examples(done.explained_rows):
        out.print(show.render_explained_row(case))
    out.print(Text(f"report: {done.report_path}  (opens in any browser)"))


def select_examples(cases: Sequence[ExplainedRecommendation], most: int = SHOWN) -> list[ExplainedRecommendation]:
    """At most `most` cases, Yes and No in turn as far as there are both."""
    yes = [case for case in cases if case.probability > 0.5]
    no = [case for case in cases if case.probability <= 0.5]
    turns = [case for i in range(len(cases)) for side in (yes, no) for case in side[i : i + 1]]
    return turns[:most]


def export_results(run: Run, done: outcome.RunResults, folder: Path) -> Path:
    """Write what a results table rests on: predictions, metrics, the resolved recipe, hardware and duration."""
    folder.mkdir(parents=True, exist_ok=True)
    last = list(outcome.find_prediction_folders(run).values())[-1]
    write_table(pl.read_parquet(last / PREDICTIONS).sort(ORDER), folder / PREDICTIONS)
    write_text(folder / "metrics.json", done.metrics_path.read_text(encoding="utf-8"))
    write_text(folder / "recipe.yaml", dump_recipe(run.recipe))
    write_json(
        folder / "environment.json", {**describe_environment(), "duration_s": round(run.stage_runner.sum_seconds(), 1)}
    )
    return folder


def run_report_command(name: str) -> None:
    """`thinkrec report`: trains nothing, whatever changed since."""
    folder = show.find_run_folder(name)
    run = saved_model.open_run(folder, progress=True)
    with lock_run_folder(folder):
        done = outcome.finish_run(run, outcome.find_prediction_folders(run))
    show.make_console().print(Text(str(done.report_path)), soft_wrap=True)


def run_table_command(names: Sequence[str], markdown: bool) -> None:
    """`thinkrec table`: rows of several runs, each once."""
    found = [(name, read_metrics(show.find_run_folder(name) / "metrics.json")) for name in names]
    joined = join_results(found)
    if markdown:
        print(tables.render_markdown(joined), end="")
    else:
        show.make_console().print(tables.render_results(joined, title="Results"))


def join_results(found: Sequence[tuple[str, RankingResults]]) -> RankingResults:
    """One table of the rows of several runs; rows that are equal in name and numbers stand once.

    Raises DataError if the runs were not evaluated on the same number of rows and users, or in the same way.
    """
    first = found[0][1]
    rows: dict[str, ResultRow] = {}
    for name, results in found:
        for key in ("n_rows", "n_users", "k", "draws", "seed", "policies"):
            if getattr(results, key) != getattr(first, key):
                raise DataError(
                    f"runs {found[0][0]} and {name} differ in {key}; tables need the same rows and settings"
                )
        for row in results.rows:
            label = row.name if rows.get(row.name, row) == row else f"{row.name} ({name})"
            rows[label] = dataclasses.replace(row, name=label)
    return dataclasses.replace(first, rows=tuple(rows.values()), comparisons=())
