"""Finished runs in MLflow, by its client: one MLflow run each, noted once."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from thinkrec.errors import RecipeError
from thinkrec.export.tracking import TrackedRun, clean_names

KEY_TAG = "thinkrec.key"
"""By which a run is found that was noted before."""
BATCH_PARAMS, BATCH_METRICS = 100, 1000
"""Most that the server takes at once."""
LONGEST_PARAM = 6000
"""Characters of a value; the file recipe.yaml has it whole."""


@dataclass(frozen=True)
class MlflowApi:
    """What of MLflow is used."""

    client: Any
    """`mlflow.MlflowClient`"""
    Metric: Any
    Param: Any


class MlflowTracking:
    """A `TrackingCallback` that notes runs on an MLflow server or in its files."""

    def __init__(self, uri: str | None = None, experiment: str = "thinkrec", api: MlflowApi | None = None) -> None:
        """Choose where.

        Args:
            uri: of the server or store, as MLflow takes it; by default $MLFLOW_TRACKING_URI, or what MLflow falls back
                on.
            experiment: made if it is not there.
            api: what is asked in place of the installed package.

        Raises:
            RecipeError: where MLflow is not installed.
        """
        self.uri, self.experiment = uri, experiment
        self._api = _open_api(uri) if api is None else api
        self._client = self._api.client

    def log_run(self, run: TrackedRun) -> str:
        """Note a run; returns the id of its MLflow run.

        A run with the same key that is finished there is left as it is, and its id returned; one that a killed process
        left unfinished is deleted first. Raises RecipeError where the server refuses or cannot be reached.
        """
        try:
            experiment = self._get_experiment()
            for other in self._client.search_runs([experiment], f"tags.`{KEY_TAG}` = '{run.key}'"):
                if other.info.status == "FINISHED":
                    return str(other.info.run_id)
                self._client.delete_run(other.info.run_id)
            created = self._client.create_run(experiment, run_name=run.name, tags={**run.tags, KEY_TAG: run.key})
            self._fill_run(created.info.run_id, run)
            self._client.set_terminated(created.info.run_id, "FINISHED")
        except Exception as error:
            # MLflow raises what its store raises: its own kinds, those of requests, of a database.
            where = self.uri or "the default store"
            raise RecipeError(f"MLflow at {where} did not take the run: {error}; the run itself is finished") from error
        return str(created.info.run_id)

    def _get_experiment(self) -> str:
        there = self._client.get_experiment_by_name(self.experiment)
        return self._client.create_experiment(self.experiment) if there is None else there.experiment_id

    def _fill_run(self, run_id: str, run: TrackedRun) -> None:
        params = clean_names(list(run.params))
        values = [self._api.Param(params[name], value[:LONGEST_PARAM]) for name, value in run.params.items()]
        for some in _split_batches(values, BATCH_PARAMS):
            self._client.log_batch(run_id, params=some)
        now = round(time.time() * 1000)
        names = clean_names([figure.name for figure in run.figures])
        metrics = [self._api.Metric(names[figure.name], figure.value, now, figure.step) for figure in run.figures]
        for some in _split_batches(metrics, BATCH_METRICS):
            self._client.log_batch(run_id, metrics=some)
        for path in run.files:
            self._client.log_artifact(run_id, str(path))


def _split_batches(values: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    return (values[first : first + size] for first in range(0, len(values), size))


def _open_api(uri: str | None) -> MlflowApi:
    try:
        mlflow, entities = import_module("mlflow"), import_module("mlflow.entities")
    except ModuleNotFoundError as error:
        raise RecipeError(
            f"tracking by MLflow needs {error.name}; install it: pip install 'thinkrec[mlflow]'"
        ) from error
    return MlflowApi(mlflow.MlflowClient(tracking_uri=uri), entities.Metric, entities.Param)
