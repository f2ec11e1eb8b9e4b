"""The wealth of words of a system: distinct content words per 1,000 words, over all its rows together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from thinkrec.evaluate.text.words import select_long_words, split_words

PER = 1000
POLICY = (
    "different words of four letters or more / words x 1,000, over all rows together, without case, titles ({}) left "
    "out. It falls with the amount of text: compare it on the same rows alone. Interval: every draw weighs what "
    "leaving a user out changes, since a user who is drawn twice brings no new word"
)
SHARE_POLICY = "distinct words / those of the references on the same rows and draws"


@dataclass(frozen=True)
class WordUse:
    """What is counted of each row's text."""

    words: np.ndarray
    """int64 (n,): words of each text."""
    distinct: tuple[frozenset[str], ...]
    """n sets: the different content words of each text."""


def count_word_use(texts: Sequence[str]) -> WordUse:
    """Counts of texts without their titles; an empty text has no words."""
    words = [split_words(text) for text in texts]
    size = np.array([len(row) for row in words], dtype=np.int64)
    return WordUse(size, tuple(frozenset(select_long_words(row)) for row in words))


def compute_distinct_words(use: WordUse) -> float:
    """Distinct content words per 1,000 words over all rows; NaN without any word.

    >>> compute_distinct_words(count_word_use(["a slow film", "the slow sea of a film"]))     # slow, film of 9 words
    222.22222222222223
    """
    total = int(use.words.sum())
    return PER * len(frozenset().union(*use.distinct)) / total if total else float("nan")


def compute_user_influence(use: WordUse, code: np.ndarray, n_users: int) -> np.ndarray:
    """What each user adds to the distinct words per 1,000, float64 (n_users,), by leaving one out.

    With `value` of all rows and `without` of those of the other users it is (n_users - 1) (value - without). A draw
    with multiplicities t is then value + sum((t - 1) influence) / n_users: the linear bootstrap of a jackknife (Heltshe
    and Forrester, Biometrics 1983, have its variance for numbers of species). Drawing texts themselves would not do: a
    copy adds words and no new one, so that every draw would lie below the value. `code`, int64 (n,), is each row's
    user. NaN where a user has all words; 0 for a single user, with whom nothing varies.
    """
    if n_users == 1:
        return np.zeros(1)
    owner: dict[str, int] = {}
    for user, words in zip(code.tolist(), use.distinct, strict=True):
        for word in words:
            owner[word] = user if owner.get(word, user) == user else -1
    own = np.zeros(n_users, dtype=np.int64)
    for user in owner.values():
        if user >= 0:
            own[user] += 1
    words = np.bincount(code, weights=use.words, minlength=n_users)
    rest = words.sum() - words
    without = np.divide(PER * (len(owner) - own), rest, out=np.full(n_users, np.nan), where=rest > 0)
    return (n_users - 1) * (compute_distinct_words(use) - without)
