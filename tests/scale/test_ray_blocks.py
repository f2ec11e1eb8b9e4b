"""Blocks of users on a Ray cluster: a killed process and a killed driver change nothing in what is written."""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from support.tiny_run import train_tiny_run
from typer.testing import CliRunner

import thinkrec
from thinkrec.cli import app
from thinkrec.cli.recommenders import RecommenderSource
from thinkrec.errors import CheckpointError, DataError
from thinkrec.retrieve.config import RetrieveConfig
from thinkrec.run.options import RunOptions
from thinkrec.run.pipeline import Run
from thinkrec.run.recommendation_parts import Block, get_parts_folder, write_recommendations
from thinkrec.scale.ray_blocks import ATTEMPTS, BlockWorker, RayOptions, WorkerPool, import_ray, share_blocks
from thinkrec.score.answers import Recommendation

needs_ray = pytest.mark.skipif(
    not importlib.util.find_spec("ray"),
    reason="needs Ray: pip install 'thinkrec[ray]'",
)
PATIENCE = 480.0
"""Seconds until a test gives up; none of them takes long on a machine with nothing else to do."""


def answer(users: Sequence[Any]) -> list[list[Recommendation]]:
    return [[Recommendation(f"of {user!r}", "t", 1.0, 0.5, 7)] for user in users]


def make_block(folder: Path, number: int = 4, users: Sequence[Any] = (8, "8b")) -> Block:
    return Block(number, tuple(users), folder / f"part-{number:06d}.parquet")


def test_a_worker_writes_one_part_of_the_ids_as_they_are(tmp_path: Path) -> None:
    assert BlockWorker(lambda: answer).write_part(make_block(tmp_path)) is None
    assert [path.name for path in tmp_path.iterdir()] == ["part-000004.parquet"]
    assert pl.read_parquet(tmp_path)["item_id"].to_list() == ["of 8", "of '8b'"]


def test_a_part_that_is_there_is_not_computed_again(tmp_path: Path) -> None:
    block = make_block(tmp_path)
    BlockWorker(lambda: answer).write_part(block)

    def refuse(users: Sequence[Any]) -> list[list[Recommendation]]:
        raise AssertionError(users)

    assert BlockWorker(lambda: refuse).write_part(block) is None


def test_the_model_is_opened_once_and_what_is_raised_is_an_answer(tmp_path: Path) -> None:
    opened: list[int] = []

    def open_recommend() -> Any:
        opened.append(1)
        return answer

    worker = BlockWorker(open_recommend)
    assert [worker.open_model(), *(worker.write_part(make_block(tmp_path, n)) for n in (1, 2))] == [None] * 3
    assert opened == [1]

    def fail(*users: object) -> Any:
        raise CheckpointError("the weights are gone")

    failure = ("CheckpointError", "the weights are gone")
    assert BlockWorker(fail).open_model() == BlockWorker(fail).write_part(make_block(tmp_path)) == failure
    assert BlockWorker(lambda: fail).write_part(make_block(tmp_path)) == failure


class Deaths(WorkerPool):
    """A pool without a cluster: calls are answered in order; `lost` says by its number how often a block's is lost."""

    def __init__(self, blocks: Sequence[Block], lost: dict[int | None, int]) -> None:
        super().__init__(lambda: SimpleNamespace(open_model=Remote(), write_part=Remote()), blocks)
        self.lost, self.ended = lost, 0

    def _wait_for_one(self) -> tuple[Any, Block | None, Any]:
        actor, block = self._running.pop(next(iter(self._running)))
        number = None if block is None else block.number
        if self.lost.get(number, 0) > 0:
            self.lost[number] -= 1
            return None, block, None
        return actor, block, None

    def _end_processes(self) -> None:
        self.ended += 1


class Remote:
    """A method of an actor: each call has a reference of its own."""

    def remote(self, *arguments: object) -> object:
        return object()


