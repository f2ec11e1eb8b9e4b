"""Which bytes may stand between quotes, and from where the vocabulary can still reach the end."""

from __future__ import annotations

import pytest
from support.tiny_lm import make_tokenizer

from thinkrec.decoding.quotations import MARKS, QUOTES, QuotedTitles, quote_title
from thinkrec.decoding.vocabulary import TokenVocabulary, build_vocabulary


@pytest.fixture(scope="module")
def words() -> TokenVocabulary:
    return build_vocabulary(make_tokenizer())


def find_reachable(words: TokenVocabulary, text: bytes) -> set[bytes]:
    """Prefixes from which some sequence of pieces ends exactly where the text does, by trying all."""
    pieces = [piece for piece in words.ids_by_piece if piece]

    def reaches(n: int) -> bool:
        return n == len(text) or any(text.startswith(piece, n) and reaches(n + len(piece)) for piece in pieces)

    return {text[:n] for n in range(1, len(text)) if reaches(n)}


def test_a_title_stands_in_every_kind_of_quotes(words: TokenVocabulary) -> None:
    quoted = quote_title(words, "Oak")
    assert quoted.complete_quotations == {f"{a}Oak{b}".encode() for a, b in QUOTES.items()}
    assert all(mark in MARKS for pair in QUOTES.items() for mark in pair)


@pytest.mark.parametrize("title", ["w1 w2", "w1", "No w3 Yes", "xyz"])
def test_prefixes_are_those_from_which_an_end_can_be_spelled(words: TokenVocabulary, title: str) -> None:
    quoted = quote_title(words, title)
    expected = set().union(*(find_reachable(words, text) for text in quoted.complete_quotations))
    assert quoted.reachable_prefixes == expected


def test_several_titles_are_the_union_of_each(words: TokenVocabulary) -> None:
    both = QuotedTitles.from_titles(words, ["w1 w2", "", "w3"])
    parts = [quote_title(words, "w1 w2"), quote_title(words, "w3")]
    assert both.complete_quotations == parts[0].complete_quotations | parts[1].complete_quotations
    assert both.reachable_prefixes == parts[0].reachable_prefixes | parts[1].reachable_prefixes
    assert both.prefixes == {text[:n] for text in both.complete_quotations for n in range(1, len(text))}
