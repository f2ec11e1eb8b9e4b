"""Cleaning: no HTML, no stop words, no repeats, a fixed order."""

from __future__ import annotations

import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from thinkrec.data.columns import KEYWORD_LIMIT, clean_keywords
from thinkrec.keywords.clean import (
    STOP_WORDS,
    clean_phrase,
    clean_phrases,
    normalise_words,
    singularise_word,
    strip_html,
)

WORDS = st.sampled_from(["ghost", "towns", "The", "of", "Mars", "1984", "<b>war</b>", "a", "boy's", "sci-fi", "Boxes"])
PHRASES = st.lists(st.lists(WORDS, min_size=1, max_size=4).map(" ".join), max_size=12)
ANY_PHRASES = st.lists(st.text(max_size=30), max_size=8)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("<p>Deep &amp; dark</p><p>sea</p>", "Deep & dark sea"),
        ("<script>var a = '<b>';</script>A <br/>b", "A b"),
        ("<!-- hidden --><STYLE>p {}</STYLE>kept", "kept"),
        ("&lt;b&gt; is a tag", "<b> is a tag"),
        ("a < b > c", "a < b > c"),
        ("one\n\n  two\u00a0three ", "one\ntwo three"),
        (None, ""),
    ],
)
def test_html_goes_and_the_words_stay(text: str | None, plain: str) -> None:
    assert strip_html(text) == plain


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("the act of charity", "act of charity"),
        ("and the", ""),
        ("1984", ""),
        ("a", ""),
        ("“film noir”.", "film noir"),
        ("boy's toys|cars, planes", "boy toys cars planes"),
        ("<em>slow burn</em>", "slow burn"),
        ("愛", "愛"),
        ("x" * 200, "x" * KEYWORD_LIMIT),
    ],
)
def test_a_phrase_becomes_a_keyword(raw: str, clean: str) -> None:
    assert clean_phrase(raw) == clean


def test_stop_words_of_other_languages_are_not_guessed() -> None:
    assert clean_phrase("der die das") == "der die das"
    assert clean_phrase("an der See", language="de") == "an der See"
    assert clean_phrase("the sea", language="de") == "the sea"


@pytest.mark.parametrize(
    "pair",
    [
        ("Ghost Towns", "ghost town"),
        ("story", "Stories"),
        ("sci-fi", "sci fi"),
        ("witch", "witches"),
        ("Boss", "bosses"),
        ("a boy's life", "boy life a"),
    ],
)
def test_two_ways_of_saying_the_same(pair: tuple[str, str]) -> None:
    assert normalise_words(pair[0]) == normalise_words(pair[1])


@pytest.mark.parametrize("word", ["chess", "bus", "tennis", "news", "gas", "loss"])
def test_words_that_are_no_plurals_stay_apart_from_shorter_ones(word: str) -> None:
    assert singularise_word(word) == word


def test_kept_ones_stand_in_front_and_are_never_cut() -> None:
    keep = ("Drama", "Comedy", "War")
    assert clean_phrases(["dramas", "heist", "sea"], max_keywords=4, keep=keep) == (*keep, "heist")
    assert clean_phrases(["heist"], max_keywords=2, keep=keep) == keep


def test_what_only_repeats_the_title_is_left_out() -> None:
    assert clean_phrases(["Toy Story", "toys", "toy shop"], max_keywords=9, title="Toy Story (1995)") == ("toy shop",)


@given(PHRASES, st.integers(1, 6))
def test_cleaned_keywords_hold_no_repeats_and_no_stop_words(phrases: list[str], most: int) -> None:
    found = clean_phrases(phrases, max_keywords=most)
    assert len(found) <= most
    assert found == clean_phrases(phrases, max_keywords=most)
    said = [normalise_words(phrase) for phrase in found]
    assert not any(b <= a for i, a in enumerate(said) for b in said[i + 1 :])
    for phrase in found:
        assert phrase.split()[0].lower() not in STOP_WORDS
        assert phrase.split()[-1].lower() not in STOP_WORDS
        assert any(letter in string.ascii_letters for letter in phrase)
        assert "<b>" not in phrase


@given(ANY_PHRASES)
def test_keywords_survive_the_items_table_as_they_are(phrases: list[str]) -> None:
    found = clean_phrases(phrases, max_keywords=20)
    assert clean_keywords(list(found)) == found
    if found:
        assert clean_keywords("|".join(found)) == found


@example(["B ' 0"])
@given(ANY_PHRASES)
def test_cleaning_twice_changes_nothing(phrases: list[str]) -> None:
    found = clean_phrases(phrases, max_keywords=20)
    assert clean_phrases(found, max_keywords=20) == found
