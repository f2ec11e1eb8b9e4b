"""The benchmark of large tables: its bounds, and every step on a small table."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import scale
import scale_steps
from big_ratings import write_items, write_ratings

from thinkrec.data.dataset import Dataset
from thinkrec.data.split import ByFractions


def test_a_step_is_judged_by_the_work_of_its_process_and_by_memory(capsys: pytest.CaptureFixture[str]) -> None:
    assert scale.compute_step_bounds(5_000_000) == (300.0, 8e9) and scale.compute_step_bounds(0) == (60.0, 1e9)
    step = {"step": "mf", "seconds": 900.0, "cpu_seconds": 50.0, "peak_bytes": 2e9}
    assert scale.check_bounds("mf", step, (60.0, 3e9))["holds"]
    assert (
        not scale.check_bounds("mf", step, (40.0, 3e9))["holds"]
        and not scale.check_bounds("mf", step, (60.0, 1e9))["holds"]
    )
    reading = {"seconds": 900.0, "cpu_seconds": 50.0, "peak_bytes": 2e9}
    assert not scale.check_bounds("reading", reading, (60.0, 3e9))["holds"]
    assert capsys.readouterr().out.count("FALLS SHORT") == 3


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("step", sorted(set(scale_steps.STEPS) - {"boosting", "sasrec"}))
def test_every_step_runs(step: str, tmp_path: Path) -> None:
    write_ratings(tmp_path / "ratings.csv", 3000, 0)
    write_items(tmp_path / "items.csv", 3000)
    tables = str(tmp_path / "ratings.csv"), str(tmp_path / "items.csv")
    ds = Dataset.from_tables(*tables, threshold=3, split=ByFractions())
    prepare, work = scale_steps.STEPS[step]
    work(ds, prepare(ds))
    assert step in scale.STEPS or step in ("lightgcn", "windows", "neighbours")


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is started anew by /proc")
def test_the_peak_is_that_since_it_was_forgotten() -> None:
    before = scale_steps.start_peak()
    block = bytearray(60_000_000)
    block[::4096] = b"1" * len(block[::4096])
    del block
    assert scale_steps.read_peak() - before > 50_000_000
    assert scale_steps.start_peak() - before < 30_000_000
