"""`thinkrec check` about recipes and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import yaml
from support.command_line import call, plain, refused
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


def test_keywords_are_shown_with_what_would_be_dropped(tmp_path: Path) -> None:
    lines = [f"{u},{i},{1 + (u + i) % 5},{1_500_000_000 + 86_400 * (10 * u + i)}" for u in range(8) for i in range(10)]
    (tmp_path / "ratings.csv").write_text("\n".join(["userId,itemId,rating,timestamp", *lines]) + "\n")
    words = ["Drama", "drama|sea", "drama|city", "moss|city|sea", *["war|love"] * 2, "war|alone 1", "love", "x", "x"]
    items = [f"{i},Thing {i},{entry}" for i, entry in enumerate(words)]
    (tmp_path / "items.csv").write_text("\n".join(["itemId,title,keywords", *items]) + "\n")
    recipe = tmp_path / "mine.yaml"
    tables = (str(tmp_path / "ratings.csv"), str(tmp_path / "items.csv"))
    shown = plain(call("check", *tables, "--write", str(recipe)).stdout)
    for part in ("items with keywords", "joined by case", "drama (also Drama)", "alone 1 1, moss 1"):
        assert part in shown, part
    data = yaml.safe_load(recipe.read_text())["data"]
    assert data["keyword_rules"] == {"join_case": True, "max_share": 1.0, "min_items": 2}
    again = json.loads(call("check", str(recipe), "--json").stdout)
    assert again["keywords"]["sharing"] == [9, 10]
    assert again["keywords"]["rare"] == [["alone 1", 1], ["moss", 1]]
    # Said not to be wanted: nothing is dropped, and it is said what would be.
    off = plain(call("check", *tables, "-o", "keyword_rules=null").stdout)
    assert "would be dropped: on one item alone" in off
    assert "nothing is joined or dropped" in off


def write_tables(folder: Path, items: int) -> tuple[str, str]:
    """Ratings of ten items, of which the table of items has only so many."""
    lines = [f"{u},{i},{1 + (u + i) % 5},{1_500_000_000 + 86_400 * (10 * u + i)}" for u in range(8) for i in range(10)]
    (folder / "ratings.csv").write_text("\n".join(["userId,itemId,rating,timestamp", *lines]) + "\n")
    titles = [f"{i},Thing {i}" for i in range(items)]
    (folder / "items.csv").write_text("\n".join(["itemId,title", *titles]) + "\n")
    return str(folder / "ratings.csv"), str(folder / "items.csv")


def test_the_exit_code_says_whether_a_run_goes_through(tmp_path: Path) -> None:
    tables, recipe = write_tables(tmp_path, 9), tmp_path / "mine.yaml"
    # A run of these tables as they are would stop; the recipe that is written leaves the rows out.
    plainly = call("check", *tables)
    assert plainly.exit_code == 1 and "settled by" not in plainly.stdout and "a run would go" not in plainly.stdout
    written = call("check", *tables, "--write", recipe)
    assert written.exit_code == 0 and "[settled by unknown_items: drop]" in written.stdout
    assert yaml.safe_load(recipe.read_text())["data"]["unknown_items"] == "drop"
    assert call("check", recipe).exit_code == 0
    whole = call("check", *write_tables(tmp_path, 10))
    assert whole.exit_code == 0 and whole.stdout.rstrip().endswith("a run would go through")


def test_no_recipe_is_written_where_a_run_would_stop(tmp_path: Path) -> None:
    ratings, _ = write_tables(tmp_path, 10)
    result = call("check", ratings, "--write", tmp_path / "mine.yaml")
    assert result.exit_code == 1 and "no table of items was found" in result.stdout
    assert not (tmp_path / "mine.yaml").exists() and "run it:" not in result.stdout
    content = json.loads(call("check", ratings, "--json").stdout)
    assert content["data"] is None and len(content["problems"]) == 1
