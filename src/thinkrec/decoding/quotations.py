"""Titles in quotes, byte by byte: what may stand, and how much of it a vocabulary can spell."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache

from thinkrec.decoding.vocabulary import TokenVocabulary

QUOTES = {"'": "'", "\u2018": "\u2019", "\u2019": "\u2019", '"': '"', "\u201c": "\u201d"}
"""Opening quote -> closing quote."""
MARKS = frozenset(QUOTES) | frozenset(QUOTES.values())
"""Every character that opens or closes a quotation."""


@dataclass(frozen=True, eq=False)
class QuotedTitles:
    """What may stand between quotes: every title in every kind of them, as bytes."""

    complete_quotations: frozenset[bytes]
    reachable_prefixes: frozenset[bytes]
    """Unfinished quotations from which the vocabulary can reach an end."""

    @classmethod
    def from_titles(cls, words: TokenVocabulary, titles: Iterable[str]) -> QuotedTitles:
        """Of titles without quotes."""
        found = [quote_title(words, title) for title in titles if title]
        return cls(
            frozenset(end for t in found for end in t.complete_quotations),
            frozenset(text for t in found for text in t.reachable_prefixes),
        )

    @cached_property
    def prefixes(self) -> frozenset[bytes]:
        """All unfinished quotations."""
        return frozenset(text[:n] for text in self.complete_quotations for n in range(1, len(text)))


@lru_cache(maxsize=4096)
def quote_title(words: TokenVocabulary, title: str) -> QuotedTitles:
    """One title in every kind of quotes."""
    ends = frozenset(f"{opening}{title}{closing}".encode() for opening, closing in QUOTES.items())
    return QuotedTitles(ends, frozenset(prefix for text in ends for prefix in _find_spellable_prefixes(words, text)))


def _find_spellable_prefixes(words: TokenVocabulary, text: bytes) -> set[bytes]:
    good = {len(text)}
    for n in range(len(text) - 1, 0, -1):
        steps = range(1, min(len(text) - n, words.max_piece_bytes) + 1)
        if any(n + k in good and text[n : n + k] in words.ids_by_piece for k in steps):
            good.add(n)
    return {text[:n] for n in good if n < len(text)}
