"""`thinkrec check` about recipes and what it refuses."""

from __future__ import annotations

from pathlib import Path

from support.command_line import call, refused
from support.raw_files import write_double_colons

from thinkrec.cli.check_view import render_chart
from thinkrec.run.recipe_layers import merge_recipe_files


def test_a_recipe_is_no_table_to_write_one_of(tmp_path: Path) -> None:
    assert "this is one already" in refused("check", "demo", "--write", tmp_path / "mine.yaml")
    assert merge_recipe_files("demo")["name"] == "demo"


def test_a_file_that_is_not_there_and_a_setting_that_is_none(tmp_path: Path) -> None:
    result = call("check", tmp_path / "none.csv")
    assert result.exit_code == 1 and "no such file" in result.stdout
    assert "must read key=value" in refused("check", *write_double_colons(tmp_path), "-o", "threshold")


def test_long_charts_show_their_end() -> None:
    assert render_chart("t", [(str(n), n) for n in range(40)]).row_count == 25
