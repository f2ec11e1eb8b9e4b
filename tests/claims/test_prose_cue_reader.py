"""Cues of a clause of free prose."""

from __future__ import annotations

import pytest

from thinkrec.claims.prose_cue_reader import find_prose_cues


@pytest.mark.parametrize(
    ("clause", "signs"),
    [
        ("hardly anything has disappointed them", [1]),
        ("no film here failed to please", [1]),
        ("it was one of the few to be turned down", [-1]),
        ("it should please", []),
        ("fame may fall short, as \u27e60\u27e7 did", [-1]),
        ("the violence is shown without comfort", []),
    ],
)
def test_signs_with_negations(clause: str, signs: list[int]) -> None:
    assert [cue.sign for cue in find_prose_cues(clause)] == signs


def test_an_adjective_before_a_title_is_weak() -> None:
    assert [cue.is_weak for cue in find_prose_cues("they refused one, then the admired \u27e60\u27e7")] == [False, True]
