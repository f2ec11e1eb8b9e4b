"""What a new user does with files as others publish them: check, run, predict, rank. No Python is written."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
import yaml
from support.command_line import call
from support.raw_files import N_ITEMS, N_ROWS, N_USERS, write_book_crossing, write_double_colons, write_json_lines

ALL = N_USERS * N_ROWS
PATHS: dict[str, tuple[Callable[[Path], tuple[Path, Path]], str, dict[str, object], list[str], str]] = {
    # Format -> who writes it, what is trained, keys of the recipe's data, what `check` says, a user.
    "semicolons, latin-1, backslashes, zeros": (
        write_book_crossing,
        "mf",
        {
            "interactions_format": {
                "separator": ";",
                "columns": {"user_id": "User-ID", "item_id": "ISBN", "rating": "Book-Rating", "timestamp": "Date"},
            },
            "items_format": {
                "separator": ";",
                "encoding": "latin-1",
                "quoting": "backslash",
                "columns": {"item_id": "ISBN", "title": "Book-Title", "keywords": "Book-Author"},
            },
            "missing": [0.0],
            "unknown_items": "drop",
            "item": "book",
        },
        [
            "semicolons between fields, because 100% of the lines have 4 fields then",
            "read as latin-1, because line 2 is not UTF-8",
            "rows have 0, all others lie between 2 and 10: not rated, it seems",
            "8 rows: column 'item_id' names items that",
            "settled by unknown_items: drop",
            "values with HTML: 30 in 'title'",
            "its name says who made the item, and no other column has",
        ],
        "276703",
    ),
    "double colons, no header": (
        write_double_colons,
        "boosting",
        {
            "interactions_format": {
                "separator": "::",
                "header": False,
                "columns": {"user_id": 1, "item_id": 2, "rating": 3, "timestamp": 4},
            },
            "items_format": {
                "separator": "::",
                "encoding": "latin-1",
                "header": False,
                "columns": {"item_id": 1, "title": 2, "keywords": 3},
            },
            "threshold": 2.0,
            "item": "movie",
            "user": "viewer",
        },
        [
            "its first line is a row, so it has no header",
            "double colons between fields",
            "100% of the items have some",
        ],
        "7",
    ),
    "JSON lines with HTML, milliseconds and a torn line": (
        write_json_lines,
        "mf",
        {
            "interactions_format": {"columns": {"item_id": "asin"}},
            "items_format": {"columns": {"item_id": "parent_asin", "keywords": "categories"}},
            "on_error": "drop",
            "item": "product",
        },
        [
            f"1 line: line {ALL + 1}, character 21 is not JSON",
            "settled by on_error: drop",
            "values with HTML: 30 in 'title'",
            f"column 'timestamp' is in no seconds: {ALL} in milliseconds",
        ],
        "AG007",
    ),
}


@pytest.mark.parametrize("name", PATHS)
@pytest.mark.filterwarnings("ignore::thinkrec.errors.DataWarning")
def test_from_files_to_a_ranking(name: str, tmp_path: Path) -> None:
    write, model, keys, said, user = PATHS[name]
    tables, recipe, run = write(tmp_path), tmp_path / "mine.yaml", tmp_path / "run"
    first = call("check", *tables)
    assert first.exit_code == (0 if model == "boosting" else 1), first.output
    checked = call("check", *tables[::-1], "--write", recipe, "--model", model)
    assert checked.exit_code == 0, checked.output
    words = " ".join(checked.stdout.split())
    for phrase in said:
        assert phrase in words, phrase
    assert f"thinkrec run {recipe}" in checked.stdout
    content = yaml.safe_load(recipe.read_text(encoding="utf-8"))
    assert {key: content["data"].get(key) for key in keys} == keys
    assert content["model"] == {"kind": model} and content["data"]["split"]["by"] == "fractions"
    assert len([line for line in recipe.read_text("utf-8").splitlines() if not line.startswith("#")]) <= 18

    again = call("check", recipe)
    assert again.exit_code == 0, again.output
    trained = call("run", recipe, "--folder", run, "-o", "evaluation.bootstrap_draws=100")
    assert trained.exit_code == 0, trained.output
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["provenance"]["data"]
    predicted = call("predict", run, "--out", tmp_path / "scores.csv")
    assert predicted.exit_code == 0, predicted.output
    scores = pl.read_csv(tmp_path / "scores.csv")
    assert scores.height == json.loads(call("check", recipe, "--json").stdout)["facts"]["split_rows"]["test"] > 0
    ranked = call("rank", run, user, "--top", 3)
    assert ranked.exit_code == 0, ranked.output
    assert ranked.stdout.count("%") == 3
    assert not any(mark in ranked.stdout for mark in ("&amp;", "<b>", "\\", "Ã"))


def test_figures_are_those_of_the_files(tmp_path: Path) -> None:
    result = call("check", *write_double_colons(tmp_path), "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert [table["role"] for table in found["tables"]] == ["interactions", "items"]
    facts = found["facts"]
    assert (facts["rows"], facts["users"], facts["items"]) == (ALL, N_USERS, N_ITEMS)
    assert facts["density"] == pytest.approx(N_ROWS / N_ITEMS) and facts["repeated_pairs"] == 0
    assert facts["split_rows"] == {"train": 384, "valid": 48, "test": 48}
    assert sum(count for _, count in found["ratings"]) == ALL and found["problems"] == []
    assert found["training_time"]["tokens"] > 0


def test_checking_tables_does_not_wait_for_pytorch(tmp_path: Path) -> None:
    tables = [str(path) for path in write_double_colons(tmp_path)]
    code = f"""
import sys
from thinkrec.cli import app
try:
    app(["check", *{tables!r}, "--write", {str(tmp_path / "mine.yaml")!r}], standalone_mode=False)
    app(["check", {str(tmp_path / "mine.yaml")!r}], standalone_mode=False)
finally:
    assert "torch" not in sys.modules, "torch was imported"
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
