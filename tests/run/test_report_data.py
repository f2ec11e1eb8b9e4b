"""What a report shows of a run: the curves of its stages and its facts."""

from __future__ import annotations

import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from thinkrec.data.dataset import Dataset
from thinkrec.run import report_data
from thinkrec.run.pipeline import Run
from thinkrec.run.recipe import parse_recipe
from thinkrec.run.stage import DONE

LOG = [
    {"step": 0, "loss": None, "auc": 0.5, "uauc": None},
    {"step": 10, "loss": 0.6, "auc": 0.7, "uauc": 0.6},
]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Stands for a run of two stages that are finished."""
    stages = ("first", "second")
    for stage in stages:
        (tmp_path / stage).mkdir()
        content = {"key": "k", "inputs": {}, "seconds": 1.0, "log": LOG, "best_step": 10}
        (tmp_path / stage / DONE).write_text(json.dumps(content))
    monkeypatch.setattr(report_data, "list_variants", lambda model: [SimpleNamespace(stage=stage) for stage in stages])
    return cast(Run, SimpleNamespace(folder=tmp_path, model=None, failures={}))


def test_every_stage_has_a_curve_of_loss_and_one_of_metrics(run: Run) -> None:
    panels = report_data.read_learning_curves(run)
    assert [(panel.stage, len(panel.curves)) for panel in panels] == [
        ("first", 1),
        ("first", 2),
        ("second", 1),
        ("second", 2),
    ]
    loss, metrics = panels[:2]
    assert math.isnan(loss.curves[0].y[0]) and loss.curves[0].y[1] == 0.6
    assert [curve.name for curve in metrics.curves] == ["AUC", "UAUC"]
    assert metrics.curves[0].x == [0, 10] and math.isnan(metrics.curves[1].y[0])
    assert {panel.selected_x for panel in panels} == {10}


def test_the_facts_count_the_data(tiny_dataset: Dataset) -> None:
    data = {"kind": "tables", "interactions": "a", "items": "b"}
    recipe = parse_recipe({"name": "tiny", "data": data, "model": {"kind": "mf"}}, "tiny")
    run = cast(Run, SimpleNamespace(ds=tiny_dataset, recipe=recipe))
    rows = tiny_dataset.summarise()["rows"]
    expected = f"{rows['train']:,} train, {rows['valid']:,} validation, {rows['test']:,} test rows; 4 users, 6 items"
    assert report_data.describe_data(run)["data"] == expected
