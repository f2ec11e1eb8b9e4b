"""What one sentence says of attributes, form by form."""

from __future__ import annotations

import pytest

from thinkrec.claims.attribute_sentence import AttributeClaim, SentenceParser
from thinkrec.claims.attribute_words import SentenceTokenizer

A, B = "\u27e60\u27e7", "\u27e61\u27e7"
TOKENIZER = SentenceTokenizer(["sea", "war", "jazz"])


def parse_sentence(sentence: str) -> SentenceParser:
    return SentenceParser(TOKENIZER.tokenize(sentence), 0, (None,), False)


def read_claims(sentence: str) -> set[tuple[str, bool, tuple[int | None, ...]]]:
    """(attribute, denied, of which titles; None is the target)."""
    return {(claim.attribute, claim.is_negated, claim.citations) for claim in parse_sentence(sentence).read_claims()}


@pytest.mark.parametrize(
    ("sentence", "claims"),
    [
        (f"{A} has sea.", {("sea", False, (0,))}),
        (f"{A} lacks sea and war.", {("sea", True, (0,)), ("war", True, (0,))}),
        (f"{A} does not have sea.", {("sea", True, (0,))}),
        (f"It shares sea with {A}.", {("sea", False, (None,)), ("sea", False, (0,))}),
        (f"{A} and {B} have jazz.", {("jazz", False, (0,)), ("jazz", False, (1,))}),
        (f"{A} has sea, but {B} lacks it.", {("sea", False, (0,))}),
        ("They liked the sound.", set()),
    ],
)
def test_claims_of_a_sentence(sentence: str, claims: set) -> None:
    assert read_claims(sentence) == claims


def test_a_claim_is_correct_where_every_title_has_it() -> None:
    sea, none = frozenset({"sea"}), frozenset[str]()

    def build_claim(negated: bool, *keywords: frozenset[str], known: bool = True) -> AttributeClaim:
        return AttributeClaim("sea", negated, keywords, 0, 3, 3, known, (0,), 0)

    assert build_claim(False, sea).is_correct and not build_claim(True, sea).is_correct
    assert build_claim(True, none).is_correct and not build_claim(False, none).is_correct
    assert not build_claim(False, sea, none).is_correct, "it is said of both"
    assert build_claim(True, sea, none).is_correct, "one of them lacks it"
    assert not build_claim(True, none, known=False).is_correct, "what nobody has is not so"


def test_what_an_unfinished_sentence_asks_for() -> None:
    expected = parse_sentence(f"{A} brings").find_expected_attribute()
    assert expected is not None and expected[:2] == ((0,), False)
    lacking = parse_sentence(f"{A} lacks sea and").find_expected_attribute()
    assert lacking is not None and lacking[1] is True
    assert parse_sentence(f"{A} was loved").find_expected_attribute() is None
    pending = parse_sentence(f"{A} shares sea with").find_pending_attributes()
    assert pending is not None
    assert [TOKENIZER.tokenize(f"{A} shares sea with")[place].text for place in pending[0]] == ["sea"]
    assert parse_sentence(f"{A} has sea").find_pending_attributes() is None
