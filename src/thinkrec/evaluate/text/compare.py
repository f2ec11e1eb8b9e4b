"""Text metrics of one or several systems on the same rows: values per row, means, intervals, paired differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from thinkrec.errors import DataError
from thinkrec.evaluate.metrics.bootstrap import (
    Estimate,
    PairedDifference,
    draw_user_multiplicities,
    summarise_difference_draws,
    summarise_draws,
)
from thinkrec.evaluate.text import meteor as met
from thinkrec.evaluate.text import overlap
from thinkrec.evaluate.text.metric_types import (
    CORPUS_BLEU,
    DISTINCT,
    DISTINCT_SHARE,
    MetricResources,
    TextMetricValues,
)
from thinkrec.evaluate.text.policies import has_long_reference
from thinkrec.evaluate.text.vocabulary_size import compute_distinct_words, compute_user_influence


@dataclass(frozen=True)
class TextBootstrapResult:
    """One system's means, on the rows as they are and on every draw of users."""

    values: dict[str, float]
    draws: dict[str, np.ndarray]
    """Metric -> float64 (n_draws,)."""
    key: tuple[Any, ...]
    """What two systems must share to be compared: rows, users, draws and seed."""


def compute_text_metrics(
    hypotheses: Sequence[str], references: Sequence[str], tools: MetricResources, *, progress: bool = False
) -> TextMetricValues:
    """All metrics of texts beside their references that `tools` allow, per row."""
    bleu, counts = overlap.compute_bleu(hypotheses, references)
    rows = (
        {} if tools.wordnet is None else {met.WITH_SYNONYMS: met.compute_meteor(hypotheses, references, tools.wordnet)}
    )
    rows |= {
        met.WITHOUT_SYNONYMS: met.compute_meteor(hypotheses, references),
        "rouge_l": overlap.compute_rouge_l(hypotheses, references),
        "bleu": bleu,
    }
    truncated = {}
    for name, scorer in (("bleurt", tools.bleurt), ("similarity", tools.similarity)):
        if scorer is not None:
            rows[name] = scorer.score(hypotheses, references, progress=progress)
            truncated[name] = scorer.count_truncated(hypotheses, references)
    short = met.find_short_references(references)
    for name in (met.WITH_SYNONYMS, met.WITHOUT_SYNONYMS):
        if name in rows:
            rows[name] = np.where(short, np.nan, rows[name])
    return TextMetricValues(rows, counts, truncated)


def merge_values(compared: TextMetricValues, alone: TextMetricValues) -> TextMetricValues:
    """A system's values beside the references and those without them, as one."""
    rows, truncated = compared.rows | alone.rows, {**compared.truncated, **alone.truncated}
    return replace(alone, rows=rows, counts=compared.counts, truncated=truncated)


def bootstrap_text_metrics(
    values: TextMetricValues, user: np.ndarray, *, draws: int = 1000, seed: int = 0
) -> TextBootstrapResult:
    """Means over rows that have a value, and the same with every row counted as often as its user (n,) was drawn.

    The draws are those of `bootstrap.draw_user_multiplicities`, so all systems on the same rows share them.
    """
    distinct, code = np.unique(user, return_inverse=True)
    n_users, names = len(distinct), list(values.rows)
    table = np.column_stack([values.rows[name] for name in names])
    is_defined = ~np.isnan(table)
    table = np.nan_to_num(table)
    sums, size = np.zeros((n_users, len(names))), np.zeros((n_users, len(names)), dtype=np.int64)
    np.add.at(sums, code, table)
    np.add.at(size, code, is_defined)
    pooled = _build_pooled_metrics(values, code, n_users)
    out, pooled_draws = np.empty((draws, len(names))), np.empty((draws, len(pooled)))
    for draw, times in enumerate(draw_user_multiplicities(n_users, draws, seed)):
        out[draw] = _divide_or_nan(times @ sums, times @ size)
        pooled_draws[draw] = [compute(times) for compute in pooled.values()]
    exact = dict(zip(names, _divide_or_nan(table.sum(axis=0), is_defined.sum(axis=0)).tolist(), strict=True))
    exact |= {name: compute(np.ones(n_users, dtype=np.int64)) for name, compute in pooled.items()}
    drawn = {name: out[:, column] for column, name in enumerate(names)}
    drawn |= {name: pooled_draws[:, column] for column, name in enumerate(pooled)}
    return TextBootstrapResult(exact, drawn, (tuple(code.tolist()), draws, seed))


def _build_pooled_metrics(
    values: TextMetricValues, code: np.ndarray, n_users: int
) -> dict[str, Callable[[np.ndarray], float]]:
    """Metrics of all rows together -> what gives their value for multiplicities of users, int64 (n_users,)."""
    metrics: dict[str, Callable[[np.ndarray], float]] = {}
    if values.counts is not None:
        counts = np.zeros((n_users, values.counts.shape[1]), dtype=np.int64)
        np.add.at(counts, code, values.counts)
        defined = has_long_reference(values)
        metrics[CORPUS_BLEU] = lambda times: overlap.compute_corpus_bleu(times @ counts) if defined else float("nan")
    if values.word_use is not None:
        value = compute_distinct_words(values.word_use)
        influence = compute_user_influence(values.word_use, code, n_users)
        metrics[DISTINCT] = lambda times: value + float((times - 1) @ influence) / n_users
    return metrics


def add_distinct_share(sample: TextBootstrapResult, references: TextBootstrapResult) -> TextBootstrapResult:
    """The sample with its distinct words as a share of those of the references, on the same draws.

    Raises DataError if they are not over the same rows and draws.
    """
    _check_same_rows(sample, references)
    drawn = _divide_or_nan(sample.draws[DISTINCT], references.draws[DISTINCT])
    exact = _divide_or_nan(np.array([sample.values[DISTINCT]]), np.array([references.values[DISTINCT]]))
    return replace(
        sample,
        values={**sample.values, DISTINCT_SHARE: float(exact[0])},
        draws={**sample.draws, DISTINCT_SHARE: drawn},
    )


def _divide_or_nan(total: np.ndarray, count: np.ndarray) -> np.ndarray:
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)


def compute_interval(drawn: TextBootstrapResult, metric: str, *, level: float = 0.95) -> Estimate:
    """A mean with its percentile interval."""
    return summarise_draws(drawn.values[metric], drawn.draws[metric], level=level)


def compute_paired_difference(
    a: TextBootstrapResult, b: TextBootstrapResult, metric: str, *, level: float = 0.95
) -> PairedDifference:
    """`a` minus `b` on the same draws. Raises DataError if they are not over the same rows and draws."""
    _check_same_rows(a, b)
    return summarise_difference_draws(
        a.values[metric] - b.values[metric], a.draws[metric] - b.draws[metric], level=level
    )


def _check_same_rows(a: TextBootstrapResult, b: TextBootstrapResult) -> None:
    if a.key != b.key:
        raise DataError("paired comparison: the two systems are not on the same rows, users, draws and seed")
