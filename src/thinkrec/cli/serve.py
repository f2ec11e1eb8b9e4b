"""`thinkrec serve`: a finished run over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from thinkrec.cli.options import Device, RunName, Threads, Workers


def serve(
    run: RunName,
    beside: Annotated[
        str | None,
        typer.Option(metavar="RUN", help="A second run on the same tables; the page and /v1/compare show both."),
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on; others than loopback need API keys.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8000,
    interactions: Annotated[
        str, typer.Option(help="SQLite file of the interactions that are appended, or postgresql://USER@HOST/DATABASE.")
    ] = "interactions.sqlite",
    prefix_cache: Annotated[
        int, typer.Option(min=0, metavar="MB", help="Memory for histories of returning users; 0 keeps none.")
    ] = 256,
    key_file: Annotated[Path | None, typer.Option(help="API keys, one a line; also $THINKREC_API_KEYS.")] = None,
    page: Annotated[bool, typer.Option(help="The page for the browser, at /page/, beside the endpoints.")] = True,
    device: Device = None,
    workers: Workers = None,
    threads: Threads = None,
) -> None:
    """Serve a finished run over HTTP.

    - `thinkrec serve demo`
    - `thinkrec serve demo --beside other`: both models' rankings and reasons next to each other
    - `THINKREC_API_KEYS=... thinkrec serve demo --host 0.0.0.0`
    - SIGHUP opens the run's folder again and answers by what stands there now; SIGTERM finishes what was accepted.
    """
    import os

    from thinkrec.cli import show
    from thinkrec.errors import DataError
    from thinkrec.run.folders import find_run_folder
    from thinkrec.run.options import RunOptions

    try:
        from thinkrec.serve.loaded_model import ServiceLimits
        from thinkrec.serve.run_server import run_server
    except ModuleNotFoundError as error:
        raise DataError(f"the service needs {error.name}; install it: pip install 'thinkrec[serve]'") from error
    folder = find_run_folder(run)
    options = RunOptions.from_environment(device=device, workers=workers, threads=threads)
    run_server(
        folder,
        interactions,
        host,
        port,
        os.environ.get("THINKREC_API_KEYS"),
        key_file,
        options,
        say=lambda text: show.make_console().print(text),
        limits=ServiceLimits(prefix_bytes=prefix_cache << 20),
        page=page,
        beside=None if beside is None else find_run_folder(beside),
    )
