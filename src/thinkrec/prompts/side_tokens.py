"""Which tokens of a reason decide on which side a title stands, so that they can weigh more in training.

A reason of a hundred tokens has some ten of them: the words that say liked or disliked, and the first token of a quoted
title, where one of the shown titles is chosen. The rest of a title is copied.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from thinkrec.claims.cue_reader import find_cues
from thinkrec.errors import RecipeError

_SENTENCE = re.compile(r"[^.!?]+[.!?]*")
_OPENING_QUOTE = re.compile(r"(?<![^\W_])['\u2018\"\u201c](?=[^\W_])")


def find_side_spans(text: str) -> list[tuple[int, int]]:
    """(start, end) of the words that say liked or disliked, and of the first character of each quoted name."""
    spans = [(quote.end(), quote.end() + 1) for quote in _OPENING_QUOTE.finditer(text)]
    for sentence in _SENTENCE.finditer(text):
        start = sentence.start()
        spans += [(start + cue.start, start + cue.end) for cue in find_cues(sentence.group()) if not cue.is_weak]
    return sorted(spans)


def weigh_side_tokens(tokenizer: Any, text: str, side_weight: float) -> np.ndarray:
    """float32 (n,): the weight of each token of `text`, `side_weight` for those that `find_side_spans` touches, else 1.

    Raises RecipeError for a tokenizer that does not say which characters a token stands for.
    """
    try:
        coded = tokenizer(text, add_special_tokens=False, split_special_tokens=True, return_offsets_mapping=True)
    except NotImplementedError as error:
        raise RecipeError(
            "model.reasons.side_weight needs a fast tokenizer, one that says which characters a token stands for, and"
            f" this backbone has {type(tokenizer).__name__}; set side_weight: 1, or add a tokenizer.json to the folder"
        ) from error
    offsets = np.asarray(coded["offset_mapping"], dtype=np.int64).reshape(-1, 2)
    weights = np.ones(len(offsets), dtype=np.float32)
    for start, end in find_side_spans(text):
        weights[(offsets[:, 0] < end) & (offsets[:, 1] > start)] = side_weight
    return weights
