"""A study from its folder to its tables."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from thinkrec.data.output_tables import write_table
from thinkrec.errors import DataError
from thinkrec.io.files import write_text
from thinkrec.run.layout import map_rows_to_stages
from thinkrec.run.predictions import ORDER, PREDICTIONS
from thinkrec.run.provenance import describe_environment
from thinkrec.study.collect import collect_samples, get_evaluation_config
from thinkrec.study.markdown import render_study
from thinkrec.study.page import write_study_page
from thinkrec.study.results import StudyResults
from thinkrec.study.runs import StudyRun, check_study_folder, list_study_runs, read_state
from thinkrec.study.schedule import Schedule, ScheduleOptions
from thinkrec.study.study_files import Study, make_slug
from thinkrec.study.summarise import summarise_study

RESULTS, PAGE = "results.md", "report.html"


@dataclass(frozen=True)
class FinishedStudy:
    """What a study left."""

    results: StudyResults
    results_path: Path
    page_path: Path
    runs: tuple[StudyRun, ...]
    failures: dict[str, str]
    """Name of a run -> why it failed just now."""


def run_study(
    study: Study,
    folder: Path,
    options: ScheduleOptions,
    *,
    only_report: bool = False,
    print_line: Callable[[str], None],
) -> FinishedStudy:
    """Finish what is not finished, then write results.md and report.html; a run that fails costs its own figures.

    Args:
        study: what to run.
        folder: where its runs are kept, perhaps by several machines together.
        options: how to run.
        only_report: run nothing; write what is there.
        print_line: says what has to be known while it works.

    Raises CheckpointError where `folder` holds something else, and RecipeError where recipes do not fit together.
    """
    get_evaluation_config(study.entries)
    runs = list_study_runs(study, folder)
    for line in check_study_folder(study, folder, runs):
        print_line(line)
    if only_report:
        print_stale_runs(runs, options.any_code, print_line)
    failures = {} if only_report else Schedule(options, print_line).run_all(runs)
    collection = collect_samples(study, runs, any_code=options.any_code, progress=options.progress)
    results = summarise_study(study, collection, failures)
    results_path, page_path = folder / RESULTS, folder / PAGE
    write_text(results_path, render_study(results))
    write_study_page(page_path, results, describe_study(study, runs, any_code=options.any_code))
    return FinishedStudy(results, results_path, page_path, tuple(runs), failures)


def print_stale_runs(runs: Sequence[StudyRun], any_code: bool, print_line: Callable[[str], None]) -> None:
    """Say which finished runs are left out of the tables, and why: nothing else would, where nothing is run."""
    for run in runs:
        state = read_state(run, any_code=any_code)
        if state.state == "stale":
            print_line(f"{run.name}: left out, since {', '.join(state.changed)} changed after it was finished")


def describe_study(study: Study, runs: Sequence[StudyRun], *, any_code: bool) -> Mapping[str, str]:
    """What stands above the tables of the report: how many runs, their duration, where and by what they were made."""
    states = [read_state(run, any_code=any_code) for run in runs]
    finished = [state for state in states if state.state == "finished"]
    environment = describe_environment()
    return {
        "study": study.folder.resolve().name,
        "runs": f"{len(finished)} of {len(runs)} finished",
        "duration": f"{sum(state.seconds or 0.0 for state in finished):.0f} s, all runs together",
        "hardware": environment["device"],
        "commit": environment["commit"] or "an installed package",
        "written": time.strftime("%Y-%m-%d %H:%M"),
    }


def export_study(study: Study, done: FinishedStudy, folder: Path, *, any_code: bool = False) -> Path:
    """Copy the tables, the report, and the predictions of every finished run to `folder`, to be kept.

    `any_code`: whether runs of other code count as finished, as when the tables were made.

    Raises DataError where a run of the study has no figures, since what is kept should be whole.
    """
    lacking = [run.name for run in done.runs if read_state(run, any_code=any_code).state != "finished"]
    if lacking:
        raise DataError(f"not exported, since runs are not finished: {', '.join(lacking)}; run the study again")
    folder.mkdir(parents=True, exist_ok=True)
    for path in (done.results_path, done.page_path):
        write_text(folder / path.name, path.read_text(encoding="utf-8"))
    for entry in study.entries:
        for run in (run for run in done.runs if run.row == entry.name):
            for row, table_row in entry.rows.items():
                table = run.folder / map_rows_to_stages(run.recipe)[table_row] / PREDICTIONS
                target = folder / "predictions" / make_slug(row) / f"seed-{run.seed}.parquet"
                target.parent.mkdir(parents=True, exist_ok=True)
                write_table(pl.read_parquet(table).sort(ORDER), target)
    return folder
