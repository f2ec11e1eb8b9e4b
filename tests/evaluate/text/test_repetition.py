"""Repeated 4-grams, and the words that these metrics count."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thinkrec.claims.citations import Citation
from thinkrec.evaluate.text.repetition import compute_repeated_ngrams
from thinkrec.evaluate.text.words import remove_titles, select_long_words, split_words


def test_a_text_without_repeats_has_none_and_a_loop_nearly_all() -> None:
    shares = compute_repeated_ngrams(["one two three four five six", "a film and " * 20])
    # 60 words have 57 sequences, of which three differ.
    assert shares.tolist() == [0, pytest.approx(54 / 57)]


def test_by_hand() -> None:
    # Sequences: abcd bcda cdab dabc abcd bcde; the fifth stands earlier.
    assert compute_repeated_ngrams(["a b c d a b c d e"]).tolist() == [pytest.approx(1 / 6)]
    assert compute_repeated_ngrams(["A b, c D. a B c d: e"]).tolist() == [pytest.approx(1 / 6)], "case, punctuation"


@pytest.mark.parametrize(("text", "share"), [("", np.nan), ("?! ...", np.nan), ("a b c", np.nan), ("a b c d", 0.0)])
def test_short_texts_have_no_value(text: str, share: float) -> None:
    np.testing.assert_array_equal(compute_repeated_ngrams([text]), [share])


@given(st.lists(st.sampled_from("abc"), min_size=4, max_size=40))
def test_it_counts_what_stands_earlier(words: list[str]) -> None:
    sequences = [tuple(words[i : i + 4]) for i in range(len(words) - 3)]
    again = sum(sequences[i] in sequences[:i] for i in range(len(sequences)))
    assert compute_repeated_ngrams([" ".join(words)])[0] == pytest.approx(again / len(sequences))
    assert again == sum(count - 1 for count in Counter(sequences).values())


def test_words_are_letters_and_digits_in_any_script() -> None:
    assert split_words("«Война и мир», 1869!") == ["война", "и", "мир", "1869"]
    assert split_words("") == split_words("...") == []
    assert select_long_words(["1869", "war", "peace", "b2b4", "война"]) == ["peace", "война"]


def test_titles_are_taken_out_where_they_stand() -> None:
    text = "As 'The Sea' is, so 'War' is."
    titles = [Citation(20, 25, "War", "target"), Citation(3, 12, "The Sea", "catalogue")]
    assert split_words(remove_titles(text, titles)) == ["as", "is", "so", "is"]
    assert remove_titles(text, []) == text
    assert split_words(remove_titles("a'B'c", [Citation(1, 4, "B", "target")])) == ["a", "c"], "no words meet"
