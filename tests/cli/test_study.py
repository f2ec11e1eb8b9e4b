"""`thinkrec study` as a user sees it: what is refused, and what is printed of a study that is there."""

from __future__ import annotations

from pathlib import Path

from support.command_line import call, plain, refused
from support.tiny_study import write_recipe, write_study


def test_what_cannot_be_is_one_message(tmp_path: Path) -> None:
    assert "there is no study 'nothing'" in refused("study", "nothing")
    write_study(tmp_path / "s", recipes=["unknown"])
    assert "there is no recipe 'unknown'" in refused("study", tmp_path / "s")
    write_recipe(tmp_path / "t", "a")
    (tmp_path / "t" / "b.yaml").write_text("extends: a.yaml\n")
    assert "two rows of the study would be called 'a'" in refused("study", tmp_path / "t")


def test_a_report_of_what_is_there_runs_nothing(tmp_path: Path) -> None:
    write_recipe(tmp_path / "t", "a")
    result = call("study", tmp_path / "t", "--folder", tmp_path / "runs", "--report")
    assert result.exit_code == 0, result.output
    assert "a: No run of it is finished." in result.stdout and "a: seed 0 not finished." in result.stdout
    assert (tmp_path / "runs" / "results.md").is_file() and (tmp_path / "runs" / "report.html").is_file()
    assert not (tmp_path / "runs" / "a").exists()
    result = call("study", tmp_path / "t", "--folder", tmp_path / "runs", "--report", "--results", tmp_path / "out")
    assert result.exit_code == 2 and "error: not exported" in result.stderr
    assert "runs are not finished: a, seed 0" in result.stderr and not (tmp_path / "out").exists()


def test_help_says_how_several_machines_share_a_study() -> None:
    text = plain(call("study", "--help").stdout)
    assert "--processes" in text and "machines" in text
