"""What a number was made with: versions, commit and hardware; and digests of contents, by which work is found again."""

from __future__ import annotations

import ast
import functools
import platform
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import thinkrec
from thinkrec.io.hashing import hash_bytes
from thinkrec.io.proc import read_proc_fields

_PACKAGE = Path(__file__).resolve().parents[1]
# CPython 3.11 counts the depth of a tree once for all threads: two that parse at the same time fail (SystemError).
_PARSING = threading.Lock()


@functools.cache
def hash_code(rooms: tuple[str, ...]) -> str:
    """Hash (hex, 16) of the code of some folders and files of the package, such as ("train", "stage.py").

    Comments, docstrings and layout do not count: only what is computed does. Raises FileNotFoundError for a room that
    does not exist.
    """
    return hash_bytes(_dump_module(path) for room in sorted(rooms) for path in _list_modules(room))[:16]


def _list_modules(room: str) -> list[Path]:
    folder = _PACKAGE / room
    if not folder.exists():
        raise FileNotFoundError(folder)
    return sorted(folder.rglob("*.py")) if folder.is_dir() else [folder]


def _dump_module(path: Path) -> bytes:
    """A module's name and code without comments, docstrings and layout."""
    text = path.read_text(encoding="utf-8")
    with _PARSING:
        tree = ast.parse(text)
    for node in ast.walk(tree):
        _drop_docstrings(node)
    return f"{path.relative_to(_PACKAGE).as_posix()}\n{ast.dump(tree)}\n".encode()


def _drop_docstrings(node: ast.AST) -> None:
    body = getattr(node, "body", None)
    if isinstance(body, list):
        # A text that stands alone computes nothing: the docstring of a module, class, function or field.
        body[:] = [part for part in body if not (isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant))]


def describe_environment() -> dict[str, Any]:
    """Versions, commit and hardware, to stand beside every number; as plain values."""
    import torch
    import transformers

    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    commit, dirty = find_source_commit()
    return {
        "date": time.strftime("%Y-%m-%d"),
        "thinkrec": thinkrec.__version__,
        "commit": commit,
        "dirty": dirty,
        "code": hash_code((".",)),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "device": gpu or f"CPU, {torch.get_num_threads()} threads ({platform.machine()})",
        "cpu": read_cpu_name(),
        "threads": torch.get_num_threads(),
        "gpu": gpu,
    }


def find_source_commit() -> tuple[str | None, bool | None]:
    """The commit of the clone that the package runs from, and whether its sources differ from it.

    (None, None) for an installed package.
    """
    top = _run_git("rev-parse", "--show-toplevel")
    if top is None or Path(top).resolve() not in _PACKAGE.parents:
        return None, None
    tracked = _run_git("ls-files", "--error-unmatch", "run/provenance.py")
    if tracked is None:
        return None, None
    changed = _run_git("status", "--porcelain", "--", ".")
    return _run_git("rev-parse", "HEAD"), None if changed is None else bool(changed)


def _run_git(*arguments: str) -> str | None:
    try:
        result = subprocess.run(
            ["git", *arguments], cwd=_PACKAGE, capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return result.stdout.strip()


def read_cpu_name() -> str:
    """The processor's name, as far as the system says it."""
    return read_proc_fields("/proc/cpuinfo").get("model name") or platform.processor() or platform.machine()
