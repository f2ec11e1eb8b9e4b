"""METEOR (Lavie and Agarwal, 2007) as nltk counts it, with its default weights: alpha .9, beta 3, gamma .5."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from thinkrec.evaluate.text.tokenization import fold_case, split_blank_tokens
from thinkrec.evaluate.text.wordnet import require_nltk

WITH_SYNONYMS, WITHOUT_SYNONYMS = "meteor", "meteor_no_synonyms"
SHORTEST = 4
"""Tokens that a reference needs: n matches in one chunk lose 1 / (2 n^3), so that fewer stay below .99 at the best."""
POLICY = (
    "tokens split at white space (a character each in scripts without blanks), without case, exact then Porter-stem "
    "{}matches (both English); not defined for references of fewer than 4 tokens; mean over rows"
)


class NoSynonyms:
    """A stand-in for WordNet in which no word has a synonym."""

    def synsets(self, word: str) -> list[Any]:
        """Nothing."""
        return []


def compute_meteor(hypotheses: Sequence[str], references: Sequence[str], wordnet: Any | None = None) -> np.ndarray:
    """METEOR of each pair, float64 (n,), 0..1; an empty hypothesis counts 0.

    `wordnet`: a reader of `open_wordnet`; None matches without synonyms, another metric that needs another name.
    Other scripts: see `split_blank_tokens`.
    """
    require_nltk()
    from nltk.translate.meteor_score import single_meteor_score

    reader: Any = NoSynonyms() if wordnet is None else wordnet
    scores = [
        single_meteor_score(
            split_blank_tokens(reference), split_blank_tokens(hypothesis), preprocess=fold_case, wordnet=reader
        )
        for hypothesis, reference in zip(hypotheses, references, strict=True)
    ]
    return np.array(scores, dtype=np.float64)


def find_short_references(references: Sequence[str]) -> np.ndarray:
    """Whether each reference has fewer than `SHORTEST` tokens, bool (n,), so that no text reaches .99 against it."""
    return np.array([len(split_blank_tokens(reference)) < SHORTEST for reference in references], dtype=bool)
