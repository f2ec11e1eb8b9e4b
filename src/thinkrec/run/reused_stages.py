"""Stages that another run has finished on the same inputs: copied in place of doing the same work again."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path


def copy_finished_stage(name: str, target: Path, runs: Sequence[Path], is_equal: Callable[[Path], bool]) -> Path | None:
    """Copy a stage into `target` from the first run that has it as wanted; returns that run, None where none has.

    The copy appears in one go: one that was interrupted leaves nothing that looks like a stage.

    Args:
        name: of the stage: its folder inside a run's.
        target: the stage's folder here; what is there is replaced.
        runs: folders of runs that may have it.
        is_equal: whether the stage in a folder is finished and was made from the inputs that are wanted here.
    """
    for run in runs:
        source = run / name
        if source.resolve() == target.resolve() or not is_equal(source):
            continue
        beside = target.with_name(f".{target.name}.copy")
        shutil.rmtree(beside, ignore_errors=True)
        shutil.copytree(source, beside)
        shutil.rmtree(target, ignore_errors=True)
        beside.rename(target)
        return run
    return None
