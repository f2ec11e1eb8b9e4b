"""Folders of runs, by path or by name."""

from __future__ import annotations

from pathlib import Path

from thinkrec.errors import CheckpointError


def find_run_folder(name: str) -> Path:
    """The folder of a run given by path, or by its name under runs/. Raises CheckpointError saying where it looked."""
    for path in (Path(name), Path("runs") / name):
        if path.is_dir():
            return path
    raise CheckpointError(
        f"there is no run {name!r} (looked for {name} and runs/{name}); train one: thinkrec run RECIPE"
    )
