"""Answer words: which next tokens mean that the user would like an item, and which that they would not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from thinkrec.errors import RecipeError

Pooling = Literal["logsumexp", "mean"]


@dataclass(frozen=True)
class AnswerWords:
    """Pairs of words, each one for and one against: a verbaliser."""

    pairs: tuple[tuple[str, str], ...]
    """(positive, negative); the first pair is what a written verdict says."""
    pooling: Pooling = "logsumexp"
    """A class's logit from those of its words: logsumexp, so the logit of their summed probability, or their mean."""


@dataclass(frozen=True)
class AnswerIds:
    """The token ids of answer words, as many of each class."""

    positive: tuple[int, ...]
    """Tokens that say the item would be liked; the first one is written as a label or a verdict."""
    negative: tuple[int, ...]
    """Their opposites, in the same order."""
    pooling: Pooling = "logsumexp"
    """See `AnswerWords`."""

    @property
    def written_pair(self) -> tuple[int, int]:
        """The positive and the negative token that are written."""
        return self.positive[0], self.negative[0]

    def get_label_ids(self) -> np.ndarray:
        """int32 (2,): the token that is written for label 0 and for label 1."""
        return np.array([self.negative[0], self.positive[0]], dtype=np.int32)


def find_answer_ids(words: AnswerWords, tokenizer: Any, name: str = "this backbone") -> AnswerIds:
    """The tokens of those pairs whose words are both single tokens for `tokenizer`.

    All words have the same form, with or without a leading space, or their logits would differ for a reason that is no
    opinion; pairs stay together, or a class with more words would be the likelier one.

    Args:
        words: The pairs.
        tokenizer: Of Transformers.
        name: What to call the backbone in messages.

    Raises:
        RecipeError: Where no pair has two tokens of its own.
    """
    for space in (" ", ""):
        ids = [_encode_pair(tokenizer, space, pair) for pair in words.pairs]
        pairs = [pair for pair in ids if pair is not None]
        if pairs:
            positive, negative = zip(*pairs, strict=True)
            return AnswerIds(positive, negative, words.pooling)
    wanted = ", or for ".join(f"{positive} and {negative}" for positive, negative in words.pairs)
    raise RecipeError(
        f"the tokenizer of {name} has no single tokens for {wanted} (with or without a leading space); "
        "scores compare these two tokens, so use a backbone that has them"
    )


def drop_verdict(reason: str) -> str:
    """The reason behind its verdict, which is the label's own token.

    >>> drop_verdict("Yes. Because it is slow.")
    '. Because it is slow.'
    """
    return "." + reason.partition(".")[2]


def _encode_pair(tokenizer: Any, space: str, pair: tuple[str, str]) -> tuple[int, int] | None:
    """The two tokens of a pair; None where a word is several tokens or unknown, or both are the same."""
    encoded = [tokenizer.encode(space + word, add_special_tokens=False) for word in pair]
    if any(len(ids) != 1 or ids[0] == tokenizer.unk_token_id for ids in encoded) or encoded[0] == encoded[1]:
        return None
    return encoded[0][0], encoded[1][0]
