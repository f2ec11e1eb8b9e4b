"""The lists of words of liking: every one stands on its own, and none says both."""

from __future__ import annotations

import pytest

from thinkrec.claims.cues import BAD, BAD_TONE, FUTURE, GOOD, GOOD_TONE, NEGATORS


@pytest.mark.parametrize(
    ("pattern", "phrases"),
    [
        (GOOD, ["liked", "praises", "approved of", "went over well", "taste for", "drawn to", "won over", "favoured"]),
        (BAD, ["disliked", "turned it down", "fell flat", "left them cold", "let them down", "shrugged", "no better"]),
        (GOOD_TONE, ["hit", "warmly", "favourite"]),
        (BAD_TONE, ["badly", "weakness", "in vain"]),
    ],
    ids=["good", "bad", "good tone", "bad tone"],
)
def test_phrases_are_found_whole(pattern, phrases: list[str]) -> None:
    for phrase in phrases:
        assert [match.group() for match in pattern.finditer(f"x {phrase} x")] == [phrase]
        assert not pattern.search(f"x{phrase}x")
        others = [other for other in (GOOD, BAD) if other is not pattern]
        assert not any(other.fullmatch(phrase) for other in others)


def test_negators_and_what_looks_ahead() -> None:
    assert all(NEGATORS.search(text) for text in ("did not", "never", "didn't", "without", "hardly", "a little"))
    assert not NEGATORS.search("the little house"), "a description, not a negation"
    assert all(FUTURE.search(text) for text in ("should", "is likely", "bound to"))
    assert not FUTURE.search("it liked")
