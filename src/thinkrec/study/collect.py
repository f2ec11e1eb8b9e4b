"""The predictions of a study's finished runs, read and drawn: what its tables rest on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TEST
from thinkrec.data.snapshot import read_manifest
from thinkrec.errors import CheckpointError, RecipeError
from thinkrec.evaluate.metrics.bootstrap import BootstrapResult, bootstrap_metrics
from thinkrec.io.hashing import hash_bytes
from thinkrec.io.progress import Progress
from thinkrec.run.layout import DATA, NON_PERSONALISED, map_rows_to_stages
from thinkrec.run.predictions import read_predictions
from thinkrec.run.recipe import EvaluationConfig
from thinkrec.run.saved_model import read_training_data
from thinkrec.run.stage import read_stage_result
from thinkrec.study.runs import StudyRun, read_record, read_state
from thinkrec.study.study_files import Study, StudyEntry


@dataclass(frozen=True)
class RowSamples:
    """The metrics of one row of the table, seed by seed."""

    name: str
    part: str
    """Digest of the test rows with their users and labels."""
    samples: dict[int, BootstrapResult]
    """Seed -> metrics with draws."""
    digests: dict[int, str]
    """Seed -> digest of the scores."""
    is_personal: bool = True
    n_averaged: int = 0
    """Runs whose mean score it is; 0 for a row of its own runs."""


@dataclass
class Collection:
    """Everything that was read, and what was not there."""

    rows: list[RowSamples] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)


def collect_samples(study: Study, runs: Sequence[StudyRun], *, any_code: bool, progress: bool) -> Collection:
    """The metrics of every row with every finished seed; a run that is not finished, or stale, is left out.

    Raises RecipeError where the recipes of the study count their results in different ways.
    """
    config = get_evaluation_config(study.entries)
    finished = [run for run in runs if read_state(run, any_code=any_code).state == "finished"]
    reader = _SampleReader(config)
    collection = Collection()
    for run in finished:
        for remark in read_record(run).get("remarks", ()):
            if remark not in collection.remarks:
                collection.remarks.append(remark)
    with Progress("metrics", len(study.list_rows()), shown=progress, unit="rows") as bar:
        for entry in study.entries:
            of_entry = [run for run in finished if run.row == entry.name]
            for row, table_row in entry.rows.items():
                collection.rows += reader.read_row(row, table_row, of_entry, collection.failures)
                bar.advance(1)
        for name, members in study.config.averages.items():
            of_rows = _list_members(study, runs, members, any_code=any_code)
            collection.rows += reader.read_average(name, of_rows, collection.failures)
            bar.advance(1)
    if study.config.non_personalised:
        collection.rows += _collect_item_rows(study, finished, reader, collection.failures)
    return collection


def get_evaluation_config(entries: Sequence[StudyEntry]) -> EvaluationConfig:
    """How results are counted, the same for all entries. Raises RecipeError where two differ."""
    first = entries[0]
    for entry in entries[1:]:
        if entry.recipe.evaluation != first.recipe.evaluation:
            raise RecipeError(
                f"{first.name} and {entry.name} count their results in different ways (`evaluation`); give both the "
                "same, for instance with `overrides` of the study"
            )
    return first.recipe.evaluation


@dataclass(frozen=True)
class _JudgedScores:
    """Scores (n,) of test rows, with their users and labels."""

    part: str
    user: np.ndarray
    label: np.ndarray
    scores: np.ndarray


@dataclass
class _SampleReader:
    """Predictions of runs, each data set read once."""

    config: EvaluationConfig
    datasets: dict[str, Dataset] = field(default_factory=dict)

    def read_row(
        self, name: str, table_row: str, runs: Sequence[StudyRun], failures: dict[str, str], *, is_personal: bool = True
    ) -> list[RowSamples]:
        """The row in a list, or none where no run has it; raises RecipeError where seeds differ in their test rows."""
        samples, digests, parts = {}, {}, set()
        for run in runs:
            try:
                judged = self._read_scores(run, table_row)
            except CheckpointError:
                reasons = read_record(run).get("failures", {})
                failures[f"{name}, seed {run.seed}"] = reasons.get(table_row, "its stage is not finished")
                continue
            parts.add(judged.part)
            digests[run.seed] = hash_bytes([np.ascontiguousarray(judged.scores).tobytes()])
            samples[run.seed] = self._draw(judged)
        if len(parts) > 1:
            raise RecipeError(f"the seeds of {name} were run on different test rows; run the study again")
        return [RowSamples(name, parts.pop(), samples, digests, is_personal)] if samples else []

    def read_average(
        self, name: str, members: Sequence[tuple[StudyRun, str, bool]], failures: dict[str, str]
    ) -> list[RowSamples]:
        """The row of the mean score of runs, or none where one of them lacks.

        `members`: run, row of its table, and whether it is finished. Raises RecipeError where they differ in their
        test rows.
        """
        missing = [run.name for run, _, is_finished in members if not is_finished]
        if missing:
            failures[name] = f"it is a mean over runs of which some are not finished: {', '.join(missing)}"
            return []
        judged = [self._read_scores(run, row) for run, row, _ in members]
        if len({scores.part for scores in judged}) > 1:
            raise RecipeError(f"the rows that {name} averages were run on different test rows; run the study again")
        mean = replace(judged[0], scores=np.mean([scores.scores for scores in judged], axis=0))
        digest = hash_bytes([np.ascontiguousarray(mean.scores).tobytes()])
        return [RowSamples(name, mean.part, {0: self._draw(mean)}, {0: digest}, n_averaged=len(judged))]

    def _read_scores(self, run: StudyRun, table_row: str) -> _JudgedScores:
        """The scores of one run; raises CheckpointError where the stage is not finished."""
        folder = run.folder / map_rows_to_stages(run.recipe)[table_row]
        read_stage_result(folder)
        dataset = self._read_dataset(run)
        rows = dataset.interactions.get_split_rows(TEST)
        user, label = dataset.interactions.user[rows], dataset.interactions.label[rows]
        part = hash_bytes([dataset.interactions.order[rows].tobytes(), user.tobytes(), label.tobytes()])
        return _JudgedScores(part, user, label, read_predictions(folder, dataset, rows))

    def _draw(self, judged: _JudgedScores) -> BootstrapResult:
        return bootstrap_metrics(
            judged.user,
            judged.label,
            judged.scores,
            k=self.config.k,
            denominator=self.config.map_denominator,
            draws=self.config.bootstrap_draws,
            seed=self.config.seed,
        )

    def _read_dataset(self, run: StudyRun) -> Dataset:
        fingerprint = read_manifest(run.folder / DATA)["fingerprint"]
        if fingerprint not in self.datasets:
            self.datasets[fingerprint] = read_training_data(run.folder)
        return self.datasets[fingerprint]


def _list_members(
    study: Study, runs: Sequence[StudyRun], rows: Sequence[str], *, any_code: bool
) -> list[tuple[StudyRun, str, bool]]:
    """Every run that some rows of the study have: the run, the row of its table, and whether it is finished."""
    tables = {row: (entry.name, table_row) for entry in study.entries for row, table_row in entry.rows.items()}
    return [
        (run, tables[row][1], read_state(run, any_code=any_code).state == "finished")
        for row in rows
        for run in runs
        if run.row == tables[row][0]
    ]


def _collect_item_rows(
    study: Study, finished: Sequence[StudyRun], reader: _SampleReader, failures: dict[str, str]
) -> list[RowSamples]:
    """The rows of one number per item, once where runs agree; else with the name of the first row that has it so."""
    rows: dict[tuple[str, str], RowSamples] = {}
    names: set[str] = set()
    for entry in study.entries:
        of_entry = [run for run in finished if run.row == entry.name][:1]  # no seed reaches them
        for table_row in NON_PERSONALISED:
            for row in reader.read_row(table_row, table_row, of_entry, failures, is_personal=False):
                (digest,) = row.digests.values()
                if (row.part, digest) in rows:
                    continue
                name = row.name if row.name not in names else f"{row.name} ({entry.name})"
                names.add(name)
                rows[row.part, digest] = RowSamples(name, row.part, row.samples, row.digests, is_personal=False)
    return list(rows.values())
