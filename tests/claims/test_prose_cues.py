"""Words of free prose: what they match and what they only seem to."""

from __future__ import annotations

import pytest

from thinkrec.claims.prose_cues import DISLIKING, EXCEPT, EXCEPTED, LIKING, LIKING_TONE, PUBLIC_OPINION


@pytest.mark.parametrize("phrase", ["savoured", "did not spoil", "a success", "laughed along", "made the cut"])
def test_phrases_of_liking(phrase: str) -> None:
    assert LIKING.search(phrase) and not DISLIKING.search(phrase)


@pytest.mark.parametrize("phrase", ["balked at", "did not save", "poor record", "short shrift", "could not amuse"])
def test_phrases_of_disliking(phrase: str) -> None:
    assert DISLIKING.search(phrase)


def test_what_the_public_thinks_and_exceptions() -> None:
    for phrase in ("well liked", "liked by others", "high praise", "mixed reviews", "few people admire"):
        assert PUBLIC_OPINION.search(phrase), phrase
    assert not PUBLIC_OPINION.search("they liked it")
    assert EXCEPT.search("apart from the slow ") and not EXCEPT.search("fame did not save ")
    assert EXCEPTED.match(" being the one exception")
    assert LIKING_TONE.search("charm")
