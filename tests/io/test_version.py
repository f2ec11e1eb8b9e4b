"""The version stands in one place."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

import pytest

import thinkrec
from thinkrec.io import version


def test_a_source_tree_goes_by_its_own_project_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert thinkrec.__version__ == version.read_version()
    tree = tmp_path / "src" / "thinkrec" / "io" / "version.py"
    monkeypatch.setattr(version, "__file__", str(tree))
    monkeypatch.setattr(importlib.metadata, "version", lambda name: f"{name} 7.1")
    assert version.read_version() == "thinkrec 7.1", "an installed package has no project file above it"
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "thinkrec"\nversion = "8.2"\n')
    assert version.read_version() == "8.2"
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "another"\nversion = "9"\n')
    assert version.read_version() == "thinkrec 7.1", "the project that it lies in is another's"
