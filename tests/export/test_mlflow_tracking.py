"""Runs in MLflow: once each, in batches that a server takes; the real package where it is installed."""

from __future__ import annotations

import importlib.util
import sys
from collections import namedtuple
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from thinkrec.errors import RecipeError
from thinkrec.export.mlflow_tracking import LONGEST_PARAM, MlflowApi, MlflowTracking
from thinkrec.export.tracking import TrackedFigure, TrackedRun

Metric = namedtuple("Metric", "key value timestamp step")
Param = namedtuple("Param", "key value")


class Server:
    """Keeps what a client sends, and refuses what MLflow's server refuses."""

    def __init__(self) -> None:
        self.runs: dict[str, dict[str, Any]] = {}
        self.experiments: dict[str, str] = {}
        self.breaks = False

    def get_experiment_by_name(self, name: str) -> Any:
        return SimpleNamespace(experiment_id=self.experiments[name]) if name in self.experiments else None

    def create_experiment(self, name: str) -> str:
        return self.experiments.setdefault(name, f"e{len(self.experiments)}")

    def search_runs(self, experiments: list[str], wanted: str) -> list[Any]:
        return [
            SimpleNamespace(info=SimpleNamespace(run_id=name, status=run["status"]))
            for name, run in self.runs.items()
            if run["experiment"] in experiments and wanted == f"tags.`thinkrec.key` = '{run['tags']['thinkrec.key']}'"
        ]

    def create_run(self, experiment: str, run_name: str, tags: dict[str, str]) -> Any:
        name = f"r{len(self.runs)}"
        empty: dict[str, Any] = {"params": [], "metrics": [], "files": []}
        self.runs[name] = {"experiment": experiment, "name": run_name, "tags": tags, "status": "RUNNING", **empty}
        return SimpleNamespace(info=SimpleNamespace(run_id=name))

    def delete_run(self, name: str) -> None:
        self.runs[name]["experiment"] = "deleted"

    def log_batch(self, name: str, metrics: Any = (), params: Any = ()) -> None:
        if self.breaks:
            raise ConnectionError("no route")
        assert len(metrics) <= 1000 and len(params) <= 100
        self.runs[name]["metrics"] += metrics
        self.runs[name]["params"] += params

    def log_artifact(self, name: str, path: str) -> None:
        self.runs[name]["files"].append(Path(path).name)

    def set_terminated(self, name: str, status: str) -> None:
        self.runs[name]["status"] = status


def make_run(tmp_path: Path) -> TrackedRun:
    file = tmp_path / "recipe.yaml"
    file.write_text("name: small\n")
    figures = [TrackedFigure("item mean + keywords/auc", step / 7, step) for step in range(1500)]
    params = {f"key.{number}": str(number) for number in range(150)} | {"long": "x" * 9000}
    return TrackedRun("key of it", "small", params, {"commit": "abc"}, figures, [file])


def test_a_run_is_noted_once_and_whole(tmp_path: Path) -> None:
    server, run = Server(), make_run(tmp_path)
    tracking = MlflowTracking("http://x", "films", MlflowApi(server, Metric, Param))
    assert tracking.log_run(run) == tracking.log_run(run) == "r0"
    noted = server.runs["r0"]
    assert (noted["name"], noted["status"], noted["files"]) == ("small", "FINISHED", ["recipe.yaml"])
    assert noted["tags"] == {"commit": "abc", "thinkrec.key": "key of it"}
    assert dict(noted["params"]) == {**run.params, "long": "x" * LONGEST_PARAM}
    assert [(m.key, m.value, m.step) for m in noted["metrics"]] == [
        ("item mean _ keywords/auc", step / 7, step) for step in range(1500)
    ]


def test_what_a_killed_process_began_is_noted_anew(tmp_path: Path) -> None:
    server, run = Server(), make_run(tmp_path)
    tracking = MlflowTracking(None, "films", MlflowApi(server, Metric, Param))
    server.breaks = True
    with pytest.raises(RecipeError, match="did not take the run: no route"):
        tracking.log_run(run)
    server.breaks = False
    assert tracking.log_run(run) == "r1"
    assert (server.runs["r0"]["experiment"], server.runs["r1"]["status"]) == ("deleted", "FINISHED")


def test_without_mlflow_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(RecipeError, match=r"pip install 'thinkrec\[mlflow\]'"):
        MlflowTracking()


@pytest.mark.skipif(not importlib.util.find_spec("mlflow"), reason="needs MLflow: pip install 'thinkrec[mlflow]'")
def test_mlflow_itself_gives_back_what_was_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    # The small package has no database; its files are what it keeps for such uses.
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    from mlflow import MlflowClient

    uri, run = f"file:{tmp_path / 'store'}", make_run(tmp_path)
    run_id = MlflowTracking(uri, "films").log_run(run)
    assert MlflowTracking(uri, "films").log_run(run) == run_id
    client = MlflowClient(tracking_uri=uri)
    noted = client.get_run(run_id)
    assert noted.data.params == {**run.params, "long": "x" * LONGEST_PARAM}
    assert noted.data.tags["commit"] == "abc"
    history = client.get_metric_history(run_id, "item mean _ keywords/auc")
    assert sorted((m.step, m.value) for m in history) == [(step, step / 7) for step in range(1500)]
    assert [file.path for file in client.list_artifacts(run_id)] == ["recipe.yaml"]
