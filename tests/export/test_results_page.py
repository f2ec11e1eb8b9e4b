"""The table in the docs is the one that was measured."""

from __future__ import annotations

import os
import subprocess
import sys

from support.source_tree import ROOT


def test_the_page_has_the_measured_figures() -> None:
    command = [sys.executable, str(ROOT / "docs/generate/exports_table.py"), "--check"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
