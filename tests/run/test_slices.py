"""`evaluate slices` on a run's data: tables by name, the rows of the split, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from support.tiny_run import train_tiny_run
from typer.testing import CliRunner, Result

from thinkrec.cli import app
from thinkrec.data.interactions import TEST
from thinkrec.run.pipeline import Run
from thinkrec.run.slices import evaluate_slices


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train_tiny_run(tmp_path_factory.mktemp("slices"))


def write_predictions(run: Run, path: Path, sign: float) -> Path:
    rows = run.ds.interactions.get_split_rows(TEST)
    frame = run.ds.to_frame(rows).select(
        "order", "user_id", "item_id", (pl.col("label") * sign).cast(pl.Float64).alias("score")
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.write_parquet(path)
    return path


def call(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["evaluate", "slices", *map(str, arguments)])


def test_tables_are_called_by_their_folders(trained: Run, tmp_path: Path) -> None:
    right = write_predictions(trained, tmp_path / "right" / "predictions.parquet", 1.0)
    wrong = write_predictions(trained, tmp_path / "wrong.parquet", -1.0)
    out = tmp_path / "slices.json"
    done = call(right, wrong, "--run", trained.folder, "--draws", 100, "--out", out)
    assert done.exit_code == 0, done.output
    content = json.loads(out.read_text())
    assert content["tables"] == ["right", "wrong"]
    whole = {entry["model"]: entry["auc"]["value"] for entry in content["entries"] if entry["group"] == "all"}
    assert whole == {"right": 1.0, "wrong": 0.0}
    sizes = {}
    for entry in content["entries"]:
        if entry["model"] == "right":
            sizes[entry["group"]] = sizes.get(entry["group"], 0) + entry["rows"]
    assert len(set(sizes.values())) == 1, "every division has all rows"


def test_what_cannot_be_judged_is_refused(trained: Run, tmp_path: Path) -> None:
    table = write_predictions(trained, tmp_path / "a" / "predictions.parquet", 1.0)
    other = write_predictions(trained, tmp_path / "b" / "a.parquet", 1.0)
    assert "same name" in call(table, other, "--run", trained.folder).output
    assert "ascending" in call(table, "--run", trained.folder, "--past", "5,2").output
    assert "no list of whole numbers" in call(table, "--run", trained.folder, "--past", "x").output
    some = tmp_path / "some.parquet"
    pl.read_parquet(table)[1:].write_parquet(some)
    assert "has no prediction for" in call(some, "--run", trained.folder).output
    partial = evaluate_slices({"a": some}, trained.folder, past_edges=(1,), item_edges=(1,), draws=100, partial=True)
    assert partial[1].startswith("Partial: ") and partial[0][0]["rows"] == pl.read_parquet(some).height
    done = call(some, "--run", trained.folder, "--partial", "--draws", 100)
    assert done.exit_code == 0 and "Partial:" in done.output
