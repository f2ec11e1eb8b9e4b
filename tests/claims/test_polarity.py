"""What a reason claims of the titles it cites; every sentence here is invented."""

from __future__ import annotations

import re

import pytest

from thinkrec.claims.polarity import read_claims

GOOD, BAD, NONE = 1, -1, None


def claims(text: str, keywords: tuple[str, ...] = ()) -> list[int | None]:
    return read_claims(text, [m.span() for m in re.finditer(r"'[A-Z]\w*'", text)], keywords)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Yes. This viewer liked 'Oak' and 'Elm'.", [GOOD, GOOD]),
        ("No. The reader turned down 'Oak', the slow 'Elm' and even 'Ash'.", [BAD, BAD, BAD]),
        ("'Oak', 'Elm' and 'Ash' were all rejected.", [BAD, BAD, BAD]),
        ("'Oak' was enjoyed, but 'Elm' was not.", [GOOD, BAD]),
        ("'Oak' pleased and 'Elm' failed.", [GOOD, BAD]),
        ("'Oak' and 'Elm' left the viewer cold.", [BAD, BAD]),
        ("'Oak' failed to impress.", [BAD]),
        ("Neither 'Oak' nor 'Elm' pleased.", [BAD, BAD]),
        ("Nothing here was disliked: 'Oak', 'Elm', 'Ash'.", [GOOD, GOOD, GOOD]),
        ("None of these pleased: 'Oak', 'Elm'.", [BAD, BAD]),
        ("Slow dramas are refused: 'Oak', the long 'Elm', and the grim 'Ash'.", [BAD, BAD, BAD]),
        ("Wit appeals to this reader, as in 'Oak' and 'Elm', while the loud 'Ash' was refused.", [GOOD, GOOD, BAD]),
        ("Although 'Oak', with magic, was disliked, it is without snow.", [BAD]),
        ("'Oak' was liked in spite of magic, but it lacks snow.", [GOOD]),
        ("'Oak' was the only one to disappoint.", [BAD]),
        ("Everything pleased except 'Oak'.", [BAD]),
        ("Quiet films were rejected. The exception is 'Oak'.", [BAD * -1]),
        ("'Oak' was rejected. So was 'Elm'.", [BAD, BAD]),
        ("'Oak' did no better than the rejected 'Elm'.", [BAD, BAD]),
        ("The viewer did not enjoy 'Oak'.", [BAD]),
        ("The viewer, who never disliked 'Oak', praised 'Elm'.", [GOOD, GOOD]),
        ("The much-praised 'Oak' was refused.", [BAD]),
        ("'Oak' has snow in common with the next one.", [NONE]),
        ("'Oak' should please.", [NONE]),
        ("'Oak' is likely to be disliked.", [NONE]),
        ("Mr. Hale's 'Oak' and Dr. Pell's 'Elm' were liked.", [GOOD, GOOD]),
        ("Three films won approval; 'Oak' among them, and 'Elm' was turned down.", [GOOD, BAD]),
        ("", []),
    ],
)
def test_claims(text: str, expected: list[int | None]) -> None:
    assert claims(text) == expected


def test_a_claim_of_one_sentence_does_not_leak_into_the_next() -> None:
    assert claims("'Oak' was rejected. 'Elm' is a story of two sisters.") == [BAD, NONE]


def test_words_of_the_catalogue_claim_nothing() -> None:
    text = "'Oak' has snow and well liked in common with it."
    assert claims(text) == [GOOD]
    assert claims(text, ("snow", "well liked")) == [NONE]


def test_typographic_apostrophes_and_odd_marks_are_read_too() -> None:
    assert claims("'Oak' didn\u2019t please \u27e69\u27e7.") == [BAD]
