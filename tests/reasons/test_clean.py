"""Reasons that give away how they came about are left out; honest ones stay."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from pydantic import ValidationError
from support.asking import DS

from thinkrec.reasons.clean import count_words, extract_argument, find_rejection_cause, format_reason
from thinkrec.reasons.config import ReasonFilterConfig
from thinkrec.reasons.store import Attempt
from thinkrec.teacher.rule_reasons import argue_row

PLAIN = ReasonFilterConfig(min_words=0)
FOUND = Attempt("k", 1, 1, 1, "t", "retry", "first", False, "", "", None, False, 1, 1, 0.0, 1, 0.0, "")
BETRAYALS = [
    "The correct answer is given as Yes, so it must be liked.",
    "Since the actual outcome was a like, the sea wins.",
    "The answer is provided, so I argue for it.",
    "The label says that it was disliked.",
    "As you told me, the viewer liked it.",
    "Because you said they liked it, I agree.",
    "I was told that this was a success.",
    "Knowing the outcome, one sees why.",
    "The ground truth is a dislike.",
    "Going by the hint, it fits.",
    "It turned out that they loved it.",
]
ASKING = [
    "My earlier answer overlooked the war films.",
    "I apologise, the comedies weigh more.",
    "On reflection, 'Heat' decides.",
    "The initial prediction was too hasty.",
]
HONEST = [
    "They liked 'The Right Answer' and disliked 'Labels of Love', which says it all.",
    "This viewer told friends about 'Heat'; given the mood of 'Alien', it fits.",
    "The outcome of the heist is grim, and the true story behind it is well told.",
    "The first film of the series was liked, the hint of romance was not.",
    "Crime and thriller were liked in 'Heat', so 'Fargo' should please.",
]


@pytest.mark.parametrize("text", BETRAYALS)
def test_betrayals(text: str) -> None:
    assert find_rejection_cause(FOUND, text, PLAIN) == "betrays the answer"
    assert find_rejection_cause(FOUND, text, PLAIN.model_copy(update={"label_leakage": False})) is None


@pytest.mark.parametrize("text", ASKING)
def test_talk_of_the_asking(text: str) -> None:
    assert find_rejection_cause(FOUND, text, PLAIN) == "speaks of the asking"


def test_rules_never_betray() -> None:
    texts = [
        argue_row(DS, int(row), 10, np.random.default_rng(int(row))).text for row in DS.interactions.get_split_rows(0)
    ]
    assert {find_rejection_cause(FOUND, text, ReasonFilterConfig()) for text in texts} == {None}


def test_lengths_cuts_and_patterns() -> None:
    config = ReasonFilterConfig(min_words=3, max_words=5, patterns=(r"\bmasterpiece\b",))
    assert find_rejection_cause(FOUND, "one two", config) == "too short"
    assert find_rejection_cause(FOUND, "one two three", config) is None
    assert find_rejection_cause(FOUND, "one two three four five six", config) == "too long"
    assert find_rejection_cause(FOUND, "one true Masterpiece", config) == "matches a pattern"
    cut = dataclasses.replace(FOUND, cut=True)
    assert find_rejection_cause(cut, "one two three", config) == "cut off"
    assert find_rejection_cause(cut, "one two three", config.model_copy(update={"truncated": False})) is None
    with pytest.raises(ValidationError, match="no regular expression"):
        ReasonFilterConfig(patterns=("(",))


def test_the_reason_opens_with_the_verdict_and_is_one_line() -> None:
    found = dataclasses.replace(FOUND, text="**Yes**, because\n\n'Tide' has  the sea.", reasoning="a\nb")
    assert format_reason(True, extract_argument(found, "answer")) == "Yes. Because 'Tide' has the sea."
    assert format_reason(False, extract_argument(found, "reasoning")) == "No. A b"
    assert extract_argument(dataclasses.replace(found, text="Yes."), "answer") == "a b"
    assert extract_argument(dataclasses.replace(found, reasoning=""), "reasoning") == "because 'Tide' has the sea."


@pytest.mark.parametrize("text", HONEST)
def test_honest_ones_stay(text: str) -> None:
    assert find_rejection_cause(FOUND, text, PLAIN) is None


def test_words_are_counted_in_scripts_without_spaces() -> None:
    long = "这位观众喜欢两部关于海的电影，所以这一部也会让人满意。"
    for text, why in ((long, None), ("好。", "too short"), (long * 30, "too long")):
        found = find_rejection_cause(FOUND, text, ReasonFilterConfig())
        assert found == why, text
    assert count_words("one two three") == 3 and count_words("") == 0 and count_words("ทะเล") == 2
