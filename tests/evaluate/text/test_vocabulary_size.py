"""Distinct words per 1,000, and what the bootstrap makes of a measure that falls with the amount of text."""

from __future__ import annotations

import math

import numpy as np
import pytest

from thinkrec.errors import DataError
from thinkrec.evaluate.text.compare import (
    TextBootstrapResult,
    add_distinct_share,
    bootstrap_text_metrics,
    compute_interval,
)
from thinkrec.evaluate.text.metric_types import DISTINCT, DISTINCT_SHARE, REPEATED, TextMetricValues
from thinkrec.evaluate.text.vocabulary_size import compute_distinct_words, compute_user_influence, count_word_use

TEXTS = ["the slow grey harbour", "the slow war in the hills", "hills and boats", "a Harbour of boats"]


def values_of(texts: list[str]) -> TextMetricValues:
    return TextMetricValues({REPEATED: np.zeros(len(texts))}, word_use=count_word_use(texts))


def test_words_of_all_rows_are_counted_together() -> None:
    use = count_word_use(TEXTS)
    assert use.words.tolist() == [4, 6, 3, 4]
    assert use.distinct[1] == {"slow", "hills"}, "four letters or more"
    # slow, grey, harbour, hills, boats of 17 words.
    assert compute_distinct_words(use) == pytest.approx(1000 * 5 / 17)
    assert compute_distinct_words(count_word_use(TEXTS * 2)) == pytest.approx(1000 * 5 / 34), "more text, fewer"


def test_without_words_there_is_no_value() -> None:
    assert math.isnan(compute_distinct_words(count_word_use(["", "?!"])))
    assert compute_distinct_words(count_word_use(["a b c"])) == 0


def test_the_influence_is_what_leaving_a_user_out_changes() -> None:
    code = np.array([0, 1, 1, 2])
    use = count_word_use(TEXTS)
    influence = compute_user_influence(use, code, 3)
    for user in range(3):
        others = [text for text, owner in zip(TEXTS, code, strict=True) if owner != user]
        without = compute_distinct_words(count_word_use(others))
        assert influence[user] == pytest.approx(2 * (compute_distinct_words(use) - without))


def test_one_user_has_nothing_to_vary_and_one_with_all_words_has_no_interval() -> None:
    use = count_word_use(["a slow film", ""])
    assert compute_user_influence(use, np.array([0, 0]), 1).tolist() == [0]
    assert np.isnan(compute_user_influence(use, np.array([0, 1]), 2)).tolist() == [True, False]
    drawn = bootstrap_text_metrics(values_of(["a slow film"] * 2), np.array([3, 3]), draws=5)
    assert drawn.draws[DISTINCT].tolist() == [pytest.approx(1000 * 2 / 6)] * 5


def test_draws_lie_around_the_value_and_spread_as_the_jackknife_says() -> None:
    rng = np.random.default_rng(0)
    vocabulary = [first + second * 2 for first in "bcdfghklmnprst" for second in ("ail", "orn", "ume", "esk")]
    weight = 1 / np.arange(1, len(vocabulary) + 1)
    texts = [" ".join(rng.choice(vocabulary, size=12, p=weight / weight.sum())) for _ in range(60)]
    user = np.arange(60) // 2
    drawn = bootstrap_text_metrics(values_of(texts), user, draws=4000)
    value = drawn.values[DISTINCT]
    assert drawn.draws[DISTINCT].mean() == pytest.approx(value, rel=0.01)
    without = [
        compute_distinct_words(count_word_use([t for t, u in zip(texts, user, strict=True) if u != left]))
        for left in range(30)
    ]
    jackknife = math.sqrt(29 / 30 * sum((x - np.mean(without)) ** 2 for x in without))
    assert drawn.draws[DISTINCT].std() == pytest.approx(jackknife, rel=0.06)
    interval = compute_interval(drawn, DISTINCT)
    assert interval.low is not None and interval.high is not None
    assert interval.low < value < interval.high


def test_the_share_of_the_references_is_taken_draw_by_draw() -> None:
    user = np.array([0, 1, 1, 2])
    poor = bootstrap_text_metrics(values_of(["slow boats", "slow", "boats", "slow slow slow"]), user, draws=50)
    rich = bootstrap_text_metrics(values_of(TEXTS), user, draws=50)
    share = add_distinct_share(poor, rich)
    assert share.values[DISTINCT_SHARE] == pytest.approx((2 / 7) / (5 / 17))
    np.testing.assert_allclose(share.draws[DISTINCT_SHARE], poor.draws[DISTINCT] / rich.draws[DISTINCT])
    assert math.isnan(
        add_distinct_share(poor, bootstrap_text_metrics(values_of([""] * 4), user, draws=50)).values[DISTINCT_SHARE]
    )


def test_shares_of_other_rows_are_refused() -> None:
    one = bootstrap_text_metrics(values_of(TEXTS), np.array([0, 1, 1, 2]), draws=5)
    other: TextBootstrapResult = bootstrap_text_metrics(values_of(TEXTS), np.array([0, 1, 2, 2]), draws=5)
    with pytest.raises(DataError, match="not on the same rows"):
        add_distinct_share(one, other)
