"""Words that a free text says only once: names and titles may be said again."""

from __future__ import annotations

import pytest

from thinkrec.decoding.backtracking import RejectionRule
from thinkrec.decoding.citations import AllowedTitle
from thinkrec.decoding.claim_rules import GroundingRules
from thinkrec.decoding.free_citations import FreeCitations
from thinkrec.decoding.repetition import NameMasker, build_repetition_rule
from thinkrec.decoding.vocabulary import TokenVocabulary

PIECES = tuple(
    piece.encode() for piece in ("", " a", " slow", " sea", " of", " Oak", " Hill", " fog", ".", "'", " '", "Oak", ",")
)
WORDS = TokenVocabulary(PIECES)
TITLES = ["Schindler's List", "Oak Hill", "Dr. Who", "Sea"]


def encode(text: str) -> list[int]:
    ids: list[int] = []
    while text:
        piece = max((p for p in PIECES if p and text.encode().startswith(p)), key=len)
        ids.append(PIECES.index(piece))
        text = text[len(piece) :]
    return ids


def feed(rule: RejectionRule, ids: list[int]) -> int:
    """Token by token; the number that is left where the first is taken back, else all."""
    for n in range(1, len(ids) + 1):
        left = rule.count_accepted(ids[:n])
        if left < n:
            return left
    return len(ids)


def test_words_in_a_row_are_taken_back_and_their_first_token_is_rejected() -> None:
    rule = build_repetition_rule(WORDS, TITLES, ["Oak Hill"], 3)
    ids = encode(" a slow sea of a slow sea of")
    assert feed(rule, ids) == 6, "the third word again, seen once it is whole"
    allowed = rule.allowed_token_ids(ids[:6])
    assert allowed is not None and PIECES.index(b" sea") not in allowed and PIECES.index(b" fog") in allowed
    assert not rule.is_allowed(ids[:6], PIECES.index(b" sea")) and rule.is_allowed(ids[:6], PIECES.index(b" fog"))
    assert not rule.is_allowed([], len(PIECES)), "no token beyond the vocabulary"
    assert feed(build_repetition_rule(WORDS, TITLES, [], 4), encode(" a slow sea of a slow sea,.")) == 9


@pytest.mark.parametrize("name", [" 'Oak Hill'", " Oak Hill"])
def test_titles_and_the_targets_name_may_be_said_again(name: str) -> None:
    ids = encode(f"{name} a{name} slow{name}.")
    assert feed(build_repetition_rule(WORDS, TITLES, ["Oak Hill"], 2), ids) == len(ids)


def test_another_name_counts_word_by_word_without_quotes() -> None:
    ids = encode(" Oak Hill a Oak Hill.")
    assert feed(build_repetition_rule(WORDS, TITLES, ["Sea"], 2), ids) < len(ids)


def test_words_around_a_title_count_with_it() -> None:
    ids = encode(" slow 'Oak Hill' of slow 'Oak Hill' of.")
    assert feed(build_repetition_rule(WORDS, TITLES, ["Oak Hill"], 3), ids) < len(ids)


def test_free_citations_are_marked_and_unfinished_ones_noticed() -> None:
    reader = FreeCitations(WORDS, TITLES)
    mark = "\u27e6{}\u27e7".format
    assert reader.mark_titles("'Schindler's List' and 'Oak Hill', as 'Schindler's List'.") == (
        f"{mark(0)} and {mark(1)}, as {mark(0)}."
    )
    assert reader.mark_titles("'An Invented One' and \u2018Dr. Who\u2019") == f"{mark(0)} and {mark(1)}"
    assert reader.mark_titles("the viewers' 'quiet' joys") == "the viewers' 'quiet' joys", "no capital, no title"
    assert reader.mark_titles("it's 'Sea's") == "it's 'Sea's", "a quote that a letter follows does not close"
    for text, inside in ((" a 'Oak", True), (" a 'Oak Hill'", False), (" a ' slow", False), (" a 'Oak. a", False)):
        assert reader.is_in_quotation(encode(text)) is inside, text
    assert FreeCitations(WORDS).mark_titles("a 'sea' of 'Fog'") == f"a 'sea' of {mark(0)}"
    assert reader.allowed_token_ids([]) is None and reader.request_replacement([1], 0, 1) is None


def test_masked_names_are_one_word() -> None:
    masker = NameMasker(["Oak Hill", "Oak Hill: The Return", "Sea"])
    assert masker.mask_names("Oak Hill, Oak Hill: The Return and Sea") == "Oak_Hill, Oak_Hill_The_Return and Sea"
    assert NameMasker([]).mask_names("Oak Hill") == "Oak Hill"


@pytest.mark.parametrize(("n", "expected"), [(None, True), (0, False), (3, True), (5, False)])
def test_a_citation_policy_takes_the_number_too(n: int | None, expected: bool) -> None:
    rules = GroundingRules(WORDS, {"Oak Hill": AllowedTitle(1, 0)}, "history", no_repeat_ngram=n)
    ids = encode(" a slow sea of a slow sea of")
    assert (feed(rules.constraint, ids) < len(ids)) is expected


@pytest.mark.parametrize(("n", "expected"), [(None, True), (3, False)])
def test_the_targets_name_is_one_word_under_a_policy_where_the_number_was_set(n: int | None, expected: bool) -> None:
    titles = {"Oak Hill Oak Fog": AllowedTitle(0, 0, is_target=True)}
    rules = GroundingRules(WORDS, titles, "history", no_repeat_ngram=n)
    assert rules._repeats_words("Oak Hill Oak Fog a Oak Hill Oak Fog") is expected
