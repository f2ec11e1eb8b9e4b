"""The rows of a run's table by name, and what stands behind each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.variants import get_variant

from thinkrec.collab import MFConfig
from thinkrec.errors import CheckpointError, DataError
from thinkrec.run.folders import find_run_folder
from thinkrec.run.recipe import Recipe, parse_recipe
from thinkrec.run.table_rows import (
    ScorerRow,
    VariantRow,
    choose_table_row,
    list_scorer_rows,
    load_row_scorer,
)

FOLDER = Path("runs/x")


def recipe(model: dict[str, Any]) -> Recipe:
    baselines = {"MF": {"kind": "mf", "dim": 3}}
    return parse_recipe({"name": "sets/x", "data": {"kind": "simulator"}, "model": model, "baselines": baselines}, "x")


def test_a_language_model_has_its_stages_and_its_baselines() -> None:
    thinkrec = recipe({"kind": "thinkrec"})
    assert choose_table_row(thinkrec, FOLDER, None) == VariantRow(get_variant("full"))
    assert choose_table_row(thinkrec, FOLDER, "global") == choose_table_row(thinkrec, FOLDER, "ThinkRec global")
    assert choose_table_row(thinkrec, FOLDER, "MF") == ScorerRow("MF", "scorers/MF", MFConfig(dim=3))
    assert list(list_scorer_rows(thinkrec))[-1] == "MF" and "item mean" in list_scorer_rows(thinkrec)
    with pytest.raises(DataError, match=r"no row 'MFF' that could rank; it has: item mean, .*MF, ThinkRec global"):
        choose_table_row(thinkrec, FOLDER, "MFF")
    short = recipe({"kind": "thinkrec", "vector_stage": None})
    assert choose_table_row(short, FOLDER, None) == VariantRow(get_variant("experts"))


def test_a_recipe_that_trains_a_scorer_has_its_own_row_last() -> None:
    own = recipe({"kind": "mf", "dim": 7})
    assert choose_table_row(own, FOLDER, None) == ScorerRow("x", "scorers/model", MFConfig(dim=7))
    assert list(list_scorer_rows(own))[-1] == "x"


def test_a_row_that_is_not_there_is_named(tmp_path: Path) -> None:
    row = ScorerRow("MF", "scorers/MF", MFConfig())
    with pytest.raises(CheckpointError, match="does not hold the scorer 'MF'"):
        load_row_scorer(row, tmp_path)
    (tmp_path / row.stage).mkdir(parents=True)
    with pytest.raises(CheckpointError, match="not finished"):
        load_row_scorer(row, tmp_path)


def test_a_run_is_found_by_path_or_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "sets" / "x").mkdir(parents=True)
    assert find_run_folder("sets/x") == Path("runs/sets/x")
    assert find_run_folder(str(tmp_path / "runs")) == tmp_path / "runs"
    (tmp_path / "sets" / "x").mkdir(parents=True)
    assert find_run_folder("sets/x") == Path("sets/x"), "what lies here comes first"
    with pytest.raises(CheckpointError, match=r"no run 'y'.*thinkrec run RECIPE"):
        find_run_folder("y")
