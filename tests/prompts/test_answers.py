"""Answer words as tokens: pairs stay together, in one form, and a word of several tokens counts for nothing."""

from __future__ import annotations

import pytest
from support.tiny_lm import make_tokenizer

from thinkrec.errors import RecipeError
from thinkrec.prompts.answers import AnswerIds, AnswerWords, find_answer_ids

WORDS = ["<pad>", "<bos>", "<eos>", "<unk>", " good", " bad", "great", "poor", " great", "Yes", "No", " Yes"]


def find_ids(*pairs: tuple[str, str]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    answers = find_answer_ids(AnswerWords(pairs), make_tokenizer(WORDS))
    return answers.positive, answers.negative


def test_words_have_a_leading_space_where_the_tokenizer_knows_them_so() -> None:
    assert find_ids(("good", "bad")) == ((4,), (5,))
    assert find_ids(("Yes", "No")) == ((9,), (10,)), "' No' is not known, so that neither word has the space"


def test_a_pair_of_which_one_word_is_unknown_is_left_out_whole() -> None:
    assert find_ids(("good", "bad"), ("great", "poor")) == ((4,), (5,))
    assert find_ids(("great", "poor"), ("Yes", "No")) == ((6, 9), (7, 10))


def test_no_pair_of_single_tokens_is_refused() -> None:
    with pytest.raises(
        RecipeError, match="the tokenizer of tiny has no single tokens for fine and dull, or for good and good"
    ):
        find_answer_ids(AnswerWords((("fine", "dull"), ("good", "good"))), make_tokenizer(WORDS), "tiny")


def test_what_is_written_is_the_first_pair() -> None:
    answers = AnswerIds((6, 9), (7, 10))
    assert answers.written_pair == (6, 7)
    assert answers.get_label_ids().tolist() == [7, 6], "label 0 is the negative word"
