"""Titles in a text whose citations are free: they are found, not constrained."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np

from thinkrec.data.titles import format_title_mark
from thinkrec.decoding.quotations import QUOTES
from thinkrec.decoding.vocabulary import TokenVocabulary

_OPENING = re.compile(rf"(?<!\w)[{''.join(QUOTES)}](?=[^\W_])")
"""A quote before a letter or digit and not behind one; of these, one before a capital or digit opens a title."""
_STRIP_MARKS = {0x27E6: " ", 0x27E7: " "}


class FreeCitations:
    """Reads citations as `CitationConstraint` does, and lets every token follow.

    A title is what stands in quotes and begins with a capital or a digit: a given title to its end, else anything up to
    the next closing quote of its kind that no letter or digit follows. Such a title may hold an apostrophe before an s
    only where it is given, so that "'Schindler's List'" is one title.
    """

    def __init__(self, vocabulary: TokenVocabulary, titles: Iterable[str] = ()) -> None:
        """A reader that knows `titles`, without quotes."""
        self.vocabulary = vocabulary
        known = sorted(filter(None, titles), key=len, reverse=True)
        ends = [
            rf"{re.escape(opening)}(?:{'|'.join(map(re.escape, known)) or '(?!)'}){re.escape(closing)}"
            for opening, closing in QUOTES.items()
        ]
        others = [
            rf"{re.escape(opening)}(?=[A-Z0-9])[^{re.escape(opening + closing)}.;!?]*{re.escape(closing)}"
            for opening, closing in QUOTES.items()
        ]
        self._title_pattern = re.compile(rf"(?<!\w)(?:{'|'.join(ends + others)})(?!\w)")

    def is_allowed(self, ids: Sequence[int], token: int) -> bool:
        """Whether the token is one of the vocabulary."""
        return token < len(self.vocabulary)

    def allowed_token_ids(self, ids: Sequence[int]) -> np.ndarray | None:
        """None: all tokens may follow."""
        return None

    def is_in_quotation(self, ids: Sequence[int]) -> bool:
        """Whether the text so far ends within a title: behind an opening quote, a capital and no sentence's end."""
        text = self.decode_marked(ids)
        openings = list(_OPENING.finditer(text))
        if not openings:
            return False
        begun = text[openings[-1].end() :]
        return (begun[0].isupper() or begun[0].isdigit()) and not re.search(r"[.;!?]", begun)

    def decode_marked(self, ids: Sequence[int]) -> str:
        """The text so far with every title exchanged for a number in marks, the same for the same title."""
        return self.mark_titles(self.vocabulary.decode_bytes(ids).decode(errors="replace"))

    def mark_titles(self, text: str) -> str:
        """The same for a text."""
        numbers: dict[str, int] = {}
        return self._title_pattern.sub(
            lambda match: format_title_mark(numbers.setdefault(match[0][1:-1], len(numbers))),
            text.translate(_STRIP_MARKS),
        )

    def request_replacement(
        self, ids: Sequence[int], citation: int, polarity: int, keywords: frozenset[str] = frozenset()
    ) -> int | None:
        """None: no title is exchanged for another."""
        return None

    def drop_replacements(self, n_citations: int) -> None:
        """Nothing: there are none."""
