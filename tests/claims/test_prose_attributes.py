"""Keywords in the noun phrase of a title."""

from __future__ import annotations

import pytest

from thinkrec.claims.attributes import AttributeReader
from thinkrec.claims.prose_attributes import read_phrase_keywords
from thinkrec.data.titles import format_title_mark

READER = AttributeReader({0: frozenset({"war", "drama"}), 1: frozenset({"comedy"}), 2: None}, frozenset({"comedy"}))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("They liked the long war drama of 0.", [("war", 0, True), ("drama", 0, True)]),
        ("They liked the drama 1 and 0, a slow comedy.", [("drama", 1, False), ("comedy", 0, False)]),
        ("It was refused. The comedy in the old 1 pleased.", [("comedy", 1, True)]),
        ("War pleases them, and 0 was liked.", []),
        ("The war film 2 was liked.", []),
    ],
)
def test_what_is_said_within_the_phrase_is_read_and_judged(text: str, expected: list[tuple[str, int, bool]]) -> None:
    marked, order = "", []
    for character in text:
        if character.isdigit():
            order.append(int(character))
            marked += format_title_mark(int(character))
        else:
            marked += character
    found = [(one.keyword, order[one.citation], one.is_true) for one in read_phrase_keywords(marked, READER)]
    assert found == expected
    for one in read_phrase_keywords(marked, READER):
        assert marked[one.start :].lower().startswith(one.keyword)


def test_without_keywords_nothing_is_read() -> None:
    assert list(read_phrase_keywords("the war of \u27e60\u27e7", AttributeReader({0: frozenset()}, frozenset()))) == []
