"""Text metrics of one or several systems on the same rows: values per row, means, intervals, paired differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

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

CORPUS_BLEU = "corpus_bleu"
TITLES = {
    "meteor": "METEOR",
    "meteor_no_synonyms": "METEOR no syn.",
    "rouge_l": "ROUGE-L",
    "bleu": "BLEU",
    "corpus_bleu": "corpus BLEU",
    "bleurt": "BLEURT",
    "similarity": "similarity",
}
"""Metric -> column title, in the order of columns."""


class TextScorer(Protocol):
    """What `BleurtScorer` and `TextEncoder` have in common."""

    def score(self, hypotheses: Sequence[str], references: Sequence[str], *, progress: bool = False) -> np.ndarray:
        """Scores of pairs, float64 (n,)."""
        ...

    def count_truncated(self, hypotheses: Sequence[str], references: Sequence[str]) -> int:
        """Pairs that are scored on a part of their texts."""
        ...


class SimilarityScorer(TextScorer, Protocol):
    """What `TextEncoder` also has."""

    def compute_unknown_share(self, texts: Sequence[str]) -> float:
        """Share of tokens, 0..1, that the vocabulary does not have."""
        ...


@dataclass(frozen=True)
class MetricResources:
    """Readers and scorers that metrics need; a metric without its resource is reported as not available, with why."""

    wordnet: Any | None = None
    """Reader of `open_wordnet`."""
    bleurt: TextScorer | None = None
    similarity: SimilarityScorer | None = None
    unavailable: Mapping[str, str] | None = None
    """Metric -> why it is not available."""


@dataclass(frozen=True)
class TextMetricValues:
    """One system's values."""

    rows: dict[str, np.ndarray]
    """Metric -> float64 (n,), in the order of the references; NaN where a row has no such value."""
    counts: np.ndarray
    """int64 (n, 10): see `overlap.compute_bleu`."""
    truncated: Mapping[str, int] = field(default_factory=dict)
    """Metric -> pairs that were scored on a part of their texts."""


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
    """All metrics that `tools` allow, per row."""
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


def describe_policies(tools: MetricResources) -> dict[str, str]:
    """Metric -> how it is counted, for those that are measured."""
    from thinkrec.evaluate.text import bleurt, similarity

    known = {
        met.WITH_SYNONYMS: met.POLICY.format("and WordNet 3.0 "),
        met.WITHOUT_SYNONYMS: met.POLICY.format(""),
        "rouge_l": overlap.ROUGE_POLICY,
        "bleu": overlap.SENTENCE_POLICY,
        CORPUS_BLEU: overlap.CORPUS_POLICY,
        "bleurt": bleurt.POLICY,
        "similarity": similarity.POLICY,
    }
    absent = {met.WITH_SYNONYMS: tools.wordnet, "bleurt": tools.bleurt, "similarity": tools.similarity}
    return {name: text for name, text in known.items() if absent.get(name, text) is not None}


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
    counts = np.zeros((n_users, values.counts.shape[1]), dtype=np.int64)
    np.add.at(counts, code, values.counts)
    out, corpus = np.empty((draws, len(names))), np.full(draws, np.nan)
    defined = has_long_reference(values)
    for draw, times in enumerate(draw_user_multiplicities(n_users, draws, seed)):
        out[draw] = _divide_or_nan(times @ sums, times @ size)
        corpus[draw] = overlap.compute_corpus_bleu(times @ counts) if defined else np.nan
    exact = dict(zip(names, _divide_or_nan(table.sum(axis=0), is_defined.sum(axis=0)).tolist(), strict=True))
    exact[CORPUS_BLEU] = overlap.compute_corpus_bleu(values.counts.sum(axis=0)) if defined else float("nan")
    drawn = {name: out[:, column] for column, name in enumerate(names)} | {CORPUS_BLEU: corpus}
    return TextBootstrapResult(exact, drawn, (tuple(code.tolist()), draws, seed))


def describe_omissions(systems: Mapping[str, TextMetricValues]) -> list[str]:
    """A sentence for each metric that rows have no value of, which all systems share, and for texts that were cut."""
    values = next(iter(systems.values()))
    n, sentences = len(values.counts), []
    for name, scores in values.rows.items():
        undefined = int(np.isnan(scores).sum())
        if undefined:
            sentences.append(
                f"{TITLES[name]}: not defined for {undefined:,} of {n:,} rows, whose reference has fewer than "
                f"{met.SHORTEST} tokens: the penalty for fragments keeps even the same text below .99. Left out of the "
                "mean."
            )
    if not has_long_reference(values):
        sentences.append(f"{TITLES[CORPUS_BLEU]}: not defined: no reference has {overlap.SHORTEST} tokens, a 4-gram.")
    for name, system in systems.items():
        sentences += [
            f"{TITLES[metric]}: {count:,} of {n:,} pairs of {name} are longer than its input and were cut."
            for metric, count in system.truncated.items()
            if count
        ]
    return sentences


def has_long_reference(values: TextMetricValues) -> bool:
    """Whether any reference has as many tokens as corpus BLEU's longest n-gram."""
    return bool((values.counts[:, -1] >= overlap.SHORTEST).any())


def _divide_or_nan(total: np.ndarray, count: np.ndarray) -> np.ndarray:
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)


def compute_interval(drawn: TextBootstrapResult, metric: str, *, level: float = 0.95) -> Estimate:
    """A mean with its percentile interval."""
    return summarise_draws(drawn.values[metric], drawn.draws[metric], level=level)


def compute_paired_difference(
    a: TextBootstrapResult, b: TextBootstrapResult, metric: str, *, level: float = 0.95
) -> PairedDifference:
    """`a` minus `b` on the same draws. Raises DataError if they are not over the same rows and draws."""
    if a.key != b.key:
        raise DataError("paired comparison: the two systems are not on the same rows, users, draws and seed")
    return summarise_difference_draws(
        a.values[metric] - b.values[metric], a.draws[metric] - b.draws[metric], level=level
    )
