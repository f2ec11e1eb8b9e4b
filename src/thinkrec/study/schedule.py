"""The runs of a study, some at a time, each in its own process, until all are finished or have failed."""

from __future__ import annotations

import math
import multiprocessing
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from multiprocessing.connection import wait as wait_for_any
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from pathlib import Path

from thinkrec.io.progress import Progress
from thinkrec.run.options import RunOptions
from thinkrec.run.recipe import dump_recipe
from thinkrec.study.claims import DEAD_AFTER, find_holder
from thinkrec.study.runs import RunState, StudyRun, read_record, read_state
from thinkrec.study.worker import CLAIMED, DONE, OUTPUT, SUPERSEDED, Job, run_job

POLL = 1.0
"""Seconds between two looks at runs that another study process works on."""


@dataclass(frozen=True)
class ScheduleOptions:
    """How the runs of a study are run; nothing here changes a figure."""

    run: RunOptions = field(default_factory=RunOptions)
    processes: int = 1
    """Runs at the same time, on this machine."""
    any_code: bool = False
    progress: bool = True
    dead_after: float = DEAD_AFTER
    """See `claims`."""


@dataclass
class Schedule:
    """Runs that wait, are under way here, or are under way elsewhere."""

    options: ScheduleOptions
    print_line: Callable[[str], None]
    waiting: list[StudyRun] = field(default_factory=list)
    elsewhere: list[StudyRun] = field(default_factory=list)
    here: dict[BaseProcess, StudyRun] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    """Name of a run -> why it failed."""

    def run_all(self, runs: Sequence[StudyRun]) -> dict[str, str]:
        """Finish every run; returns those that failed, with why. Runs that failed do not stop the others."""
        states = [read_state(run, any_code=self.options.any_code) for run in runs]
        for run, state in zip(runs, states, strict=True):
            if line := describe_state(run, state):
                self.print_line(line)
        self.waiting = [run for run, state in zip(runs, states, strict=True) if state.state != "finished"]
        if not self.waiting:
            return {}
        context = _get_context()
        with Progress("study", len(runs), shown=self.options.progress, unit="runs", has_rate=False) as bar:
            bar.skip(len(runs) - len(self.waiting))
            ends = self._estimate_end(runs)
            try:
                while self.waiting or self.here or self.elsewhere:
                    self._start_runs(context, runs)
                    bar.set_note(f"{self._describe_activity()}{describe_time_left(ends - time.monotonic())}")
                    self._wait_for_runs()
                    ended = self._collect_ended()
                    if ended:
                        bar.advance(ended)
                        ends = self._estimate_end(runs)
                bar.set_note("")
            finally:
                self._stop_runs()
        return self.failures

    def _start_runs(self, context: BaseContext, runs: Sequence[StudyRun]) -> None:
        while self.waiting and len(self.here) < self.options.processes:
            run = self.waiting.pop(0)
            if find_holder(run.folder, dead_after=self.options.dead_after) is not None:
                self.elsewhere.append(run)
                continue
            others = tuple(other.folder for other in runs if other is not run)
            process = context.Process(target=run_job, args=(self._make_job(run, others),), name=run.name)  # pyright: ignore
            process.start()
            self.here[process] = run

    def _make_job(self, run: StudyRun, others: tuple[Path, ...]) -> Job:
        """What the worker of a run is told; `others`: the study's other runs, whose stages it need not do again.

        Nor those of the runs that the options name.
        """
        threads = self.options.run.threads
        if threads is None and self.options.processes > 1:
            threads = max(1, _count_cores() // self.options.processes)
        return Job(
            run.row,
            run.folder,
            dump_recipe(run.recipe),
            run.inputs,
            replace(self.options.run, threads=threads, seed=None, reuse=(*others, *self.options.run.reuse)),
            self.options.any_code,
            self.options.dead_after,
        )

    def _collect_ended(self) -> int:
        """Number of runs that have ended since the last look, here or elsewhere."""
        ended = 0
        for process, run in [(process, run) for process, run in self.here.items() if process.exitcode is not None]:
            del self.here[process]
            process.join()
            if process.exitcode in (CLAIMED, SUPERSEDED):
                self.elsewhere.append(run)
                continue
            ended += 1
            if process.exitcode != DONE:
                self.failures[run.name] = _explain_failure(run, process.exitcode)
                self.print_line(f"{run.name} failed: {self.failures[run.name]}")
        for run in list(self.elsewhere):
            if read_state(run, any_code=self.options.any_code).state == "finished":
                ended += 1
                self.elsewhere.remove(run)
            elif find_holder(run.folder, dead_after=self.options.dead_after) is None:
                self.elsewhere.remove(run)
                self.waiting.append(run)
        return ended

    def _wait_for_runs(self) -> None:
        """Until a run here has ended, at most a moment, since one elsewhere may."""
        if self.here:
            wait_for_any([process.sentinel for process in self.here], timeout=POLL)
        elif self.elsewhere:
            time.sleep(POLL)

    def _estimate_end(self, runs: Sequence[StudyRun]) -> float:
        """The moment (time.monotonic) when all runs may be done, by what runs took so far; NaN before any is finished.

        Runs of earlier starts of the study count too.
        """
        return time.monotonic() + estimate_seconds(runs, any_code=self.options.any_code) / self.options.processes

    def _describe_activity(self) -> str:
        running = "; ".join(run.name for run in self.here.values())
        others = ", ".join(run.name for run in self.elsewhere)
        return f"running: {running or 'none'}" + (f"; under way elsewhere: {others}" if others else "")

    def _stop_runs(self) -> None:
        """End what is still under way here, as after Ctrl-C; each goes on from its last saved step."""
        for process in self.here:
            process.terminate()
        for process in self.here:
            process.join()


def describe_time_left(seconds: float) -> str:
    """Such as "; about 12 min left"; empty where nothing is known."""
    return "" if math.isnan(seconds) else f"; about {max(1, math.ceil(seconds / 60))} min left"


def describe_state(run: StudyRun, state: RunState) -> str | None:
    """What has to be said of a run before it is gone on with; None where nothing has."""
    if state.state == "stale":
        return f"{run.name}: its figures are stale, since {', '.join(state.changed)} changed; run again"
    if state.state == "begun":
        changed = f", though {', '.join(state.changed)} changed" if state.changed else ""
        return f"{run.name}: begun before, gone on with{changed}"
    return None


def _get_context() -> BaseContext:
    """How processes are made: copies of a server that has imported all they need, where the system has such."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["thinkrec.study.worker"])
    return context


def _count_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _explain_failure(run: StudyRun, exit_code: int | None) -> str:
    reason = read_record(run).get("failure")
    if reason is None:
        by = f"signal {-exit_code}" if exit_code is not None and exit_code < 0 else f"exit code {exit_code}"
        reason = f"its process was ended by {by}, perhaps for want of memory"
    return f"{reason} (output: {run.folder / OUTPUT})"


def estimate_seconds(runs: Sequence[StudyRun], *, any_code: bool = False) -> float:
    """Seconds that the runs which are not finished may take, one after the other, by those that are; NaN without any.

    A run takes as long as other seeds of its row on average, else as long as all finished ones do.
    """
    states = [(run, read_state(run, any_code=any_code)) for run in runs]
    known = [
        (run.row, state.seconds) for run, state in states if state.state == "finished" and state.seconds is not None
    ]
    if not known:
        return math.nan
    overall = sum(seconds for _, seconds in known) / len(known)
    total = 0.0
    for run, state in states:
        if state.state != "finished":
            same = [seconds for row, seconds in known if row == run.row]
            total += sum(same) / len(same) if same else overall
    return total


def get_runs_folder(study_folder: Path) -> Path:
    """Where the runs of a study are kept, if nothing else is said."""
    return Path("runs") / "studies" / study_folder.resolve().name
