"""Citations of a reason, each resolved to an item of the visible history, the target, the catalogue, or nothing.

A citation is a title in quotes, straight or typographic. Apostrophes inside titles ("Child's Play 2", "Singin' in the
Rain") do not end it: of all positions where the quote could close, the longest that gives a known title wins, else the
first. Names of two or more words that stand unquoted, spelled exactly, count too, but only for the history and the
target, since nobody can tell an invented unquoted title from other prose.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from thinkrec.data.titles import extract_title_names, normalise_name, split_subtitle, strip_article

Kind = Literal["history", "target", "catalogue", "nothing"]
CLOSING = {"'": "'\u2019", "\u2018": "\u2019'", "\u2019": "\u2019'", '"': '"', "\u201c": "\u201d"}
"""Opening quote -> the quotes that may close it."""
LONGEST = 120
"""Characters of the longest title looked for."""
_SERIES = re.compile(
    r"\s+(?:sequels?|films|titles|movies|series|pictures|entries|instal?lments|trilogy|cycle|franchise|saga)\b"
)
_NO_TITLE = re.compile(r"\d0s\b|[a-z]")


@dataclass(frozen=True)
class Citation:
    """One title in a reason."""

    start: int
    """First character, the quote where there is one."""
    end: int
    """Behind the last character, the quote where there is one."""
    text: str
    """As written, without quotes."""
    kind: Kind
    """What it is."""
    history_positions: tuple[int, ...] = ()
    """Positions in the visible history (0 the oldest); several where one title was rated twice or a series is meant."""


class Catalogue:
    """All items by the normal forms of their full names; built once per data set."""

    def __init__(self, titles: Iterable[str]) -> None:
        """The catalogue of all `titles` of a data set."""
        self.known = frozenset(
            form for title in titles for name in extract_title_names(title) for form in _get_title_forms(name)
        )


def _get_title_forms(name: str) -> tuple[str, ...]:
    whole = normalise_name(name)
    return tuple(dict.fromkeys((whole, strip_article(whole))))


def _split_title(name: str) -> Iterator[str]:
    """Names cut at their colons and dashes: "Star Wars: Episode V - The Empire Strikes Back" gives four."""
    halves = split_subtitle(name)
    if halves:
        for half in halves:
            yield half
            yield from _split_title(half)


def _is_spelling_variant(a: str, b: str) -> bool:
    return min(len(a), len(b)) >= 6 and a[0] == b[0] and SequenceMatcher(None, a, b).ratio() >= 0.8


class TitleResolver:
    """Resolves cited texts to the visible history and the target of one row, or to the catalogue."""

    def __init__(self, catalogue: Catalogue, history: Sequence[str], target: str) -> None:
        """A resolver over the titles of `history`, oldest first, and of the target."""
        self.catalogue = catalogue
        self.titles = [*history, target]
        self.exact: dict[str, set[int]] = defaultdict(set)
        self.short: dict[str, set[int]] = defaultdict(set)
        for position, title in enumerate(self.titles):
            for name in extract_title_names(title):
                for form in _get_title_forms(name):
                    self.exact[form].add(position)
                for part in _split_title(name):
                    for form in _get_title_forms(part):
                        self.short[form].add(position)

    def resolve(self, text: str, *, series: bool = False) -> tuple[Kind, tuple[int, ...]]:
        """Kind and history positions of a cited text.

        `series`: it is followed by a word such as "sequels", so it may mean several. Tried in this order: full names,
        the catalogue, names cut at colons, beginnings of names, names that contain it, misspelt names.
        """
        for form in _get_title_forms(extract_title_names(text)[0]):
            if series and len(positions := self._find_by_prefix(form) | self.exact.get(form, set())) > 1:
                return self._classify_positions(positions)
            if positions := self.exact.get(form):
                return self._classify_positions(positions)
            if form in self.catalogue.known and not (series and self._find_by_prefix(form)):
                return "catalogue", ()
            if self._is_single_title(positions := self.short.get(form, set())):
                return self._classify_positions(positions)
            positions = self._find_by_prefix(form, dotted="." in text)
            if positions and (
                series
                or self._is_single_title(positions)
                or all(position < len(self.titles) - 1 for position in positions)
            ):
                return self._classify_positions(positions)
            for inexact in (self._find_containing(form), self._find_misspelt(form)):
                if inexact and self._is_single_title(inexact):
                    return self._classify_positions(inexact)
        return "nothing", ()

    def _find_by_prefix(self, form: str, *, dotted: bool = False) -> set[int]:
        """Positions whose name begins with `form` and goes on with another word; 'The Man' is too little."""
        bare = strip_article(form)
        if " " not in bare and len(bare) < 5 and not dotted:
            return set()
        return {
            position
            for known, positions in self.exact.items()
            if known.startswith(form + " ")
            for position in positions
        }

    def _find_containing(self, form: str) -> set[int]:
        """Positions in whose name `form`, two words or more, stands somewhere."""
        if " " not in strip_article(form):
            return set()
        return {
            position for known, positions in self.exact.items() if f" {form} " in f" {known} " for position in positions
        }

    def _find_misspelt(self, form: str) -> set[int]:
        """Positions whose name, or its end, differs in the spelling of one longer word, never in a numeral."""
        words, positions = form.split(), set()
        for known, known_positions in self.exact.items():
            for theirs in (known.split()[: len(words)], known.split()[-len(words) :]):
                other = [(a, b) for a, b in zip(words, theirs, strict=False) if a != b]
                if len(words) > 1 and len(theirs) == len(words) and len(other) == 1 and _is_spelling_variant(*other[0]):
                    positions |= known_positions
        return positions

    def _is_single_title(self, positions: set[int]) -> bool:
        return len({self.titles[position] for position in positions}) == 1

    def _classify_positions(self, positions: set[int]) -> tuple[Kind, tuple[int, ...]]:
        past = tuple(sorted(position for position in positions if position < len(self.titles) - 1))
        # A title that is both the target and in the history (rated before) is read as the target: nothing is claimed.
        return ("target", ()) if len(self.titles) - 1 in positions else ("history", past)


def find_citations(text: str, resolver: TitleResolver) -> list[Citation]:
    """All citations of a text, in order."""
    quoted = list(_find_quoted_citations(text, resolver))
    spans = [(c.start, c.end) for c in quoted]
    return sorted([*quoted, *_find_unquoted_citations(text, resolver, spans)], key=lambda c: c.start)


def _find_quoted_citations(text: str, resolver: TitleResolver) -> Iterator[Citation]:
    start = 0
    while start < len(text):
        opens = (
            text[start] in CLOSING
            and (start == 0 or not text[start - 1].isalnum())
            and not text[start + 1 : start + 2].isspace()
        )
        citation = _parse_quoted_citation(text, start, resolver) if opens else None
        if citation is None:
            start += 1
        else:
            yield citation
            start = citation.end


def _parse_quoted_citation(text: str, start: int, resolver: TitleResolver) -> Citation | None:
    """The citation that opens at `start`, or None where nothing closes it or it is no title."""
    ends = [
        end
        for end in range(start + 2, min(len(text), start + LONGEST))
        if text[end] in CLOSING[text[start]] and not text[end + 1 : end + 2].isalnum()
    ]
    best: Citation | None = None
    for end in ends:
        inside = text[start + 1 : end]
        kind, positions = resolver.resolve(inside, series=bool(_SERIES.match(text, end + 1)))
        known = any(form in resolver.exact or form in resolver.catalogue.known for form in _get_title_forms(inside))
        # A later closing only counts where it makes another full name: 'Babe' and 'Heat' is not one title.
        if best is None or (known and not set(_get_title_forms(inside)) & set(_get_title_forms(best.text))):
            best = Citation(start, end + 1, inside, kind, positions)
    if best is None or best.kind == "nothing":
        possessive = _parse_possessive_citation(text, start, resolver)
        if possessive is not None:
            return possessive
    if best is None or (best.kind == "nothing" and not _can_be_title(best.text)):
        return None
    return best


def _can_be_title(text: str) -> bool:
    return any(c.isalnum() for c in text) and not _NO_TITLE.match(text)


def _parse_possessive_citation(text: str, start: int, resolver: TitleResolver) -> Citation | None:
    """A title whose closing quote also serves as an apostrophe ("'Titanic's cast"); None where there is none."""
    for match in re.finditer(r"['\u2019]s(?![^\W_])", text[start + 1 : start + LONGEST]):
        inside = text[start + 1 : start + 1 + match.start()]
        if any(form in resolver.exact for form in _get_title_forms(inside)):
            kind, positions = resolver.resolve(inside)
            return Citation(start, start + 1 + match.start() + 1, inside, kind, positions)
    return None


def _find_unquoted_citations(text: str, resolver: TitleResolver, taken: list[tuple[int, int]]) -> Iterator[Citation]:
    names = {
        name
        for title in resolver.titles
        for name in extract_title_names(title)
        if len(normalise_name(name).split()) > 1
    }
    for name in sorted(names, key=lambda name: (-len(name), name)):
        for match in re.finditer(rf"(?<![^\W_]){re.escape(name)}(?![^\W_])", text):
            span = match.span()
            if all(span[1] <= start or end <= span[0] for start, end in taken):
                taken.append(span)
                kind, positions = resolver.resolve(name)
                yield Citation(*span, name, kind, positions)
