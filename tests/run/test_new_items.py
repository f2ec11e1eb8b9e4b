"""Items held out of the training: both kinds of rows are scored, and a constant for the new ones ranks nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from thinkrec.cli import app
from thinkrec.data.interactions import TEST
from thinkrec.errors import DataError
from thinkrec.run.new_items import evaluate_new_items
from thinkrec.run.recipe import Recipe, parse_recipe
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue

DATA = {"kind": "simulator", "seed": 5, "simulator": {"users": 60, "items": 40, "interactions_per_user": [10, 16]}}


def make_recipe() -> Recipe:
    scorer = {"kind": "mf", "dim": 8, "training": {"epochs": 3}}
    text = {"name": "tiny", "seed": 3, "data": DATA, "model": scorer, "evaluation": {"bootstrap_draws": 100}}
    return parse_recipe(text, "tiny")


def test_new_and_warm_rows_are_scored_apart(tmp_path: Path) -> None:
    ds = simulate_catalogue(SimulatorConfig(users=60, items=40, interactions_per_user=(10, 16)), 5).dataset
    result = evaluate_new_items(make_recipe(), ds, tmp_path, share=0.25, seed=0)
    rows: dict[tuple[Any, ...], dict[str, Any]] = {
        (row["model"], row["vectors"], row["split"], row["items"]): row for row in result["rows"]
    }
    assert result["held_out_items"] == 10 and result["trained_items"] == 30
    n_test = int((ds.interactions.split == TEST).sum())
    new, warm = rows["random", None, "test", "new"], rows["random", None, "test", "warm"]
    assert new["rows"] + warm["rows"] == n_test and 0 < new["rows"] < warm["rows"]
    # The mean of an item without ratings is the same for every new one.
    assert rows["item mean", None, "test", "new"]["auc"] == 0.5 != rows["item mean", None, "test", "warm"]["auc"]
    mean, predicted = rows["tiny", "mean", "test", "warm"], rows["tiny", "keywords", "test", "warm"]
    assert mean["auc"] == predicted["auc"]
    assert rows["tiny", "mean", "test", "new"]["auc"] != rows["tiny", "keywords", "test", "new"]["auc"]
    for row in rows.values():
        assert row["low"] <= row["auc"] <= row["high"]


def test_a_share_that_leaves_nothing_to_ask_is_refused(tmp_path: Path) -> None:
    ds = simulate_catalogue(SimulatorConfig(users=60, items=40, interactions_per_user=(10, 16)), 5).dataset
    with pytest.raises(DataError, match="between 0 and 1"):
        evaluate_new_items(make_recipe(), ds, tmp_path, share=0.0, seed=0)


def test_the_command_prints_a_table_and_writes_the_same_figures(tmp_path: Path) -> None:
    import json

    import yaml

    path = tmp_path / "tiny.yaml"
    text = {"name": "tiny", "seed": 3, "data": DATA, "model": {"kind": "mf", "dim": 8, "training": {"epochs": 3}}}
    path.write_text(yaml.safe_dump({**text, "evaluation": {"bootstrap_draws": 100}}), encoding="utf-8")
    options = ["--share", ".25", "--folder", str(tmp_path / "run"), "--out", str(tmp_path / "new.json")]
    result = CliRunner().invoke(app, ["evaluate", "new-items", str(path), *options])
    assert result.exit_code == 0, result.output
    content = json.loads((tmp_path / "new.json").read_text(encoding="utf-8"))
    assert "10 items held out of the training of tiny" in result.stdout
    figure = next(
        row["auc"]
        for row in content["rows"]
        if (row["model"], row["vectors"], row["split"], row["items"]) == ("tiny", "keywords", "test", "new")
    )
    (line,) = [line for line in result.stdout.splitlines() if "tiny" in line and "keywords" in line]
    assert f"{figure:.3f} [" in line
