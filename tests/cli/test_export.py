"""`thinkrec export`, and its check."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from thinkrec.cli import app


def test_a_folder_that_is_no_export_and_a_missing_run_are_errors(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["export", "--check", str(tmp_path)])
    assert done.exit_code != 0 and "no readable list of scored pairs" in (done.output + str(done.exception))
    done = CliRunner().invoke(app, ["export", "demo"])
    assert done.exit_code != 0 and "folder to write" in (done.output + str(done.exception))
