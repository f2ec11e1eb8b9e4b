"""Repeated word sequences within a text: what a language model that runs in a loop writes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from thinkrec.evaluate.text.words import split_words

ORDER = 4
"""Words of a sequence."""
POLICY = (
    "word 4-grams of a text that stand earlier in the same text / all its word 4-grams (1 - distinct / all), without "
    "case, titles included; not defined for texts of fewer than 4 words; mean over the other rows"
)


def compute_repeated_ngrams(texts: Sequence[str]) -> np.ndarray:
    """Share of each text's word 4-grams that occur earlier in it, float64 (n,), 0..1; NaN below four words.

    With w words a text has w - 3 sequences; of d different ones the share is 1 - d / (w - 3).

    >>> compute_repeated_ngrams(["a moral and a moral and a moral", "a slow film", "one two three four"]).tolist()
    [0.4, nan, 0.0]
    """
    shares = np.full(len(texts), np.nan)
    for row, text in enumerate(texts):
        words = split_words(text)
        n_grams = len(words) - ORDER + 1
        if n_grams > 0:
            distinct = {tuple(words[start : start + ORDER]) for start in range(n_grams)}
            shares[row] = (n_grams - len(distinct)) / n_grams
    return shares
