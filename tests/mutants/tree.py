"""Copies of the source and its tests, and pytest in them.

Importing PyTorch and its like takes longer than most of the tests. So it is done once, here, and every run of pytest is
a fork of this process, which then imports thinkrec from its own copy.
"""

from __future__ import annotations

import importlib
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mutant import PACKAGE, ROOT, Mutant

HEAVY = (
    "accelerate",
    "hypothesis",
    "polars",
    "pydantic",
    "pytest",
    "scipy.sparse",
    "scipy.stats",
    "sklearn.cluster",
    "sklearn.ensemble",
    "torch",
    "transformers.models.auto.modeling_auto",
    "transformers.models.llama.modeling_llama",
    "transformers.trainer_utils",
)
"""Modules that most tests import and that take seconds."""
COPIED = ("src", "tests", "recipes", "pyproject.toml")
QUIET = ("-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning")
"""No cache, and no remark about what was imported before the fork."""
LIMIT = 240
"""Seconds for the tests of one mutant; one that hangs is not counted as noticed."""


@dataclass(eq=False)
class Job:
    """One run of pytest in a tree with some changes; the last three are filled in when it is done."""

    mutants: tuple[Mutant, ...]
    tests: tuple[str, ...]
    """Under tests/."""
    options: tuple[str, ...]
    limit: int = LIMIT
    status: int | None = None
    """Exit status of pytest; None where it was stopped."""
    output: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Tree:
    """A copy of the source and its tests."""

    root: Path
    kept: dict[Path, bytes] = field(default_factory=dict)
    """What changed files held before."""

    @classmethod
    def copy(cls, root: Path) -> Tree:
        """Copy what tests need into a new folder."""
        root.mkdir()
        leave = shutil.ignore_patterns("__pycache__", "*.pyc", ".pytest_cache", ".hypothesis")
        for name in COPIED:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, root / name, ignore=leave)
            else:
                shutil.copy2(ROOT / name, root / name)
        return cls(root)

    def change(self, mutants: Iterable[Mutant]) -> None:
        """Make the changes."""
        for mutant in mutants:
            path = self.root / PACKAGE / mutant.file
            self.kept.setdefault(path, path.read_bytes())
            mutant.apply(self.root)
            _forget(path)

    def restore(self) -> None:
        """Take them back."""
        for path, content in self.kept.items():
            path.write_bytes(content)
            _forget(path)
        self.kept.clear()


def _forget(path: Path) -> None:
    """Compiled files are told from old ones by second and size, which a small quick change may leave as they were."""
    for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
        compiled.unlink()


def _import_heavy() -> None:
    """Import what every fork will use; thinkrec is not among it."""
    # Read when PyTorch and its like are imported: one thread to a run, and no threads at all before a fork.
    os.environ.update(OMP_NUM_THREADS="1", TOKENIZERS_PARALLELISM="false", HF_HUB_OFFLINE="1")
    for name in HEAVY:
        importlib.import_module(name)


def run_jobs(jobs: Iterable[Job], trees: Sequence[Tree], report: Callable[[Job], None]) -> None:
    """Run all jobs, one to a tree at a time, and report each as it is done."""
    _import_heavy()
    waiting, free = list(reversed(list(jobs))), list(trees)
    running: dict[int, tuple[Job, Tree, Path, float]] = {}
    with tempfile.TemporaryDirectory(prefix="thinkrec-mutants-") as folder:
        try:
            while waiting or running:
                while waiting and free:
                    job, tree = waiting.pop(), free.pop()
                    tree.change(job.mutants)
                    out = Path(folder) / f"{len(waiting)}.txt"
                    running[_start(job, tree, out)] = job, tree, out, time.monotonic()
                number, status = os.wait()
                job, tree, out, began = running.pop(number)
                tree.restore()
                free.append(tree)
                job.status = None if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
                job.output, job.seconds = out.read_text(errors="replace"), time.monotonic() - began
                report(job)
        finally:
            for number in running:
                os.kill(number, signal.SIGKILL)


def _start(job: Job, tree: Tree, out: Path) -> int:
    """Begin pytest in a process of its own; returns its number."""
    sys.stdout.flush()
    number = os.fork()
    if number:
        return number
    status = 3
    try:
        import pytest

        signal.alarm(job.limit)
        handle = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(handle, 1)
        os.dup2(handle, 2)
        os.chdir(tree.root)
        source = str(tree.root / "src")
        os.environ["PYTHONPATH"] = source
        here = str(Path(__file__).parent)
        sys.path[:] = [source, *(path for path in sys.path if path not in (here, str(ROOT / "src")))]
        names = [f"tests/{test}" for test in job.tests]
        status = int(pytest.main([*QUIET, *job.options, *names]))
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)  # not the parent's own clearing up
