"""What a reason predicts of the target, and whether it ends with a whole sentence."""

from __future__ import annotations

import pytest

from thinkrec.claims.ending import drop_incomplete_ending, find_predictions, has_complete_ending


@pytest.mark.parametrize(
    ("text", "signs"),
    [
        ("It should please this viewer.", [1]),
        ("It will not please this viewer.", [-1]),
        ("It is unlikely to disappoint.", [1]),
        ("It may well disappoint.", [-1]),
        ("Nothing will please this viewer.", [-1]),
        ("It fits this viewer.", [1]),
        ("It does not suit this viewer.", [-1]),
        ("It would have pleased others.", []),
        ("It might please anyone who likes dogs.", []),
        ("They liked the sea. It was loved.", []),
        ("It should please, and it will be rejected.", [1, -1]),
    ],
)
def test_predictions_have_their_sign(text: str, signs: list[int]) -> None:
    assert [prediction.sign for prediction in find_predictions(text, {0})] == signs


def test_places_are_those_in_the_whole_text() -> None:
    text = "They liked it. So it should really please them."
    (prediction,) = find_predictions(text, {0})
    assert text[prediction.start :].startswith("should really")
    assert text[prediction.cue_start : prediction.cue_end] == "please"


def test_a_sentence_about_rated_titles_alone_predicts_nothing() -> None:
    rated, target = "\u27e63\u27e7 should please.", "\u27e67\u27e7 should please."
    assert find_predictions(rated, {7}) == []
    assert [prediction.sign for prediction in find_predictions(rated + " " + target, {7})] == [1]


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("It fits.", True),
        ("It fits", False),
        ("It fits!", True),
        ("So she said 'Go.'", True),
        ("Well\u2026", True),
        ("", False),
    ],
)
def test_a_sentence_ends_with_its_mark(text: str, whole: bool) -> None:
    assert has_complete_ending(text) is whole


def test_half_a_sentence_is_dropped_unless_nothing_else_is_there() -> None:
    assert drop_incomplete_ending("Yes. It is good. And then") == "Yes. It is good."
    assert drop_incomplete_ending("And then") == "And then"
    assert drop_incomplete_ending("Yes. It is good.  ") == "Yes. It is good."
