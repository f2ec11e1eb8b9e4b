"""The rule-based teacher argues only from what is visible."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
from sklearn.metrics import roc_auc_score

from thinkrec.data.world import WorldConfig, simulate
from thinkrec.reasons.rules import argue, argue_item, short_title

WORLD = simulate(WorldConfig(users=120, items=150), 31)
DS = WORLD.dataset
ROWS = DS.interactions.rows(2)[:300]


def test_it_cites_only_titles_of_the_history_or_the_target() -> None:
    it, titles = DS.interactions, DS.items.titles
    cited = 0
    for row in ROWS:
        past = it.history(int(row), 10)
        allowed = {short_title(titles[i]) for i in (*it.item[past], it.item[row])}
        text = argue(DS, int(row), 10, np.random.default_rng(int(row))).text
        found = re.findall(r"'[^']+'", text)
        assert set(found) <= allowed, text
        cited += len(found)
    assert cited > 2 * len(ROWS)


def test_its_verdict_opens_the_text_and_is_better_than_chance() -> None:
    arguments = [argue(DS, int(row), 10, np.random.default_rng(0)) for row in ROWS]
    assert all(a.text.startswith("Yes." if a.verdict else "No.") for a in arguments)
    assert roc_auc_score(DS.interactions.label[ROWS], [a.evidence for a in arguments]) > 0.6


def test_same_seed_same_words_and_words_vary() -> None:
    def texts(seed: int) -> list[str]:
        return [argue(DS, int(row), 10, np.random.default_rng((seed, int(row)))).text for row in ROWS[:50]]

    assert texts(1) == texts(1)
    assert sum(a != b for a, b in zip(texts(1), texts(2), strict=True)) > 25


def test_without_history_it_says_so() -> None:
    argument = argue_item(DS, 0, np.zeros(0, dtype=np.int64), np.random.default_rng(0))
    assert not argument.verdict
    assert "Nothing is known" in argument.text


def test_its_opinion_does_not_depend_on_the_rows_own_label() -> None:
    it = DS.interactions
    for row in ROWS[:40]:
        label = it.label.copy()
        label[row:] = 1 - label[row:]
        turned = replace(DS, interactions=replace(it, label=label))
        said = [argue(ds, int(row), 10, np.random.default_rng(0)) for ds in (DS, turned)]
        assert said[0] == said[1]
