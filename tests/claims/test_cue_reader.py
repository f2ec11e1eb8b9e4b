"""Words of liking in a clause, turned round where they are negated and left out where they are no claim."""

from __future__ import annotations

import pytest

from thinkrec.claims.cue_reader import find_cues, find_final_cue


@pytest.mark.parametrize(
    ("clause", "signs"),
    [
        ("they liked it", [1]),
        ("they rejected it", [-1]),
        ("they did not like it but enjoyed the other", [-1, 1]),
        ("it was never liked", [-1]),
        ("it was not only liked but loved", [1, 1]),
        ("nobody disliked it", [1]),
        ("it failed to impress", [-1]),
        ("it won approval", [1]),
        ("none of these films pleased them", [-1]),
        ("it should please them", []),
        ("the much-loved-looking film", []),
        ("it was a hit", [1]),
        ("it was weak", [-1]),
        ("the sea", []),
    ],
)
def test_signs_of_a_clause(clause: str, signs: list[int]) -> None:
    assert [cue.sign for cue in find_cues(clause)] == signs


def test_cues_bear_their_place_and_strength() -> None:
    clause = "They Liked it, and it was a hit"
    strong, weak = find_cues(clause)
    assert (clause[strong.start : strong.end], strong.is_weak) == ("Liked", False)
    assert (clause[weak.start : weak.end], weak.is_weak) == ("hit", True)


def test_a_chain_of_cues_is_one() -> None:
    clause = "it failed to impress them"
    (cue,) = find_cues(clause)
    assert clause[cue.start : cue.end] == "failed to impress"


@pytest.mark.parametrize(
    ("text", "word"), [("a film they liked", "liked"), ("it fell flat ", "fell flat"), ("liked it", None), ("", None)]
)
def test_the_cue_a_text_ends_with(text: str, word: str | None) -> None:
    start = find_final_cue(text)
    assert (None if start is None else text[start:].strip()) == word
