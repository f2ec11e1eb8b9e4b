"""A tiny run with hostile titles, served by `thinkrec serve`, and a browser that reaches nothing but this machine."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from support.tiny_run import train_tiny_run

ROOT = Path(__file__).resolve().parents[2]
KEY = "0123456789abcdef-browser"
HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(2)</script>",
    "{{ constructor.constructor('alert(3)')() }}",
    "`${alert(4)}` & <b>bold</b>",
)
"""Titles of the last items of user 1's history, the newest first."""
ODD = (
    "\u202e\u05e1\u05e8\u05d8 \u05e2\u05dc \u05d0\u05d4\u05d1\u05d4 (1999)",
    "The Long Way Home and Back Again, " * 4,
    "x" * 60,
)
"""Titles of the last items of user 2's history that user 1 has not met: from the right, long, without a gap."""
# Tables are read without tags, so that such titles have to be put into the open model.
HOSTILE_SERVER = f"""
import time
from dataclasses import replace
from pathlib import Path
from thinkrec.cli import main
from thinkrec.serve import service
from thinkrec.serve.errors import QueueFullError
from thinkrec.serve.reasons import ReasonDesk
from thinkrec.serve.scoring_queue import ScoringQueue
submit, generate = ScoringQueue.submit, ReasonDesk._generate
def submit_or_refuse(*args):
    if Path("refuse").exists():
        raise QueueFullError("900 candidates wait", 2.5)
    return submit(*args)
def generate_slowly(*args):
    while Path("slow").exists():
        time.sleep(0.05)
    return generate(*args)
ScoringQueue.submit, ReasonDesk._generate = submit_or_refuse, generate_slowly
open_plain = service.open_model
def open_hostile(*args):
    model = open_plain(*args)
    ds = model.ds
    titles = list(ds.items.titles)
    for code, title in zip(ds.interactions.item[: ds.interactions.start[1]][::-1], {HOSTILE!r}):
        titles[code] = title
    first, second = (ds.interactions.item[slice(*ds.interactions.start[n : n + 2])] for n in (0, 1))
    for code, title in zip([code for code in second[::-1] if code not in first], {ODD!r}):
        titles[code] = title
    model.predictor = replace(model.predictor, ds=replace(ds, items=replace(ds.items, titles=titles)))
    model.__dict__.pop("catalogue", None)
    return model
service.open_model = open_hostile
main()
"""


# Whatever else the machine does, pictures show what a quiet one would answer.
PATIENT_SERVER = """
import time
from thinkrec.cli import main
from thinkrec.serve.service import RecommenderService
RecommenderService._end = lambda *_: time.monotonic() + 600
main()
"""


@dataclass(frozen=True)
class Server:
    """A running `thinkrec serve`."""

    address: str
    work: Path
    """Its working folder: while a file `refuse` lies there questions are refused; while `slow` does, reasons wait."""
    process: subprocess.Popen[bytes]


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train_tiny_run(tmp_path_factory.mktemp("tiny")).folder


@pytest.fixture(scope="session")
def beside_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on the same tables with another seed and a shorter history."""
    return train_tiny_run(tmp_path_factory.mktemp("beside"), seed=4, history=3).folder


@contextlib.contextmanager
def serve(
    folder: Path, work: Path, hostile: bool = True, beside: Path | None = None, **environment: str
) -> Iterator[Server]:
    """`thinkrec serve` until the end of the block, which SIGTERM brings."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    script = HOSTILE_SERVER if hostile else PATIENT_SERVER
    command = [sys.executable, "-c", script, "serve", str(folder), "--port", str(port)]
    command += [] if beside is None else ["--beside", str(beside)]
    command += ["--interactions", str(work / "interactions.sqlite"), "--threads", "1"]
    variables = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1", **environment}
    process = subprocess.Popen(command, cwd=work, env=variables)
    try:
        wait_until_ready(f"http://127.0.0.1:{port}", process)
        yield Server(f"http://127.0.0.1:{port}", work, process)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        process.kill()


def wait_until_ready(address: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 300
    while time.monotonic() < end:
        assert process.poll() is None, "the server ended before it was ready"
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{address}/ready", timeout=5):
            return
        time.sleep(0.2)
    raise AssertionError("the server was not ready within five minutes")


@pytest.fixture(scope="session")
def server(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serve(tiny_folder, tmp_path_factory.mktemp("open")) as server:
        yield server


@pytest.fixture(scope="session")
def address(server: Server) -> str:
    return server.address


@pytest.fixture(scope="session")
def pair_address(tiny_folder: Path, beside_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serve(tiny_folder, tmp_path_factory.mktemp("pair"), beside=beside_folder) as server:
        yield server.address


@pytest.fixture(scope="session")
def guarded_address(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serve(tiny_folder, tmp_path_factory.mktemp("guarded"), THINKREC_API_KEYS=KEY) as server:
        yield server.address


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip(
        "playwright.sync_api", reason="Playwright is missing; `make test-browser` installs it"
    )
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("there is no chromium; on Debian: apt-get install chromium")
    # Names resolve to nothing: what is not on this machine cannot be reached even where there is a network.
    arguments = ["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=arguments)
        yield chromium
        chromium.close()


@pytest.fixture
def new_page(browser: Any) -> Iterator[Any]:
    """Makes pages in contexts of their own; afterwards none may have failed, asked elsewhere, or run a title."""
    contexts, faults = [], []

    def make_page(**options: Any) -> Any:
        context = browser.new_context(**{"viewport": {"width": 1360, "height": 900}, **options})
        context.set_default_timeout(60_000)
        contexts.append(context)
        page = context.new_page()
        watch_page(page, faults)
        return page

    yield make_page
    for context in contexts:
        context.close()
    assert faults == []


def watch_page(page: Any, faults: list[str]) -> None:
    """Note every request that leaves this machine, every error, and every dialog that a title could have opened."""

    def check_address(url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob") and parts.hostname != "127.0.0.1":
            faults.append(f"asked {url}")

    page.on("request", lambda request: check_address(request.url))
    page.on("websocket", lambda socket: check_address(socket.url))
    page.on("pageerror", lambda error: faults.append(f"error {error}"))
    page.on("dialog", lambda dialog: (faults.append(f"dialog {dialog.message}"), dialog.dismiss()))
    page.on("console", lambda line: faults.append(f"console {line.text}") if line.type == "error" else None)


@pytest.fixture
def page(new_page: Any) -> Any:
    return new_page()
