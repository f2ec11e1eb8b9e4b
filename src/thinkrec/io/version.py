"""The version of the package, which pyproject.toml states and nothing else."""

from __future__ import annotations

import re
from pathlib import Path


def read_version() -> str:
    """The version of the source tree that this file lies in; where there is none, that of the installed package."""
    project = Path(__file__).resolve().parents[3] / "pyproject.toml"
    if project.is_file():
        text = project.read_text(encoding="utf-8")
        stated = re.search(r'^name = "thinkrec"\nversion = "([^"]+)"$', text, flags=re.MULTILINE)
        if stated:
            return stated[1]
    import importlib.metadata

    return importlib.metadata.version("thinkrec")
