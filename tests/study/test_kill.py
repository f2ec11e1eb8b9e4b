"""The command killed with -9 three times: started again, it ends with the tables of one that nobody killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.tiny_study import MF, write_recipe, write_study

from thinkrec.study.claims import CLAIMS
from thinkrec.study.runs import RECORD
from thinkrec.study.worker import OUTPUT

SOURCE = Path(__file__).resolve().parents[2] / "src"
PATIENCE = 300
"""Seconds for one step, on a machine that has other things to do."""


def start(study: Path, runs: Path, *options: str) -> subprocess.Popen:
    words = [sys.executable, "-m", "thinkrec", "study", str(study), "--folder", str(runs), *options]
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def wait_until(condition: Callable[[], bool], process: subprocess.Popen | None = None) -> None:
    limit = time.monotonic() + PATIENCE
    while not condition():
        assert process is None or process.poll() is None, process.communicate()
        assert time.monotonic() < limit, "it took too long"
        time.sleep(0.005)


def count_finished(runs: Path) -> int:
    return sum('"finished": true' in path.read_text() for path in runs.rglob(RECORD))


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def list_holders(runs: Path) -> list[int]:
    return [json.loads(path.read_text() or "{}").get("pid", 0) for path in runs.glob(f"*/*/{CLAIMS}/*.json")]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc, which Linux has")
def test_killed_three_times_the_study_ends_with_the_same_tables(tmp_path: Path) -> None:
    study = tmp_path / "study"
    for name in ("first", "second"):
        # Long enough to be killed in the middle, also on a fast machine.
        longer = {**MF, "training": {"epochs": 400, "patience": 400}}
        write_recipe(study, name, model={**longer, "dim": 4 if name == "first" else 6})
    write_study(study, seeds=[0, 1], against=["item mean"], pairs=[["second", "first"]])
    unbroken, broken = tmp_path / "unbroken", tmp_path / "broken"
    assert start(study, unbroken).wait(timeout=PATIENCE) == 0

    begun = {
        "while the first run trains": lambda: (
            broken / "first" / "seed-0" / "scorers" / "model" / "begun.json"
        ).is_file(),
        "while the second run trains": lambda: (
            broken / "second" / "seed-0" / "scorers" / "model" / "begun.json"
        ).is_file(),
        "after three runs": lambda: count_finished(broken) >= 3,
    }
    said = ""
    for when, condition in begun.items():
        process = start(study, broken)
        wait_until(condition, process)
        process.send_signal(signal.SIGKILL)
        said += process.communicate(timeout=PATIENCE)[1]  # the pipe ends when all that it started are gone
        holders = list_holders(broken)
        wait_until(lambda pids=holders: not any(map(is_running, pids)))
        assert count_finished(broken) < 4, when
        assert not (broken / "results.md").exists(), when
    last = start(study, broken)
    output, errors = last.communicate(timeout=PATIENCE)
    assert last.returncode == 0, errors
    assert "first, seed 0: begun before, gone on with" in said and "study: 4 in" in errors
    assert "second: Against item mean" in output
    assert (broken / "results.md").read_bytes() == (unbroken / "results.md").read_bytes()
    assert "Traceback" not in (broken / "first" / "seed-0" / OUTPUT).read_text()
