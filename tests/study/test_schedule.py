"""What is said of runs before and while they run, and how much of the machine each gets."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

import pytest
from support.tiny_study import write_recipe

from thinkrec.run.options import RunOptions
from thinkrec.study import schedule
from thinkrec.study.runs import RunState, StudyRun, list_study_runs, write_record
from thinkrec.study.schedule import (
    Schedule,
    ScheduleOptions,
    describe_state,
    describe_time_left,
    estimate_seconds,
    get_runs_folder,
)
from thinkrec.study.study_files import read_study
from thinkrec.study.worker import CLAIMED, FAILED, OUTPUT


class Process:
    """A process that ends at once, with a number of its folder's."""

    codes: dict[str, int]
    started: list[Any]
    sentinel = 0

    def __init__(self, target: Any, args: tuple[Any], name: str) -> None:
        self.job, self.name, self.exitcode = args[0], name, None

    def start(self) -> None:
        self.started.append(self.job)
        self.exitcode = self.codes.get(self.name, 0)
        if self.exitcode == 0:
            write_record(self.job.folder, self.job.row, self.job.inputs, finished=True, seconds=60.0)

    def join(self) -> None: ...
    def terminate(self) -> None:
        self.exitcode = -15


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> type[Process]:
    Process.codes, Process.started = {}, []
    monkeypatch.setattr(schedule, "_get_context", lambda: type("Context", (), {"Process": Process}))
    monkeypatch.setattr(schedule, "wait_for_any", lambda sentinels, timeout: None)
    monkeypatch.setattr(schedule, "POLL", 0.0)
    return Process


def list_runs(folder: Path, names: tuple[str, ...] = ("a", "b")) -> list[StudyRun]:
    for name in names:
        write_recipe(folder / "s", name)
    (folder / "s" / "study.yaml").write_text("seeds: [0, 1]\n")
    return list_study_runs(read_study(folder / "s"), folder / "runs")


def test_the_first_seed_of_every_recipe_comes_first(tmp_path: Path, fake: type[Process]) -> None:
    runs = list_runs(tmp_path)
    assert Schedule(ScheduleOptions(progress=False), print).run_all(runs) == {}
    assert [(job.row, job.folder.name) for job in fake.started] == [
        ("a", "seed-0"),
        ("b", "seed-0"),
        ("a", "seed-1"),
        ("b", "seed-1"),
    ]
    assert "seed: 1" in fake.started[2].recipe


def test_processes_share_the_cores(tmp_path: Path, fake: type[Process], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "_count_cores", lambda: 9)
    runs = list_runs(tmp_path)
    Schedule(ScheduleOptions(progress=False, processes=4), print).run_all(runs[:1])
    Schedule(ScheduleOptions(progress=False, processes=4, run=RunOptions(threads=3)), print).run_all(runs[1:2])
    Schedule(ScheduleOptions(progress=False), print).run_all(runs[2:3])
    assert [job.options.threads for job in fake.started] == [2, 3, None]


def test_a_failure_is_told_with_its_reason_and_the_others_go_on(tmp_path: Path, fake: type[Process]) -> None:
    runs, lines = list_runs(tmp_path), []
    fake.codes = {"a, seed 0": FAILED, "b, seed 1": -9}
    write_record(runs[0].folder, "a", runs[0].inputs, failure="no such file")
    failures = Schedule(ScheduleOptions(progress=False), lines.append).run_all(runs)
    assert failures == {
        "a, seed 0": f"no such file (output: {runs[0].folder / OUTPUT})",
        "b, seed 1": "its process was ended by signal 9, perhaps for want of memory "
        f"(output: {runs[3].folder / OUTPUT})",
    }
    assert len(fake.started) == 4
    assert "a, seed 0: begun before, gone on with" in lines


def test_a_run_that_another_one_holds_is_waited_for(tmp_path: Path, fake: type[Process]) -> None:
    runs = list_runs(tmp_path, ("a",))
    fake.codes = {"a, seed 0": CLAIMED}
    start = fake.start

    def start_and_finish_elsewhere(self: Process) -> None:
        start(self)
        if self.name == "a, seed 0":  # the other machine finishes it
            write_record(self.job.folder, "a", self.job.inputs, finished=True, seconds=1.0)

    fake.start = start_and_finish_elsewhere  # type: ignore[method-assign]
    try:
        assert Schedule(ScheduleOptions(progress=False), print).run_all(runs) == {}
    finally:
        fake.start = start  # type: ignore[method-assign]
    assert len(fake.started) == 2


def test_progress_and_time_left_are_said(
    tmp_path: Path, fake: type[Process], capsys: pytest.CaptureFixture[str]
) -> None:
    runs = list_runs(tmp_path)
    assert math.isnan(estimate_seconds(runs))
    write_record(runs[0].folder, "a", runs[0].inputs, finished=True, seconds=30.0)
    write_record(runs[1].folder, "b", runs[1].inputs, finished=True, seconds=200.0)
    assert estimate_seconds(runs) == pytest.approx(30 + 200), "by the other seed of each row"
    assert estimate_seconds(runs[:2] + runs[3:]) == pytest.approx(200)
    assert estimate_seconds([runs[0], runs[3]]) == pytest.approx(30), "a row without a finished run: as long as all do"
    work = Schedule(ScheduleOptions(), print)
    work.here = {Process(None, (None,), "x"): runs[2]}  # type: ignore[dict-item]
    work.elsewhere = [runs[3]]
    assert work._describe_activity() == "running: a, seed 1; under way elsewhere: b, seed 1"
    assert work._estimate_end(runs) == pytest.approx(time.monotonic() + 230, abs=5)
    assert [describe_time_left(seconds) for seconds in (240.0, 181.0, -5.0, math.nan)] == [
        "; about 4 min left",
        "; about 4 min left",
        "; about 1 min left",
        "",
    ]
    Schedule(ScheduleOptions(), print).run_all(runs)
    assert "study: 4 in" in capsys.readouterr().err


def test_states_in_words(tmp_path: Path) -> None:
    run = list_runs(tmp_path, ("a",))[0]
    assert describe_state(run, RunState("finished")) is None and describe_state(run, RunState("new")) is None
    assert describe_state(run, RunState("begun")) == "a, seed 0: begun before, gone on with"
    assert (
        describe_state(run, RunState("begun", ("code",)))
        == "a, seed 0: begun before, gone on with, though code changed"
    )
    assert "stale, since recipe.model.dim changed" in str(describe_state(run, RunState("stale", ("recipe.model.dim",))))
    assert get_runs_folder(Path("recipes/studies/x")) == Path("runs/studies/x")


def test_stages_of_other_runs_are_reused_after_those_of_the_study(tmp_path: Path, fake: type[Process]) -> None:
    runs = list_runs(tmp_path)
    elsewhere = tmp_path / "elsewhere"
    options = ScheduleOptions(run=RunOptions(reuse=(elsewhere,)), progress=False)
    Schedule(options, print).run_all(runs)
    for job in fake.started:
        assert job.options.reuse == (*(run.folder for run in runs if run.folder != job.folder), elsewhere)
