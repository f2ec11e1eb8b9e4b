"""`demo`, `run`, `report`, `table`: recipes from data to report."""

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
from thinkrec.evaluate.report.data import Explained
from thinkrec.evaluate.results import Results, Row, read_metrics
from thinkrec.io.files import write_json, write_text
from thinkrec.io.processes import hush_others, is_main, on_main
from thinkrec.run import results as outcome
from thinkrec.run import saved_model
from thinkrec.run.pipeline import ORDER, Run
from thinkrec.run.provenance import environment
from thinkrec.run.recipe import dump_recipe
from thinkrec.run.recipe_files import load_recipe
from thinkrec.run.variants import locked

SHOWN = 3
"""Explained recommendations that the demo prints."""


def run_recipe(
    name: str, folder: Path | None, overrides: Sequence[str], results: Path | None, any_code: bool = False
) -> outcome.Outcome:
    """Run a recipe, or go on with it, and print its table and where things lie."""
    recipe = load_recipe(name, overrides)
    hush_others()
    run = Run(recipe, folder or Path("runs") / recipe.name, progress=is_main(), any_code=any_code)
    done: outcome.Outcome = run.all(outcome.finish)
    out = show.console()
    out.print(tables.terminal(done.results, title=recipe.name))
    for name, fact in outcome.data_facts(run).items():
        out.print(Text(f"{name}: {fact}", style="dim"))
    for name, why in run.failed.items():
        out.print(Text(f"no row for {name}: {why}"))
    if results is not None:
        written = on_main(lambda: export(run, done, results / recipe.name))
        out.print(Text(f"results: {written}"))
    return done


def run(name: str, folder: Path | None, overrides: Sequence[str], results: Path | None, any_code: bool) -> None:
    """`thinkrec run`."""
    done = run_recipe(name, folder, overrides, results, any_code)
    show.console().print(Text(f"metrics: {done.metrics}\nreport:  {done.report}"))


def demo(folder: Path, overrides: Sequence[str]) -> None:
    """`thinkrec demo`."""
    done = run_recipe("demo", folder, overrides, None)
    out = show.console()
    for case in few(done.explained):
        out.print(show.explained(case))
    out.print(Text(f"report: {done.report}  (opens in any browser)"))


def few(cases: Sequence[Explained], most: int = SHOWN) -> list[Explained]:
    """At most `most` cases, Yes and No in turn as far as there are both."""
    yes = [case for case in cases if case.probability > 0.5]
    no = [case for case in cases if case.probability <= 0.5]
    turns = [case for i in range(len(cases)) for side in (yes, no) for case in side[i : i + 1]]
    return turns[:most]


def export(run: Run, done: outcome.Outcome, folder: Path) -> Path:
    """Write what a results table rests on: predictions, metrics, the resolved recipe, hardware and duration."""
    folder.mkdir(parents=True, exist_ok=True)
    last = list(outcome.finished(run).values())[-1]
    write_table(pl.read_parquet(last / "predictions.parquet").sort(ORDER), folder / "predictions.parquet")
    write_text(folder / "metrics.json", done.metrics.read_text(encoding="utf-8"))
    write_text(folder / "recipe.yaml", dump_recipe(run.recipe))
    write_json(folder / "environment.json", {**environment(), "duration_s": round(run.stages.seconds(), 1)})
    return folder


def report(name: str) -> None:
    """`thinkrec report`: trains nothing, whatever changed since."""
    folder = show.run_folder(name)
    run = saved_model.open_run(folder, progress=True)
    with locked(folder):
        done = outcome.finish(run, outcome.finished(run))
    show.console().print(Text(str(done.report)), soft_wrap=True)


def table(names: Sequence[str], markdown: bool) -> None:
    """`thinkrec table`: rows of several runs, each once."""
    found = [(name, read_metrics(show.run_folder(name) / "metrics.json")) for name in names]
    joined = join(found)
    if markdown:
        print(tables.markdown(joined), end="")
    else:
        show.console().print(tables.terminal(joined, title="Results"))


def join(found: Sequence[tuple[str, Results]]) -> Results:
    """One table of the rows of several runs; rows that are equal in name and numbers stand once.

    Raises DataError if the runs were not evaluated on the same number of rows and users, or in the same way.
    """
    first = found[0][1]
    rows: dict[str, Row] = {}
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
