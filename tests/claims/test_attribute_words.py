"""A sentence as letters: which word is a title, which a keyword, and which says of what it is said."""

from __future__ import annotations

import pytest

from thinkrec.claims.attribute_words import SentenceTokenizer

TITLE = "\u27e63\u27e7"


@pytest.fixture(scope="module")
def tokenizer() -> SentenceTokenizer:
    return SentenceTokenizer(["sea", "deep sea", "fast-paced", "war"])


@pytest.mark.parametrize(
    ("sentence", "kinds"),
    [
        (f"{TITLE} shares the deep sea with {TITLE}.", "TsrKWT."),
        (f"Like {TITLE}, it has war and jazz.", "LT,ihK&w."),
        (f"{TITLE}'s sea", "TzK"),
        ("neither sea nor war", "NK|K"),
        ("it lacks the fast-paced seas", "ilrKw"),
        ("it does not have it in common", "idnhic"),
        ("warfare", "w"),
    ],
)
def test_each_word_gets_its_letter(tokenizer: SentenceTokenizer, sentence: str, kinds: str) -> None:
    assert "".join(token.kind for token in tokenizer.tokenize(sentence)) == kinds


def test_tokens_bear_their_place_and_small_letters(tokenizer: SentenceTokenizer) -> None:
    sentence = f"Deep Sea of {TITLE}"
    tokens = tokenizer.tokenize(sentence)
    assert [sentence[token.start : token.end].lower() for token in tokens] == [token.text for token in tokens]
    assert tokens[0].text == "deep sea", "the longest keyword counts"


def test_without_keywords_there_are_none() -> None:
    assert [token.kind for token in SentenceTokenizer([]).tokenize("has sea")] == ["h", "w"]
