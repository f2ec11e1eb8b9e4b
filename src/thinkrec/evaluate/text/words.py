"""Words of a text as the metrics of texts by themselves count them, and the text without its titles."""

from __future__ import annotations

from collections.abc import Sequence

from thinkrec.claims.citations import Citation
from thinkrec.evaluate.text.tokenization import split_word_tokens

SHORTEST = 4
"""Letters of the shortest content word."""


def split_words(text: str) -> list[str]:
    """Runs of letters and digits without case, as `split_word_tokens` has them; a text of marks alone has none.

    >>> split_words("It's a film: a slow, slow film!")
    ['it', 's', 'a', 'film', 'a', 'slow', 'slow', 'film']
    >>> split_words("?!")
    []
    """
    return [word for word in split_word_tokens(text) if any(map(str.isalnum, word))]


def select_long_words(words: Sequence[str]) -> list[str]:
    """Those of letters alone that have four letters or more.

    >>> select_long_words(split_words("A slow film of 1999 by the sea"))
    ['slow', 'film']
    """
    return [word for word in words if len(word) >= SHORTEST and word.isalpha()]


def remove_titles(text: str, citations: Sequence[Citation]) -> str:
    """The text with a line break in place of every citation, so that no words meet that stood apart."""
    pieces, end = [], 0
    for citation in sorted(citations, key=lambda citation: citation.start):
        pieces.append(text[end : citation.start])
        end = max(end, citation.end)
    return "\n".join([*pieces, text[end:]])
