"""What a study found, as plain values: rows, tests, and what has to be known to read them."""

from __future__ import annotations

from dataclasses import dataclass

from thinkrec.evaluate.metrics.seed_means import MeanDifference, SeedMean
from thinkrec.evaluate.result_types import Kind
from thinkrec.study.config import PublishedFigures, StudyFigure


@dataclass(frozen=True)
class StudyRow:
    """One line of the table."""

    name: str
    kind: Kind
    part: int
    """Which test rows it is over: rows of one part are over the same."""
    seeds: tuple[int, ...]
    """Those that are finished; none for a row that has nothing to be trained."""
    missing: tuple[int, ...]
    """Seeds that the study wants and that are not finished."""
    means: dict[str, SeedMean]
    """Metric (METRICS) -> mean; empty where no seed is finished."""
    published: tuple[PublishedFigures, ...] = ()
    same_scores: bool = False
    """Whether all seeds gave the very same scores: nothing in it is random, or the seed does not reach it."""
    n_averaged: int = 0
    """Runs whose scores the row is the mean of; 0 for a row of its own runs."""


@dataclass(frozen=True)
class PairTest:
    """One row less another, metric by metric."""

    row: str
    against: str
    differences: dict[str, MeanDifference]
    """Tested metric -> difference."""
    adjusted: dict[str, float]
    """Tested metric -> p-value after Holm's correction over the whole family."""
    same_scores: bool = False
    """Whether both sides have the very same scores."""


@dataclass(frozen=True)
class JudgedRows:
    """The test rows that some rows of the table share."""

    n_rows: int
    n_users: int
    n_users_uauc: int
    n_users_ranked: int


@dataclass(frozen=True)
class StudyResults:
    """Everything that the tables and the report of a study say."""

    title: str
    rows: tuple[StudyRow, ...]
    pairs: tuple[PairTest, ...]
    untested: tuple[tuple[str, str, str], ...]
    """Pairs that could not be tested: row, against, why."""
    family_size: int
    """Tests that Holm's correction is over: pairs times tested metrics, less those that are not defined."""
    metrics: tuple[str, ...]
    """What was tested."""
    parts: tuple[JudgedRows, ...]
    level: float
    k: int
    draws: int
    bootstrap_seed: int
    policies: dict[str, str]
    other_published: tuple[tuple[str, PublishedFigures], ...] = ()
    """Rows of the published tables that the study refers to and does not run."""
    figures: tuple[StudyFigure, ...] = ()
    failures: tuple[tuple[str, str], ...] = ()
    """Run or row -> why it has no figures."""
    remarks: tuple[str, ...] = ()
    """What was said of the data while the runs were made; it names files and values, so that no table holds it."""
