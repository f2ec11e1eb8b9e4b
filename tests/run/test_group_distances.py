"""`evaluate groups`: users grouped by the vectors of runs, table and figure."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from typer.testing import CliRunner

from thinkrec.cli import app
from thinkrec.errors import DataError
from thinkrec.evaluate.group_distance_table import HEADINGS, format_group_cells
from thinkrec.evaluate.report.groups_figure import draw_group_distances
from thinkrec.run.group_distances import measure_run_groups
from thinkrec.run.pipeline import Run
from thinkrec.run.recipe import parse_recipe
from thinkrec.run.results import finish_run

DATA = {"kind": "simulator", "seed": 5, "simulator": {"users": 30, "items": 60, "interactions_per_user": [6, 12]}}
MF = {"kind": "mf", "dim": 4, "training": {"epochs": 2}}


def train(folder: Path, **changes: object) -> Path:
    values = {"name": folder.name, "data": DATA, "model": MF, "evaluation": {"bootstrap_draws": 100}, **changes}
    Run(parse_recipe(values, "test"), folder).run_all_stages(finish_run)
    return folder


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    place = tmp_path_factory.mktemp("runs")
    mean = train(place / "mean", model={"kind": "item_baseline", "source": "mean"})
    other = train(place / "other", data={**DATA, "seed": 6})
    return {"mf": train(place / "mf"), "mean": mean, "other": other}


def test_table_and_figure_have_every_grouping(runs: dict[str, Path], tmp_path: Path) -> None:
    out, figure = tmp_path / "groups.json", tmp_path / "groups.svg"
    options = ["--groups", "2,3", "--min-rows", 3, "--draws", 100, "--rows", "train", "--out", out, "--figure", figure]
    done = CliRunner().invoke(app, ["evaluate", "groups", *map(str, [runs["mf"], *options])])
    assert done.exit_code == 0, done.output
    entries = json.loads(out.read_text())["entries"]
    assert [entry["groups"] for entry in entries] == [2, 3]
    assert all(sum(entry["sizes"]) == entry["users"] for entry in entries)
    assert all(len(format_group_cells(entry)) == len(HEADINGS) for entry in entries)
    assert figure.read_text() == draw_group_distances(entries)
    root = ElementTree.fromstring(figure.read_text())
    circles = [len(panel.findall("{*}circle")) for panel in root.findall("{*}g")]
    assert circles == [3, 3], "a key and two groupings in each panel"


def test_runs_that_do_not_fit_are_refused(runs: dict[str, Path]) -> None:
    with pytest.raises(DataError, match="has no vectors"):
        measure_run_groups({"mean": runs["mean"]}, [2], draws=100)
    with pytest.raises(DataError, match="of different data"):
        measure_run_groups({"mf": runs["mf"], "other": runs["other"]}, [2], draws=100)
