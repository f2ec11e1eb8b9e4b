"""A finished run as a tracker takes it: every key, every figure, no number lost to its name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from thinkrec.errors import CheckpointError
from thinkrec.export.tracking import TrackedFigure, clean_names, read_tracked_run
from thinkrec.io.files import write_json, write_text

RECIPE = """name: small
seed: 3
model: {kind: thinkrec, adapters: {rank: 4, targets: [q, v]}, composition: null}
baselines: {}
"""


def write_run(folder: Path) -> Path:
    """A finished run's small files."""
    write_text(folder / "recipe.yaml", RECIPE)
    log = [{"step": 0, "loss": None, "auc": 0.5}, {"step": 130, "loss": 0.25, "auc": 0.75}]
    write_json(folder / "global" / "done.json", {"key": "g", "inputs": {}, "seconds": 2.5, "log": log})
    scorer = {"key": "m", "inputs": {}, "seconds": 1, "log": [{"epoch": 1, "loss": 0.5}]}
    write_json(folder / "scorers" / "item mean + keywords" / "done.json", scorer)
    estimate = {"value": 0.625, "low": 0.5, "high": 0.75, "error": 0.1}
    rows = [{"name": "item mean + keywords", "kind": "impersonal", "estimates": {"auc": estimate}, "tied": 0.1}]
    write_json(folder / "metrics.json", {"schema": "thinkrec-metrics/2", "rows": rows})
    write_json(folder / "environment.json", {"thinkrec": "0.1.0", "threads": 2, "gpu": None})
    return folder


def test_a_run_is_read_whole(tmp_path: Path) -> None:
    run = read_tracked_run(write_run(tmp_path / "small"))
    assert run.name == "small"
    assert run.params == {
        "name": '"small"',
        "seed": "3",
        "model.kind": '"thinkrec"',
        "model.adapters.rank": "4",
        "model.adapters.targets": '["q", "v"]',
        "model.composition": "null",
        "baselines": "{}",
    }
    assert run.tags == {"thinkrec": "0.1.0", "threads": "2", "gpu": "None"}
    assert list(run.figures) == [
        TrackedFigure("global/seconds", 2.5),
        TrackedFigure("global/auc", 0.5, 0),
        TrackedFigure("global/loss", 0.25, 130),
        TrackedFigure("global/auc", 0.75, 130),
        TrackedFigure("scorers/item mean + keywords/seconds", 1.0),
        TrackedFigure("scorers/item mean + keywords/loss", 0.5, 1),
        TrackedFigure("table/item mean + keywords/auc", 0.625),
        TrackedFigure("table/item mean + keywords/auc_low", 0.5),
        TrackedFigure("table/item mean + keywords/auc_high", 0.75),
    ]
    assert [path.name for path in run.files] == ["recipe.yaml", "metrics.json", "environment.json"]


@pytest.mark.parametrize("changed", ["recipe.yaml", "metrics.json", "global/done.json"])
def test_the_key_changes_with_what_the_run_is(tmp_path: Path, changed: str) -> None:
    first, second = write_run(tmp_path / "a"), write_run(tmp_path / "b")
    assert read_tracked_run(first).key == read_tracked_run(second).key
    if changed == "recipe.yaml":
        write_text(second / changed, RECIPE.replace("seed: 3", "seed: 4"))
    else:
        value = json.loads((second / changed).read_text())
        write_json(second / changed, {**value, "key": "another"})
    assert read_tracked_run(first).key != read_tracked_run(second).key


@pytest.mark.parametrize("name", ["recipe.yaml", "metrics.json"])
def test_an_unfinished_run_is_refused(tmp_path: Path, name: str) -> None:
    (write_run(tmp_path) / name).unlink()
    with pytest.raises(CheckpointError, match=f"{name} is missing"):
        read_tracked_run(tmp_path)


def test_names_that_become_one_are_kept_apart() -> None:
    names = clean_names(["a+b/auc", "a*b/auc", "a+b/auc", "é"])
    assert names == {"a+b/auc": "a_b/auc", "a*b/auc": "a_b/auc-2", "é": "_"}
