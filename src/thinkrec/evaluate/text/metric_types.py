"""The text metrics by name, what they need beside the texts, and the values that they come to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from thinkrec.evaluate.text.dictionary import Dictionary
from thinkrec.evaluate.text.row_items import RowItems
from thinkrec.evaluate.text.vocabulary_size import WordUse

CORPUS_BLEU = "corpus_bleu"
REPEATED, DISTINCT, DISTINCT_SHARE, UNKNOWN = (
    "repeated_4grams",
    "distinct_words",
    "distinct_words_share",
    "unknown_words",
)
LIKELIHOOD, NAMED = "likelihood", "target_named"
SUPPORT, SUPPORT_SHOWN, SUPPORT_ELSEWHERE = "support", "support_shown", "support_elsewhere"
COMPARED = {
    "meteor": "METEOR",
    "meteor_no_synonyms": "METEOR no syn.",
    "rouge_l": "ROUGE-L",
    "bleu": "BLEU",
    CORPUS_BLEU: "corpus BLEU",
    "bleurt": "BLEURT",
    "similarity": "similarity",
}
"""Metrics of a text beside its reference -> column title, in the order of columns."""
ALONE = {
    REPEATED: "repeated 4-grams",
    DISTINCT: "distinct words per 1,000",
    DISTINCT_SHARE: "share of the references'",
    UNKNOWN: "unknown words",
    LIKELIHOOD: "nats a token",
    NAMED: "target named",
    SUPPORT: "support",
    SUPPORT_SHOWN: "support by what is shown",
    SUPPORT_ELSEWHERE: "support by another item",
}
"""Metrics of a text without its reference, which the references have as well -> title of its line, in their order."""
TITLES = COMPARED | ALONE


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


class LikelihoodScorer(Protocol):
    """What `ReferenceModel` has."""

    @property
    def name(self) -> str:
        """What the policy calls it."""
        ...

    def score(self, texts: Sequence[str], *, progress: bool = False) -> np.ndarray:
        """Mean negative log-likelihood of each text's tokens in nats, float64 (n,), NaN where there are none."""
        ...

    def count_truncated(self, texts: Sequence[str]) -> int:
        """Texts that are scored on a part."""
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
    dictionary: Dictionary | None = None
    """English words and those of the items."""
    likelihood: LikelihoodScorer | None = None
    row_items: RowItems | None = None
    """The items of the references' rows."""
    notes: tuple[str, ...] = ()
    """Sentences on what was found without being asked for."""


@dataclass(frozen=True)
class TextMetricValues:
    """One system's values."""

    rows: dict[str, np.ndarray]
    """Metric -> float64 (n,), in the order of the references; NaN where a row has no such value."""
    counts: np.ndarray | None = None
    """int64 (n, 10): see `overlap.compute_bleu`; None where texts were not compared with references."""
    truncated: Mapping[str, int] = field(default_factory=dict)
    """Metric -> texts or pairs that were scored on a part of their texts."""
    word_use: WordUse | None = None
    """What distinct words are counted from; None where they are not."""
    unknown: Counter[str] = field(default_factory=Counter)
    """The words that the dictionary does not know, with how often they stand in the texts."""
