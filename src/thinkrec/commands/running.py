"""`demo`, `run`, `report`, `table`: recipes from data to report."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Sequence
from pathlib import Path

import polars as pl
from rich.text import Text

from thinkrec import outcome, saving
from thinkrec.commands import show
from thinkrec.data.writing import write_table
from thinkrec.errors import DataError
from thinkrec.evaluate import table as tables
from thinkrec.evaluate.report_data import Explained
from thinkrec.evaluate.results import Results, Row, read_metrics
from thinkrec.model.disk import write_json
from thinkrec.pipeline import IMPERSONAL, ORDER, SCORE, Run, environment
from thinkrec.recipe import dump_recipe, load_recipe
from thinkrec.stage import read_done
from thinkrec.train.processes import hush_others, is_main, on_main

SHOWN = 3
"""Explained recommendations that the demo prints."""


def run_recipe(name: str, folder: Path | None, overrides: Sequence[str], results: Path | None) -> outcome.Outcome:
    """Run a recipe, or go on with it, and print its table and where things lie."""
    recipe = load_recipe(name, overrides)
    hush_others()
    run = Run(recipe, folder or Path("runs") / recipe.name, progress=is_main())
    done: outcome.Outcome = run.all(outcome.finish)
    out = show.console()
    out.print(tables.terminal(done.results, title=recipe.name))
    if results is not None:
        written = on_main(lambda: export(run, done, results / recipe.name))
        out.print(Text(f"results: {written}"))
    return done


def run(name: str, folder: Path | None, overrides: Sequence[str], results: Path | None) -> None:
    """`thinkrec run`."""
    done = run_recipe(name, folder, overrides, results)
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
    last = list(finished(run).values())[-1]
    predictions = pl.read_parquet(last / "predictions.parquet").select(ORDER, SCORE).sort(ORDER)
    write_table(predictions, folder / "predictions.parquet")
    shutil.copyfile(done.metrics, folder / "metrics.json")
    (folder / "recipe.yaml").write_text(dump_recipe(run.recipe), encoding="utf-8")
    write_json(folder / "environment.json", {**environment(), "duration_s": round(run.stages.seconds(), 1)})
    return folder


def finished(run: Run) -> dict[str, Path]:
    """Table row -> folder of its predictions, in the table's order. Raises CheckpointError if one is not finished."""
    found = {name: run.folder / "scorers" / name for name in (*IMPERSONAL, *run.recipe.baselines)}
    if run.recipe.model.kind == "thinkrec":
        variants = [outcome.GLOBAL]
        variants += [outcome.EXPERTS] if run.model.expert_stage is not None else []
        variants += [outcome.FULL] if run.model.vector_stage is not None else []
        found |= {variant: run.folder / "scores" / variant.split()[-1] for variant in variants}
    else:
        found[run.recipe.name.rpartition("/")[2]] = run.folder / "scorers" / "model"
    for folder in found.values():
        read_done(folder)
    return found


def report(name: str) -> None:
    """`thinkrec report`: trains nothing, whatever changed since."""
    folder = show.run_folder(name)
    run = Run(saving.read_recipe(folder), folder, progress=True)
    done = outcome.finish(run, finished(run))
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
