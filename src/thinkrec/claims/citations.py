"""The titles a reason cites, and what each of them is: a film of the visible history, the target, or neither.

A citation is a title in quotes, straight or typographic. Apostrophes inside titles ("Child's Play 2", "Singin' in the
Rain") do not end it: of all places where the quote could close, the longest that gives a known title wins, else the
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
    """Places in the visible history (0 the oldest); several where one title was rated twice or a series is meant."""


class Catalogue:
    """All items by the normal forms of their full names; made once per data set."""

    def __init__(self, titles: Iterable[str]) -> None:
        self.known = frozenset(
            form for title in titles for name in extract_title_names(title) for form in _get_title_forms(name)
        )


def _get_title_forms(name: str) -> tuple[str, ...]:
    whole = normalise_name(name)
    return tuple(dict.fromkeys((whole, strip_article(whole))))


def _split_title(name: str) -> Iterator[str]:
    """Names cut at their colons and dashes: "Star Wars: Episode V - The Empire Strikes Back" gives four."""
    found = split_subtitle(name)
    if found:
        for part in found:
            yield part
            yield from _split_title(part)


def _is_spelling_variant(a: str, b: str) -> bool:
    return min(len(a), len(b)) >= 6 and a[0] == b[0] and SequenceMatcher(None, a, b).ratio() >= 0.8


class TitleResolver:
    """What a reason may cite: the visible history and the target of one row."""

    def __init__(self, catalogue: Catalogue, history: Sequence[str], target: str) -> None:
        self.catalogue = catalogue
        self.titles = [*history, target]
        self.exact: dict[str, set[int]] = defaultdict(set)
        self.short: dict[str, set[int]] = defaultdict(set)
        for place, title in enumerate(self.titles):
            for name in extract_title_names(title):
                for form in _get_title_forms(name):
                    self.exact[form].add(place)
                for part in _split_title(name):
                    for form in _get_title_forms(part):
                        self.short[form].add(place)

    def resolve(self, text: str, *, series: bool = False) -> tuple[Kind, tuple[int, ...]]:
        """What a cited text is. `series`: it is followed by a word such as "sequels", so it may mean several."""
        for form in _get_title_forms(extract_title_names(text)[0]):
            if series and len(found := self._find_by_prefix(form) | self.exact.get(form, set())) > 1:
                return self._classify_positions(found)
            if found := self.exact.get(form):
                return self._classify_positions(found)
            if form in self.catalogue.known and not (series and self._find_by_prefix(form)):
                return "catalogue", ()
            if self._is_single_title(found := self.short.get(form, set())):
                return self._classify_positions(found)
            found = self._find_by_prefix(form, dotted="." in text)
            if found and (
                series or self._is_single_title(found) or all(place < len(self.titles) - 1 for place in found)
            ):
                return self._classify_positions(found)
            for loose in (self._find_containing(form), self._find_misspelt(form)):
                if loose and self._is_single_title(loose):
                    return self._classify_positions(loose)
        return "nothing", ()

    def _find_by_prefix(self, form: str, *, dotted: bool = False) -> set[int]:
        """Places whose name begins with `form` and goes on with another word; 'The Man' is too little."""
        bare = strip_article(form)
        if " " not in bare and len(bare) < 5 and not dotted:
            return set()
        return {place for known, places in self.exact.items() if known.startswith(form + " ") for place in places}

    def _find_containing(self, form: str) -> set[int]:
        """Places in whose name `form`, two words or more, stands somewhere."""
        if " " not in strip_article(form):
            return set()
        return {place for known, places in self.exact.items() if f" {form} " in f" {known} " for place in places}

    def _find_misspelt(self, form: str) -> set[int]:
        """Places whose name, or its end, differs in the spelling of one longer word. Numerals are never a spelling."""
        words, found = form.split(), set()
        for known, places in self.exact.items():
            for theirs in (known.split()[: len(words)], known.split()[-len(words) :]):
                other = [(a, b) for a, b in zip(words, theirs, strict=False) if a != b]
                if len(words) > 1 and len(theirs) == len(words) and len(other) == 1 and _is_spelling_variant(*other[0]):
                    found |= places
        return found

    def _is_single_title(self, places: set[int]) -> bool:
        return len({self.titles[place] for place in places}) == 1

    def _classify_positions(self, places: set[int]) -> tuple[Kind, tuple[int, ...]]:
        past = tuple(sorted(place for place in places if place < len(self.titles) - 1))
        # A title that is both the target and in the history (rated before) is read as the target: nothing is claimed.
        return ("target", ()) if len(self.titles) - 1 in places else ("history", past)


def find_citations(text: str, shelf: TitleResolver) -> list[Citation]:
    """All citations of a text, in order."""
    quoted = list(_find_quoted_citations(text, shelf))
    spans = [(c.start, c.end) for c in quoted]
    return sorted([*quoted, *_find_unquoted_citations(text, shelf, spans)], key=lambda c: c.start)


def find_quoted_titles(text: str, shelf: TitleResolver) -> list[str]:
    """The quoted titles alone, as written."""
    return [citation.text for citation in _find_quoted_citations(text, shelf)]


def _find_quoted_citations(text: str, shelf: TitleResolver) -> Iterator[Citation]:
    at = 0
    while at < len(text):
        opens = text[at] in CLOSING and (at == 0 or not text[at - 1].isalnum()) and not text[at + 1 : at + 2].isspace()
        found = _parse_quoted_citation(text, at, shelf) if opens else None
        if found is None:
            at += 1
        else:
            yield found
            at = found.end


def _parse_quoted_citation(text: str, at: int, shelf: TitleResolver) -> Citation | None:
    """The citation that opens at `at`, or None where nothing closes it or it is no title."""
    ends = [
        end
        for end in range(at + 2, min(len(text), at + LONGEST))
        if text[end] in CLOSING[text[at]] and not text[end + 1 : end + 2].isalnum()
    ]
    best: Citation | None = None
    for end in ends:
        inside = text[at + 1 : end]
        kind, places = shelf.resolve(inside, series=bool(_SERIES.match(text, end + 1)))
        known = any(form in shelf.exact or form in shelf.catalogue.known for form in _get_title_forms(inside))
        # A later closing only counts where it makes another full name: 'Babe' and 'Heat' is not one title.
        if best is None or (known and not set(_get_title_forms(inside)) & set(_get_title_forms(best.text))):
            best = Citation(at, end + 1, inside, kind, places)
    if best is None or best.kind == "nothing":
        owned = _parse_possessive_citation(text, at, shelf)
        if owned is not None:
            return owned
    if best is None or (best.kind == "nothing" and not _can_be_title(best.text)):
        return None
    return best


def _can_be_title(text: str) -> bool:
    return any(c.isalnum() for c in text) and not _NO_TITLE.match(text)


def _parse_possessive_citation(text: str, at: int, shelf: TitleResolver) -> Citation | None:
    """'Titanic's cast: a title whose closing quote also serves as an apostrophe."""
    for found in re.finditer(r"['\u2019]s(?![^\W_])", text[at + 1 : at + LONGEST]):
        inside = text[at + 1 : at + 1 + found.start()]
        if any(form in shelf.exact for form in _get_title_forms(inside)):
            kind, places = shelf.resolve(inside)
            return Citation(at, at + 1 + found.start() + 1, inside, kind, places)
    return None


def _find_unquoted_citations(text: str, shelf: TitleResolver, taken: list[tuple[int, int]]) -> Iterator[Citation]:
    wanted = {
        name for title in shelf.titles for name in extract_title_names(title) if len(normalise_name(name).split()) > 1
    }
    for name in sorted(wanted, key=lambda name: (-len(name), name)):
        for found in re.finditer(rf"(?<![^\W_]){re.escape(name)}(?![^\W_])", text):
            span = found.span()
            if all(span[1] <= start or end <= span[0] for start, end in taken):
                taken.append(span)
                kind, places = shelf.resolve(name)
                yield Citation(*span, name, kind, places)
