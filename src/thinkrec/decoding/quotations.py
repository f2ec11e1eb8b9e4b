"""Quoted titles as bytes, and the prefixes of them that a vocabulary can spell to the end."""

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
    """Allowed quotations: every title in every kind of quotes, as bytes."""

    complete_quotations: frozenset[bytes]
    reachable_prefixes: frozenset[bytes]
    """Unfinished quotations from which the vocabulary can reach an end."""

    @classmethod
    def from_titles(cls, vocabulary: TokenVocabulary, titles: Iterable[str]) -> QuotedTitles:
        """Quotations of titles that are given without quotes."""
        quoted = [quote_title(vocabulary, title) for title in titles if title]
        return cls(
            frozenset(end for t in quoted for end in t.complete_quotations),
            frozenset(text for t in quoted for text in t.reachable_prefixes),
        )

    @cached_property
    def prefixes(self) -> frozenset[bytes]:
        """All unfinished quotations."""
        return frozenset(text[:n] for text in self.complete_quotations for n in range(1, len(text)))


@lru_cache(maxsize=4096)
def quote_title(vocabulary: TokenVocabulary, title: str) -> QuotedTitles:
    """One title in every kind of quotes."""
    ends = frozenset(f"{opening}{title}{closing}".encode() for opening, closing in QUOTES.items())
    return QuotedTitles(
        ends, frozenset(prefix for text in ends for prefix in _find_spellable_prefixes(vocabulary, text))
    )


def _find_spellable_prefixes(vocabulary: TokenVocabulary, text: bytes) -> set[bytes]:
    spellable = {len(text)}
    for n in range(len(text) - 1, 0, -1):
        steps = range(1, min(len(text) - n, vocabulary.max_piece_bytes) + 1)
        if any(n + k in spellable and text[n : n + k] in vocabulary.ids_by_piece for k in steps):
            spellable.add(n)
    return {text[:n] for n in spellable if n < len(text)}
