"""The process of `thinkrec serve`: opens the run, listens, swaps on SIGHUP, ends in order on SIGTERM."""

from __future__ import annotations

import logging
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
from thinkrec.serve.garbage import settle_garbage
from thinkrec.serve.keys import check_exposure, read_keys
from thinkrec.serve.loaded_model import RETIREMENT, ServiceLimits
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
) -> None:
    """Serve a run until the process is told to stop; raises before it listens where the run or the keys are wrong."""
    keys = read_keys(key_text, key_file)
    check_exposure(host, keys)
    service = open_service(folder, interactions, options=options, limits=limits)
    settle_garbage()
    _register_swap(service, folder)
    info = service.describe()
    if info.warning:
        say(info.warning)
    say(f"{info.row} of {info.run} answers at http://{host}:{port}/v1 (openapi.json describes it)")
    page = page and check_page(say)
    if page:
        say(f"Open http://{host}:{port}/page/ in a browser")
    config = uvicorn.Config(
        create_app(service, keys, page), host=host, port=port, log_level="warning", timeout_graceful_shutdown=60
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


def _register_swap(service: RecommenderService, folder: Path) -> None:
    def swap() -> None:
        try:
            LOGGER.warning("swapped to %s", service.swap_run(folder).version)
        except ThinkRecError as error:
            LOGGER.error("the run is not swapped, the old one goes on: %s", error)
            return
        time.sleep(RETIREMENT + 5)  # until the old model is gone
        settle_garbage()

    # A signal's handler must not load a model itself: it would stop the thread that answers.
    signal.signal(signal.SIGHUP, lambda *_: threading.Thread(target=swap, daemon=True).start())
