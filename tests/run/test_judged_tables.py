"""Tables of predictions matched with a run's rows: names, and `evaluate calibration` on them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from thinkrec.cli import app
from thinkrec.data.interactions import TEST
from thinkrec.errors import DataError
from thinkrec.run.judged_tables import name_tables, read_judged_tables
from thinkrec.run.recipe import dump_recipe, parse_recipe
from thinkrec.run.saved_model import read_training_data


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe of simulated data: all that is needed to know the rows and their labels."""
    place = tmp_path_factory.mktemp("judged")
    sizes = {"users": 30, "items": 60, "interactions_per_user": [6, 12]}
    values = {"name": "tiny", "data": {"kind": "simulator", "seed": 5, "simulator": sizes}, "model": {"kind": "mf"}}
    (place / "recipe.yaml").write_text(dump_recipe(parse_recipe(values, "test")))
    return place


def write_scores(folder: Path, path: Path, drop: int = 0) -> Path:
    ds = read_training_data(folder)
    frame = ds.to_frame(ds.interactions.get_split_rows(TEST))
    frame = frame.select("order", (pl.col("label") - 0.5).cast(pl.Float64).alias("score"))
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.sample(fraction=1, shuffle=True, seed=0)[drop:].write_parquet(path)
    return path


def test_tables_are_named_by_folder_or_file() -> None:
    assert list(name_tables([Path("a/predictions.parquet"), Path("b/c.parquet")])) == ["a", "c"]
    with pytest.raises(DataError, match="same name"):
        name_tables([Path("a/predictions.parquet"), Path("b/a.parquet")])


def test_rows_are_matched_by_order(folder: Path, tmp_path: Path) -> None:
    judged = read_judged_tables({"one": write_scores(folder, tmp_path / "one.parquet")}, folder)
    assert judged.remark == "" and np.array_equal(judged.scores["one"], judged.label - 0.5)
    assert np.array_equal(np.sort(judged.rows), np.sort(read_training_data(folder).interactions.get_split_rows(TEST)))
    some = {"some": write_scores(folder, tmp_path / "some.parquet", drop=3)}
    with pytest.raises(DataError, match="has no prediction for 3"):
        read_judged_tables(some, folder)
    assert read_judged_tables(some, folder, partial=True).remark.startswith("Partial: ")


def test_calibration_of_a_table(folder: Path, tmp_path: Path) -> None:
    table, out, figure = write_scores(folder, tmp_path / "right.parquet"), tmp_path / "c.json", tmp_path / "c.svg"
    options = ["--run", folder, "--draws", 100, "--bins", 4, "--out", out, "--figure", figure]
    done = CliRunner().invoke(app, ["evaluate", "calibration", *map(str, [table, *options])])
    assert done.exit_code == 0, done.output
    (entry,) = json.loads(out.read_text())["entries"]
    # Every row has log-odds of a half too little: |1 - 1 / (1 + e^-.5)|.
    assert entry["error"]["value"] == pytest.approx(1 - 1 / (1 + np.exp(-0.5)))
    assert entry["model"] == "right" and figure.read_text().startswith("<svg ")
