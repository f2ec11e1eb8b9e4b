"""The independent checker on the sentences written by hand: it never errs, and it knows most of them."""

from __future__ import annotations

import pytest
from support.claim_sentences import KEYWORDS, LIKED, SENTENCES, TARGET, TITLES
from support.independent_checker import Row, check

ROW = Row(TITLES, KEYWORDS, LIKED, TARGET)


@pytest.mark.parametrize(("text", "true"), [(text, true) for text, _, true in SENTENCES])
def test_what_it_knows_it_knows_rightly(text: str, true: bool) -> None:
    found = check(text, ROW)
    if found.untrue or not found.unknown:
        assert (not found.untrue) == true, found


def test_it_knows_most_sentences_and_finds_the_untrue_ones() -> None:
    known = [true for text, _, true in SENTENCES if not check(text, ROW).unknown]
    assert len(known) >= 130
    assert known.count(False) >= 50
