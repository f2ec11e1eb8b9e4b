"""The process: SIGTERM ends it in order, with a slow request under way."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest

pytest.importorskip("uvicorn", reason="thinkrec[serve] is not installed")
pytest.importorskip("prometheus_client", reason="thinkrec[serve] is not installed")

from thinkrec.errors import DataError
from thinkrec.run.options import RunOptions
from thinkrec.serve import run_server as server_module
from thinkrec.serve.run_server import check_page, run_server

SLOW_SERVER = """
import sys, time
from pathlib import Path
from thinkrec.run.options import RunOptions
from thinkrec.serve import run_server, scoring_queue
from thinkrec.serve.interaction_store import SqliteStore
score, close = scoring_queue.ScoringQueue._score_batch, SqliteStore.close
def score_slowly(self, batch):
    print("scoring", flush=True)
    time.sleep(2)
    score(self, batch)
def say_closed(self):
    close(self)
    print("closed", flush=True)
scoring_queue.ScoringQueue._score_batch, SqliteStore.close = score_slowly, say_closed
run_server.run_server(
    Path(sys.argv[1]), Path(sys.argv[2]), "127.0.0.1", int(sys.argv[3]), None, None, RunOptions(), print
)
"""


def test_sigterm_finishes_what_was_accepted_and_ends_with_zero(served_folder: Path, tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-c", SLOW_SERVER, str(served_folder), str(tmp_path / "i.sqlite"), str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    answers: list[dict] = []

    def ask_slowly() -> None:
        body = json.dumps({"user": 1, "top": 3}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/v1/recommend", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            answers.append(json.load(answer))

    try:
        assert process.stdout is not None
        wait_until_ready(port, process)
        asker = threading.Thread(target=ask_slowly)
        asker.start()
        while process.stdout.readline() != "scoring\n":
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        asker.join(30)
        rest, _ = process.communicate(timeout=30)
    finally:
        process.kill()
    assert len(answers[0]["items"]) == 3
    assert process.returncode == 0
    assert "closed" in rest


def wait_until_ready(port: int, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        assert process.poll() is None, "the server ended before it was ready"
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the server was not ready within a minute")


def test_others_are_not_served_without_keys(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no API keys"):
        run_server(tmp_path, tmp_path / "i.sqlite", "0.0.0.0", 1, None, None, RunOptions(), print)


def test_without_nicegui_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[str] = []
    monkeypatch.setattr(server_module, "find_spec", lambda name: None)
    assert not check_page(lines.append)
    assert len(lines) == 1 and "pip install 'thinkrec[serve]'" in lines[0]
    monkeypatch.setattr(server_module, "find_spec", lambda name: object())
    assert check_page(lines.append) and len(lines) == 1
