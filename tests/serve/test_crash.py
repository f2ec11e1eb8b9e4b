"""Kill -9 under writes: what was acknowledged is there. `make bench-serve` does it 100 times."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("uvicorn", reason="thinkrec[serve] is not installed")
pytest.importorskip("prometheus_client", reason="thinkrec[serve] is not installed")

from postgres_server import NoPostgresError, serve_postgres
from serve_crash import CrashResult, Writer, check_log, run_crashes
from serve_process import Nursery

from thinkrec.serve.interaction_store import SqliteStore

APPEND = """
import sys
from pathlib import Path
from thinkrec.serve.interaction_store import SqliteStore
store, n = SqliteStore(Path(sys.argv[1])), int(sys.argv[2])
while True:
    n += 1
    number = store.append("u", str(n), True, n, f"key-{n}").number
    print(n, number, flush=True)
"""


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with Nursery() as nursery:
        yield nursery


def test_a_killed_service_remembers_what_it_acknowledged(nursery: Nursery, served_folder: Path, tmp_path: Path) -> None:
    result = run_crashes(nursery, served_folder, str(tmp_path / "log.sqlite"), [1, 2, 3, 4], kills=3, seed=1)
    assert result.kills == 3 and result.idle_kills < 3
    assert result.acknowledged > 20
    assert result.lost == [] and result.doubled == 0


def test_so_it_does_with_postgresql(nursery: Nursery, served_folder: Path) -> None:
    pytest.importorskip("psycopg_pool", reason="thinkrec[postgres] is not installed")
    try:
        with serve_postgres() as server:
            result = run_crashes(nursery, served_folder, server.url, [1, 2, 3], kills=2, seed=3)
    except NoPostgresError as error:
        pytest.skip(str(error))
    assert result.lost == [] and result.doubled == 0 and result.acknowledged > 5


def test_a_killed_process_has_stored_what_append_returned(tmp_path: Path) -> None:
    path, draw, acknowledged, last = tmp_path / "log.sqlite", random.Random(7), dict[int, int](), 0
    for _ in range(5):
        process = subprocess.Popen(
            [sys.executable, "-c", APPEND, str(path), str(last)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        first = process.stdout.readline()
        killer = threading.Timer(draw.uniform(0.005, 0.1), os.kill, (process.pid, signal.SIGKILL))
        killer.start()
        for line in [first, *process.stdout]:
            if line.endswith("\n"):
                n, number = map(int, line.split())
                acknowledged[n], last = number, n
        assert process.wait(10) == -signal.SIGKILL
        process.stdout.close()
        # What was in work when the kill came may be stored; its number is not used again.
        last += 1
    store = SqliteStore(path)
    rows = {row.timestamp: row.number for row in store.list_user("u")}
    store.close()
    assert len(acknowledged) > 20
    assert {n: rows.get(n) for n in acknowledged} == acknowledged
    assert len(rows) - len(acknowledged) <= 5


def test_a_lost_row_is_seen(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "log.sqlite")
    writer, result = Writer("u", [4, 5]), CrashResult()
    for n in range(3):
        body = writer.build_body(n)
        writer.acknowledged[n] = store.append("u", str(body["item"]), body["liked"], n, body["key"]).number
    check_log(store, [writer], result)
    assert (result.acknowledged, result.lost) == (3, [])
    writer.acknowledged[3] = 4
    check_log(store, [writer], result)
    store.close()
    assert len(result.lost) == 1 and "the log has None" in result.lost[0]
