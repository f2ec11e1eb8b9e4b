"""The process of `thinkrec serve`: opens the run, listens, swaps on SIGHUP, ends in order on SIGTERM."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import uvicorn

from thinkrec.errors import ThinkRecError
from thinkrec.run.options import RunOptions
from thinkrec.serve.app import create_app
from thinkrec.serve.garbage import freeze_objects
from thinkrec.serve.keys import check_exposure, read_keys
from thinkrec.serve.loaded_model import RETIREMENT, ServiceLimits
from thinkrec.serve.run_pair import RunPair
from thinkrec.serve.service import RecommenderService, open_service

LOGGER = logging.getLogger("thinkrec.serve")


def run_server(
    folder: Path,
    interactions: str | Path,
    host: str,
    port: int,
    key_text: str | None,
    key_file: Path | None,
    options: RunOptions,
    say: Callable[[str], None],
    limits: ServiceLimits | None = None,
    page: bool = False,
    beside: Path | None = None,
) -> None:
    """Serve a run until the process is told to stop; raises before it listens where the run or the keys are wrong.

    `beside`: a second run on the same tables, which the page and /v1/compare show next to the first.
    """
    keys = read_keys(key_text, key_file)
    check_exposure(host, keys)
    service = open_service(folder, interactions, options=options, limits=limits)
    pair = None if beside is None else open_pair(service, folder, beside, say)
    _register_swap((lambda: service.swap_run(folder).version) if pair is None else pair.swap_runs)
    freeze_objects()
    info = service.describe()
    if info.warning:
        say(info.warning)
    say(f"{info.row} of {info.run} answers at http://{host}:{port}/v1 (openapi.json describes it)")
    page = page and check_page(say)
    if page:
        say(f"Open http://{host}:{port}/page/ in a browser")
    config = uvicorn.Config(
        create_app(service, keys, page, pair), host=host, port=port, log_level="warning", timeout_graceful_shutdown=60
    )
    server = uvicorn.Server(config)
    # uvicorn takes SIGTERM itself, finishes what was accepted, and raises the signal once more for whoever had it
    # before: that one must not kill the process, which is about to end with 0.
    signal.signal(signal.SIGTERM, lambda *_: setattr(server, "should_exit", True))
    server.run()


def check_page(say: Callable[[str], None]) -> bool:
    """Whether the page can be there; where it cannot, says why and what to install."""
    if find_spec("nicegui") is not None:
        return True
    say("The page is left out, since nicegui is not installed; install it: pip install 'thinkrec[serve]'")
    return False


def open_pair(service: RecommenderService, folder: Path, beside: Path, say: Callable[[str], None]) -> RunPair:
    """Open a second run beside a served one, and say what that took. Raises as `RunPair`, with the service closed."""
    begun, before = time.monotonic(), measure_memory()
    try:
        pair = RunPair(service, folder, beside)
    except ThinkRecError:
        service.close()
        raise
    after = measure_memory()
    memory = "" if before is None or after is None else f" and {max(0, after - before) / 1e6:,.0f} MB of memory"
    seconds, cache = time.monotonic() - begun, service.limits.prefix_bytes >> 20
    say(
        f"Beside it {pair.second.describe().row} of {pair.names[1]}, which took {seconds:.1f} s{memory} to open. "
        f"Each of the two may keep {cache} MB of histories, and a question to both takes the time of both."
    )
    for note in pair.notes:
        say(note)
    return pair


def measure_memory() -> int | None:
    """Bytes of memory that the process holds now; None where the system does not say (Linux does)."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


def _register_swap(swap_run: Callable[[], str]) -> None:
    def swap() -> None:
        try:
            LOGGER.warning("swapped to %s", swap_run())
        except ThinkRecError as error:
            LOGGER.error("the run is not swapped, the old one goes on: %s", error)
            return
        time.sleep(RETIREMENT + 5)  # until the old model is gone
        freeze_objects()

    # A signal's handler must not load a model itself: it would stop the thread that answers.
    signal.signal(signal.SIGHUP, lambda *_: threading.Thread(target=swap, daemon=True).start())
