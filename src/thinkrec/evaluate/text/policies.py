"""How text metrics are counted, in words, and what was left out or cut."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from thinkrec.evaluate.text import bleurt, likelihood, overlap, repetition, similarity, support, vocabulary_size
from thinkrec.evaluate.text import dictionary as spelling
from thinkrec.evaluate.text import meteor as met
from thinkrec.evaluate.text.metric_types import (
    ALONE,
    CORPUS_BLEU,
    DISTINCT,
    DISTINCT_SHARE,
    LIKELIHOOD,
    NAMED,
    REPEATED,
    SUPPORT,
    SUPPORT_ELSEWHERE,
    SUPPORT_SHOWN,
    TITLES,
    UNKNOWN,
    MetricResources,
    TextMetricValues,
)

NAMED_POLICY = "share of texts that name the target, as `evaluate grounding` reads titles"
WORDS_SHOWN = 8
"""Unknown words that are shown of a system."""
_WHY_UNDEFINED = {
    REPEATED: "have fewer than 4 words",
    UNKNOWN: "have no word",
    LIKELIHOOD: "have fewer than two tokens",
    SUPPORT: "say nothing of their target that is counted",
}


def describe_policies(tools: MetricResources) -> dict[str, str]:
    """Metric -> how it is counted, for those that can be measured with `tools`."""
    policies = {
        met.WITH_SYNONYMS: met.POLICY.format("and WordNet 3.0 "),
        met.WITHOUT_SYNONYMS: met.POLICY.format(""),
        "rouge_l": overlap.ROUGE_POLICY,
        "bleu": overlap.SENTENCE_POLICY,
        CORPUS_BLEU: overlap.CORPUS_POLICY,
        "bleurt": bleurt.POLICY,
        "similarity": similarity.POLICY,
    }
    absent = {met.WITH_SYNONYMS: tools.wordnet, "bleurt": tools.bleurt, "similarity": tools.similarity}
    compared = {name: text for name, text in policies.items() if absent.get(name, text) is not None}
    return compared | describe_policies_alone(tools)


def describe_policies_alone(tools: MetricResources) -> dict[str, str]:
    """The same for the metrics of texts without their references."""
    titles = "in quotes with a capital or digit" if tools.row_items is None else "as `evaluate grounding` reads them"
    policies = {
        REPEATED: repetition.POLICY,
        DISTINCT: vocabulary_size.POLICY.format(titles),
        DISTINCT_SHARE: vocabulary_size.SHARE_POLICY,
    }
    if tools.dictionary is not None:
        policies[UNKNOWN] = spelling.POLICY.format(tools.dictionary.name)
    if tools.likelihood is not None:
        policies[LIKELIHOOD] = likelihood.POLICY.format(tools.likelihood.name)
    if tools.row_items is not None:
        policies[NAMED] = NAMED_POLICY
        if tools.row_items.has_texts:
            columns = ", ".join(tools.row_items.items.texts.columns) or "there are no text columns"
            policies[SUPPORT] = support.POLICY.format(columns, ", ".join(tools.row_items.nouns))
            if tools.row_items.shown is not None:
                policies[SUPPORT_SHOWN] = support.SHOWN_POLICY.format(tools.row_items.describe_shown())
            policies[SUPPORT_ELSEWHERE] = support.ELSEWHERE_POLICY
    return policies


def describe_omissions(systems: Mapping[str, TextMetricValues]) -> list[str]:
    """A sentence for each compared metric that rows have no value of, which all systems share, and for cut pairs."""
    values = next(iter(systems.values()))
    n, sentences = len(next(iter(values.rows.values()))), []
    for name, scores in values.rows.items():
        undefined = int(np.isnan(scores).sum())
        if undefined and name not in ALONE:
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
            if count and metric not in ALONE
        ]
    return sentences


def describe_omissions_alone(systems: Mapping[str, TextMetricValues]) -> list[str]:
    """Sentences on texts that have no value, that were cut, and on the words that are unknown, system by system."""
    sentences = []
    for name, system in systems.items():
        for metric, why in _WHY_UNDEFINED.items():
            scores = system.rows.get(metric, np.zeros(0))
            undefined = int(np.isnan(scores).sum())
            if undefined:
                sentences.append(
                    f"{TITLES[metric]}: {undefined:,} of {len(scores):,} texts of {name} {why}. Left out of the mean."
                )
        cut = system.truncated.get(LIKELIHOOD, 0)
        if cut:
            sentences.append(f"{TITLES[LIKELIHOOD]}: {cut:,} texts of {name} are longer than its input and were cut.")
        if system.unknown:
            shown = ", ".join(f"{word} ({count})" for word, count in system.unknown.most_common(WORDS_SHOWN))
            others = len(system.unknown) - WORDS_SHOWN
            rest = f" and {others:,} others" if others > 0 else ""
            sentences.append(f"{TITLES[UNKNOWN]} of {name}, with how often: {shown}{rest}.")
    return sentences


def has_long_reference(values: TextMetricValues) -> bool:
    """Whether any reference has as many tokens as corpus BLEU's longest n-gram."""
    return values.counts is not None and bool((values.counts[:, -1] >= overlap.SHORTEST).any())
