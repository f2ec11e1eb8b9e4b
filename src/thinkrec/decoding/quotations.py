"""Titles in quotes, byte by byte: what may stand, and how much of it a vocabulary can spell."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache

from thinkrec.decoding.vocabulary import Vocabulary

QUOTES = {"'": "'", "\u2018": "\u2019", "\u2019": "\u2019", '"': '"', "\u201c": "\u201d"}
"""Opening quote -> closing quote."""
MARKS = frozenset(QUOTES) | frozenset(QUOTES.values())
"""Every character that opens or closes a quotation."""


@dataclass(frozen=True, eq=False)
class Quotations:
    """What may stand between quotes: every title in every kind of them, as bytes."""

    ends: frozenset[bytes]
    alive: frozenset[bytes]
    """Unfinished quotations from which the vocabulary can reach an end."""

    @classmethod
    def of(cls, words: Vocabulary, titles: Iterable[str]) -> Quotations:
        """Of titles without quotes."""
        found = [quotations(words, title) for title in titles if title]
        return cls(frozenset(end for t in found for end in t.ends), frozenset(text for t in found for text in t.alive))

    @cached_property
    def prefixes(self) -> frozenset[bytes]:
        """All unfinished quotations."""
        return frozenset(text[:n] for text in self.ends for n in range(1, len(text)))


@lru_cache(maxsize=4096)
def quotations(words: Vocabulary, title: str) -> Quotations:
    """One title in every kind of quotes."""
    ends = frozenset(f"{opening}{title}{closing}".encode() for opening, closing in QUOTES.items())
    return Quotations(ends, frozenset(prefix for text in ends for prefix in _spellable(words, text)))


def _spellable(words: Vocabulary, text: bytes) -> set[bytes]:
    good = {len(text)}
    for n in range(len(text) - 1, 0, -1):
        steps = range(1, min(len(text) - n, words.longest) + 1)
        if any(n + k in good and text[n : n + k] in words.ids for k in steps):
            good.add(n)
    return {text[:n] for n in good if n < len(text)}
