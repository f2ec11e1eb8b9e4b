"""The table in the docs is the one that was measured."""

from __future__ import annotations

import runpy
import sys

import pytest
from support.source_tree import ROOT


def test_the_page_has_the_measured_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    script = ROOT / "docs/generate/exports_table.py"
    monkeypatch.syspath_prepend(str(script.parent))
    monkeypatch.setattr(sys, "argv", [str(script), "--check"])
    assert runpy.run_path(str(script))["main"]() == 0
