"""Metrics of texts without their references: loops, wealth of words, unknown words, likelihood, support."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from thinkrec.claims.citations import Catalogue, Citation, TitleResolver, find_citations
from thinkrec.evaluate.metrics.permutation import draw_permutation_baseline
from thinkrec.evaluate.text.dictionary import compute_unknown_words
from thinkrec.evaluate.text.metric_types import (
    LIKELIHOOD,
    NAMED,
    REPEATED,
    SUPPORT,
    SUPPORT_ELSEWHERE,
    SUPPORT_SHOWN,
    UNKNOWN,
    MetricResources,
    TextMetricValues,
)
from thinkrec.evaluate.text.repetition import compute_repeated_ngrams
from thinkrec.evaluate.text.row_items import RowItems
from thinkrec.evaluate.text.support import collect_content_stems, compute_support, find_clauses_about_target
from thinkrec.evaluate.text.vocabulary_size import count_word_use
from thinkrec.evaluate.text.words import remove_titles


def compute_metrics_alone(
    texts: Sequence[str], tools: MetricResources, *, seed: int = 0, progress: bool = False
) -> TextMetricValues:
    """Everything that `tools` allow to say of texts (n,), one per row of the references, without the references.

    `seed`: of the other targets that `support_elsewhere` compares with.
    """
    citations = find_quoted_titles(texts) if tools.row_items is None else tools.row_items.find_row_citations(texts)
    rows = {REPEATED: compute_repeated_ngrams(texts)}
    unknown, truncated = Counter[str](), {}
    if tools.dictionary is not None:
        rows[UNKNOWN], unknown = compute_unknown_words(texts, tools.dictionary)
    if tools.likelihood is not None:
        rows[LIKELIHOOD] = tools.likelihood.score(texts, progress=progress)
        truncated[LIKELIHOOD] = tools.likelihood.count_truncated(texts)
    if tools.row_items is not None:
        rows[NAMED] = find_named_targets(citations)
        if tools.row_items.has_texts:
            stems = collect_stems_about_targets(texts, citations, tools.row_items)
            rows |= compute_support_metrics(stems, tools.row_items, seed)
    bare = [remove_titles(text, cited) for text, cited in zip(texts, citations, strict=True)]
    return TextMetricValues(rows, truncated=truncated, word_use=count_word_use(bare), unknown=unknown)


def find_quoted_titles(texts: Sequence[str]) -> list[list[Citation]]:
    """What stands in quotes and begins with a capital or a digit, where it is not known what titles there are."""
    resolver = TitleResolver(Catalogue(()), (), "")
    return [find_citations(text, resolver) for text in texts]


def find_named_targets(citations: Sequence[Sequence[Citation]]) -> np.ndarray:
    """Whether each row's text names its target, float64 (n,), 0 or 1."""
    return np.array([any(citation.kind == "target" for citation in cited) for cited in citations], dtype=np.float64)


def collect_stems_about_targets(
    texts: Sequence[str], citations: Sequence[Sequence[Citation]], row_items: RowItems
) -> list[frozenset[str]]:
    """The content stems that each row's text says of its target."""
    return [
        collect_content_stems("\n".join(find_clauses_about_target(text, cited)), row_items.nouns)
        for text, cited in zip(texts, citations, strict=True)
    ]


def compute_support_metrics(stems: Sequence[frozenset[str]], row_items: RowItems, seed: int) -> dict[str, np.ndarray]:
    """Support of what is said of each row's target, by its own texts and by those of another row's target.

    Where it is known what a prompt shows of an item, also by that alone.
    The words stay and the texts are exchanged: so a row weighs the same in both, and common words, which stand in any
    item's texts, count the same in both. (Another row's reason would be about another item, and rarely name this one.)
    The other target is another item; a row has no such value where all rows are about one.
    """
    known, target = row_items.collect_target_stems(), row_items.target
    support = {SUPPORT: compute_support(stems, known)}
    if row_items.shown is not None:
        support[SUPPORT_SHOWN] = compute_support(stems, row_items.collect_target_stems(only_shown=True))
    if len(target) < 2:
        return {**support, SUPPORT_ELSEWHERE: np.full(len(target), np.nan)}
    _, code = np.unique(target, return_inverse=True)
    partner = draw_permutation_baseline(code, seed)
    elsewhere = compute_support(stems, [known[other] for other in partner.tolist()])
    return {**support, SUPPORT_ELSEWHERE: np.where(target[partner] == target, np.nan, elsewhere)}
