"""One run of a study in a process of its own: claims it, runs it, says how it ended."""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
import traceback
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from thinkrec.errors import DataWarning, ThinkRecError
from thinkrec.run.options import RunOptions
from thinkrec.run.pipeline import Run
from thinkrec.run.recipe import parse_recipe
from thinkrec.run.results import finish_run
from thinkrec.study.claims import Claim, take_claim
from thinkrec.study.runs import write_record

OUTPUT = "output.log"
"""In a run's folder: what it printed."""
DONE, FAILED, CLAIMED, SUPERSEDED = 0, 1, 75, 76
"""How a worker ends: done; failed, and the record says why; another one holds the run; another one took it over."""


@dataclass(frozen=True)
class Job:
    """What a worker is told; plain values, since it is another process."""

    row: str
    folder: Path
    recipe: str
    """Resolved, as YAML."""
    inputs: dict[str, Any]
    options: RunOptions
    any_code: bool
    dead_after: float


def run_job(job: Job) -> None:
    """Do a job and end the process with the number that says how it ended; all that is printed goes to a file."""
    _stop_with_parent()
    claim = take_claim(job.folder, dead_after=job.dead_after)
    if claim is None:
        sys.exit(CLAIMED)
    _replace_output(job.folder / OUTPUT)
    claim.keep_heartbeat(lambda: os._exit(SUPERSEDED))
    try:
        sys.exit(_run_recipe(job, claim))
    finally:
        claim.release()


def _run_recipe(job: Job, claim: Claim) -> int:
    write_record(job.folder, job.row, job.inputs)
    remarks: list[str] = []
    _collect_warnings(remarks)
    try:
        job.options.apply()
        recipe = parse_recipe(yaml.safe_load(job.recipe), job.row)
        run = Run(recipe, job.folder, True, ignore_code_changes=job.any_code, options=job.options)
        run.run_all_stages(finish_run)
    except Exception as error:
        traceback.print_exc()
        reason = str(error).strip() or "no message"
        failure = reason if isinstance(error, ThinkRecError) else f"{type(error).__name__}: {reason}"
        write_record(job.folder, job.row, job.inputs, failure=failure)
        return FAILED
    if not claim.refresh_heartbeat():
        return SUPERSEDED
    further = {"seconds": run.stage_runner.sum_own_seconds(), "failures": run.failures, "remarks": remarks}
    write_record(job.folder, job.row, job.inputs, finished=True, **further)
    return DONE


def _stop_with_parent() -> None:
    """End this process where the one that started it is gone, killed perhaps: its study will start another one."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def wait_for_parent() -> None:
        parent.join()
        os._exit(SUPERSEDED)

    threading.Thread(target=wait_for_parent, name="thinkrec-parent", daemon=True).start()


def _replace_output(path: Path) -> None:
    """Send standard output and error, that of libraries in other languages too, to the end of a file."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for stream, number in ((sys.stdout, 1), (sys.stderr, 2)):
        stream.flush()
        os.dup2(file, number)
    os.close(file)


def _collect_warnings(remarks: list[str]) -> None:
    """Keep what the package says of the data, once each, beside showing it."""
    show = warnings.showwarning

    def show_and_keep(message: Warning | str, category: type[Warning], *place: Any, **options: Any) -> None:
        if issubclass(category, DataWarning) and str(message) not in remarks:
            remarks.append(str(message))
        show(message, category, *place, **options)

    warnings.showwarning = show_and_keep