def test_the_block_of_a_lost_process_is_done_by_another(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    blocks = [make_block(tmp_path, number) for number in range(5)]
    pool = Deaths(blocks, {2: ATTEMPTS - 1, None: 1})
    assert sorted(block.number for block in pool.run_blocks(2)) == [0, 1, 2, 3, 4]
    assert caplog.text.count("while block 2 was computed; another one does it again") == ATTEMPTS - 1
    assert "while the model was opened" in caplog.text and pool.ended == 1


@pytest.mark.parametrize(
    ("number", "match"),
    [(2, r"3 processes ended while block 2 was computed \(users 8 to '8b'\)"), (None, "while the model was opened,")],
)
def test_what_ends_every_process_is_given_up(tmp_path: Path, number: int | None, match: str) -> None:
    pool = Deaths([make_block(tmp_path, number) for number in range(5)], {number: ATTEMPTS})
    with pytest.raises(DataError, match=match):
        list(pool.run_blocks(2))
    assert pool.ended == 1


def test_without_ray_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(DataError, match=r"pip install 'thinkrec\[ray\]'"):
        import_ray()


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """The address of a cluster with room for two processes, on whatever cores this one has."""
    ray = pytest.importorskip("ray", reason="needs Ray: pip install 'thinkrec[ray]'")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_worker_niceness", "0")  # by default 15: beside other work on the core they would wait
        patch.setenv("PYTHONPATH", str(Path(thinkrec.__file__).parents[1]))  # of the processes: this source, no other
        options: dict[str, Any] = {"include_dashboard": False, "object_store_memory": 100 * 2**20}
        ray.init(address="local", num_cpus=2, log_to_driver=False, logging_level=logging.ERROR, **options)
        yield ray.get_runtime_context().gcs_address
        ray.shutdown()


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train_tiny_run(tmp_path_factory.mktemp("ray"))


def wait_until(check: Any) -> Any:
    """What `check` gives once that is true. Fails after `PATIENCE`."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if outcome := check():
            return outcome
        time.sleep(0.002)
    raise AssertionError("nothing happened")


class WorkerKiller(threading.Thread):
    """Kills, by SIGKILL, one process while it computes a block; `victim` is its id."""

    def __init__(self, parts: Path) -> None:
        super().__init__(daemon=True)
        self.parts = parts
        self.done_before = set(parts.glob("part-*.parquet"))
        self.victim = 0

    def run(self) -> None:
        wait_until(lambda: set(self.parts.glob("part-*.parquet")) - self.done_before)
        wait_until(self._kill_one)

    def _kill_one(self) -> bool:
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                # Ray calls a process by what it does at the moment.
                if path.read_bytes().startswith(b"ray::BlockWorker.write_part"):
                    self.victim = int(path.parent.name)
                    os.kill(self.victim, signal.SIGKILL)
                    return True
            except OSError:
                continue
        return False


@pytest.mark.cluster
@needs_ray
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds the process to kill in /proc")
def test_a_killed_driver_and_a_killed_process_change_nothing(
    cluster: str, trained: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fixed = ["recommend", str(trained.folder), "--users", "all", "--top", "3", "--block", "1", "--reasons", "--json"]
    whole, out = tmp_path / "whole.parquet", tmp_path / "recs"
    assert CliRunner().invoke(app, [*fixed, "--out", str(whole)]).exit_code == 0
    shared = [*fixed, "--out", str(out), "--address", cluster, "--actors"]
    parts = get_parts_folder(out)

    driver = subprocess.Popen([sys.executable, "-m", "thinkrec", *shared, "1"], stdout=subprocess.DEVNULL)
    wait_until(lambda: len(list(parts.glob("part-*.parquet"))) >= 2 or driver.poll() is not None)
    driver.kill()
    assert driver.wait() == -signal.SIGKILL
    first = {path.name: path.stat().st_mtime_ns for path in parts.glob("part-*.parquet")}
    assert 2 <= len(first) < 25 and not out.exists()

    killer = WorkerKiller(parts)
    killer.start()
    result = CliRunner().invoke(app, [*shared, "2"])
    assert result.exit_code == 0, result.output
    killer.join()
    assert killer.victim and not Path(f"/proc/{killer.victim}").exists()
    assert re.search(r"a process was lost while block \d+ was computed; another one does it again", caplog.text)

    paths = sorted(out.iterdir())
    assert [path.name for path in paths] == [f"part-{number:06d}.parquet" for number in range(30)]
    assert {name: (out / name).stat().st_mtime_ns for name in first} == first
    table = pl.concat([pl.read_parquet(path) for path in paths])
    assert json.loads(result.stdout.splitlines()[-1])["rows"] == table.height == 90
    assert not table.select("user_id", "item_id").is_duplicated().any()
    assert_frame_equal(table, pl.read_parquet(whole), rel_tol=0, abs_tol=1e-6)


@pytest.mark.cluster
@needs_ray
def test_an_error_of_a_process_is_raised_as_it_is(cluster: str, trained: Run, tmp_path: Path) -> None:
    config, other = RetrieveConfig(candidates=8), {"key": "of another model"}
    source = RecommenderSource(trained.folder, None, RunOptions(threads=1), config, 2, None, False, None, other)
    run_blocks = share_blocks(source, RayOptions(cluster, actors=1))
    with pytest.raises(CheckpointError, match="another model or other data on this machine"):
        write_recommendations(run_blocks, trained.ds.user_ids[:2], tmp_path / "recs", made_from={}, block=1)
