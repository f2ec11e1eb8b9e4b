"""`thinkrec mcp`: a finished run as tools for agents."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from thinkrec.cli.options import Device, RunName, Threads, Workers


def mcp(
    run: RunName,
    interactions: Annotated[
        Path | None, typer.Option(help="SQLite file of `thinkrec serve`, whose interactions count too.")
    ] = None,
    device: Device = None,
    workers: Workers = None,
    threads: Threads = None,
) -> None:
    """Answer an agent by the Model Context Protocol on standard input and output: tools `recommend` and `explain`.

    - `thinkrec mcp demo`, named as the command of a server in the agent's settings

    Needs the package mcp: pip install 'thinkrec[mcp]'.
    """
    from thinkrec.run.folders import find_run_folder
    from thinkrec.run.options import RunOptions
    from thinkrec.serve.mcp_server import run_mcp_server

    options = RunOptions.from_environment(device=device, workers=workers, threads=threads)
    run_mcp_server(find_run_folder(run), interactions, options)
