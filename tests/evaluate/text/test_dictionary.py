"""Words that are in no dictionary and in no item."""

from __future__ import annotations

import random
import sys

import numpy as np
import pytest

from thinkrec.errors import ThinkRecError
from thinkrec.evaluate.text.dictionary import (
    Dictionary,
    compute_unknown_words,
    load_dictionary,
    normalise_word,
    split_dictionary_words,
)

WORDS = "the a of and film star color center story stop hope make happy quick leaf wolf great co don't"
SPELLINGS = """
organise organised colour theatre catalogue travelled jewellery cosy pyjamas sceptical manoeuvre cheque aeroplane ageing
humour neighbour analyse dialogue grey plough mould organize color theater traveled gray mold well-made half-hearted
they're doesn't heroine's moviegoers' widely happiest
"""
SMALL = Dictionary(frozenset(WORDS.split()), "mine")


@pytest.fixture(scope="module")
def english() -> Dictionary:
    return load_dictionary()


def test_shares_by_hand() -> None:
    texts = ["the film and a storyx", "The films' STORY", "", "1999 ...", "x"]
    shares, unknown = compute_unknown_words(texts, SMALL)
    np.testing.assert_allclose(shares, [1 / 4, 0, np.nan, np.nan, np.nan])
    assert dict(unknown) == {"storyx": 1}, "the single letter is no word"
    assert compute_unknown_words(["storyx storyx film"], SMALL)[1]["storyx"] == 2


@pytest.mark.parametrize(
    "word",
    ["films", "stories", "stopped", "hoping", "happiest", "quickly", "leaves", "wolves", "maker", "makers", "happily"],
)
def test_inflected_words_are_known(word: str) -> None:
    assert SMALL.has_word(word)


@pytest.mark.parametrize("word", ["filmial", "starx", "coming", "hopy", "ands", "stopp", "greatous", "costory"])
def test_words_that_only_look_alike_are_not(word: str) -> None:
    assert not SMALL.has_word(word)


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("film's", True),
        ("film’s", True),
        ("stars'", True),
        ("co-star", True),
        ("non-film", True),
        ("film-storyx", False),
        ("story-film-star", True),
        ("don't", True),
        ("film‑star", True),
        ("fi-lm", True),  # a word broken at its end
        ("filmx's", False),
    ],
)
def test_possessives_and_hyphens(text: str, known: bool) -> None:
    assert all(map(SMALL.has_word, split_dictionary_words(text))) is known


@pytest.mark.parametrize("word", ["colour", "colours", "coloured", "centre"])
def test_british_spellings_of_american_words(word: str) -> None:
    assert SMALL.has_word(word)


def test_british_and_american_words_are_in_the_dictionary(english: Dictionary) -> None:
    words = split_dictionary_words(SPELLINGS)
    assert len(words) == 35
    assert [word for word in words if not english.has_word(word)] == []


def test_invented_words_are_not(english: Dictionary) -> None:
    words = "moralial filmity sympost badic plotment slowhood dramaticism unfilmic"
    assert compute_unknown_words([words], english)[0][0] == 1
    # Most words made of the halves of two others are no words: so random letters do not pass for English.
    pool = sorted(word for word in english.words if 7 <= len(word) <= 10 and word.isalpha() and word.isascii())
    rng = random.Random(0)
    pairs = [rng.sample(pool, 2) for _ in range(2000)]
    halves = [first[: len(first) // 2] + second[len(second) // 2 :] for first, second in pairs]
    assert sum(map(english.has_word, halves)) / len(halves) < 0.1


def test_words_of_items_are_known() -> None:
    extended = SMALL.extend(["Zorblax: the Quarn-Vex story", "neo-noir"])
    for word in ("zorblax", "zorblax's", "quarn", "quarn-vex", "noir"):
        assert extended.has_word(word) and not SMALL.has_word(word)
    assert extended.name == SMALL.name and SMALL.words < extended.words


def test_words_are_compared_without_case_accents_and_kinds_of_apostrophe() -> None:
    assert normalise_word("Naïve’s") == "naive's"
    assert normalise_word("AMÉLIE") == "amelie"
    assert split_dictionary_words("Rocky II, XIV and civil I") == ["rocky", "and", "civil"]
    assert split_dictionary_words("'Tis a film-maker's 2nd") == ["tis", "film-maker's", "nd"]


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "spellchecker", None)
    with pytest.raises(ThinkRecError, match=r'pip install "thinkrec\[text\]"'):
        load_dictionary()
