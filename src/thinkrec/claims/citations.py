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

from thinkrec.data.titles import names, normal, parts, without_article

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
    at: tuple[int, ...] = ()
    """Places in the visible history (0 the oldest); several where one title was rated twice or a series is meant."""


class Catalogue:
    """All items by the normal forms of their full names; made once per data set."""

    def __init__(self, titles: Iterable[str]) -> None:
        self.known = frozenset(form for title in titles for name in names(title) for form in _forms(name))


def _forms(name: str) -> tuple[str, ...]:
    whole = normal(name)
    return tuple(dict.fromkeys((whole, without_article(whole))))


def _cuts(name: str) -> Iterator[str]:
    """Names cut at their colons and dashes: "Star Wars: Episode V - The Empire Strikes Back" gives four."""
    found = parts(name)
    if found:
        for part in found:
            yield part
            yield from _cuts(part)


def _alike(a: str, b: str) -> bool:
    return min(len(a), len(b)) >= 6 and a[0] == b[0] and SequenceMatcher(None, a, b).ratio() >= 0.8


class Shelf:
    """What a reason may cite: the visible history and the target of one row."""

    def __init__(self, catalogue: Catalogue, history: Sequence[str], target: str) -> None:
        self.catalogue = catalogue
        self.titles = [*history, target]
        self.exact: dict[str, set[int]] = defaultdict(set)
        self.short: dict[str, set[int]] = defaultdict(set)
        for place, title in enumerate(self.titles):
            for name in names(title):
                for form in _forms(name):
                    self.exact[form].add(place)
                for part in _cuts(name):
                    for form in _forms(part):
                        self.short[form].add(place)

    def resolve(self, text: str, *, series: bool = False) -> tuple[Kind, tuple[int, ...]]:
        """What a cited text is. `series`: it is followed by a word such as "sequels", so it may mean several."""
        for form in _forms(names(text)[0]):
            if series and len(found := self._beginning(form) | self.exact.get(form, set())) > 1:
                return self._kind(found)
            if found := self.exact.get(form):
                return self._kind(found)
            if form in self.catalogue.known and not (series and self._beginning(form)):
                return "catalogue", ()
            if self._one(found := self.short.get(form, set())):
                return self._kind(found)
            found = self._beginning(form, dotted="." in text)
            if found and (series or self._one(found) or all(place < len(self.titles) - 1 for place in found)):
                return self._kind(found)
            for loose in (self._inside(form), self._misspelt(form)):
                if loose and self._one(loose):
                    return self._kind(loose)
        return "nothing", ()

    def _beginning(self, form: str, *, dotted: bool = False) -> set[int]:
        """Places whose name begins with `form` and goes on with another word; 'The Man' is too little."""
        bare = without_article(form)
        if " " not in bare and len(bare) < 5 and not dotted:
            return set()
        return {place for known, places in self.exact.items() if known.startswith(form + " ") for place in places}

    def _inside(self, form: str) -> set[int]:
        """Places in whose name `form`, two words or more, stands somewhere."""
        if " " not in without_article(form):
            return set()
        return {place for known, places in self.exact.items() if f" {form} " in f" {known} " for place in places}

    def _misspelt(self, form: str) -> set[int]:
        """Places whose name, or its end, differs in the spelling of one longer word. Numerals are never a spelling."""
        words, found = form.split(), set()
        for known, places in self.exact.items():
            for theirs in (known.split()[: len(words)], known.split()[-len(words) :]):
                other = [(a, b) for a, b in zip(words, theirs, strict=False) if a != b]
                if len(words) > 1 and len(theirs) == len(words) and len(other) == 1 and _alike(*other[0]):
                    found |= places
        return found

    def _one(self, places: set[int]) -> bool:
        return len({self.titles[place] for place in places}) == 1

    def _kind(self, places: set[int]) -> tuple[Kind, tuple[int, ...]]:
        past = tuple(sorted(place for place in places if place < len(self.titles) - 1))
        # A title that is both the target and in the history (rated before) is read as the target: nothing is claimed.
        return ("target", ()) if len(self.titles) - 1 in places else ("history", past)


def find_citations(text: str, shelf: Shelf) -> list[Citation]:
    """All citations of a text, in order."""
    quoted = list(_quoted(text, shelf))
    spans = [(c.start, c.end) for c in quoted]
    return sorted([*quoted, *_unquoted(text, shelf, spans)], key=lambda c: c.start)


def quoted_texts(text: str, shelf: Shelf) -> list[str]:
    """The quoted titles alone, as written."""
    return [citation.text for citation in _quoted(text, shelf)]


def _quoted(text: str, shelf: Shelf) -> Iterator[Citation]:
    at = 0
    while at < len(text):
        opens = text[at] in CLOSING and (at == 0 or not text[at - 1].isalnum()) and not text[at + 1 : at + 2].isspace()
        found = _close(text, at, shelf) if opens else None
        if found is None:
            at += 1
        else:
            yield found
            at = found.end


def _close(text: str, at: int, shelf: Shelf) -> Citation | None:
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
        known = any(form in shelf.exact or form in shelf.catalogue.known for form in _forms(inside))
        # A later closing only counts where it makes another full name: 'Babe' and 'Heat' is not one title.
        if best is None or (known and not set(_forms(inside)) & set(_forms(best.text))):
            best = Citation(at, end + 1, inside, kind, places)
    if best is None or best.kind == "nothing":
        owned = _possessive(text, at, shelf)
        if owned is not None:
            return owned
    if best is None or (best.kind == "nothing" and not _could_be_title(best.text)):
        return None
    return best


def _could_be_title(text: str) -> bool:
    return any(c.isalnum() for c in text) and not _NO_TITLE.match(text)


def _possessive(text: str, at: int, shelf: Shelf) -> Citation | None:
    """'Titanic's cast: a title whose closing quote also serves as an apostrophe."""
    for found in re.finditer(r"['\u2019]s(?![^\W_])", text[at + 1 : at + LONGEST]):
        inside = text[at + 1 : at + 1 + found.start()]
        if any(form in shelf.exact for form in _forms(inside)):
            kind, places = shelf.resolve(inside)
            return Citation(at, at + 1 + found.start() + 1, inside, kind, places)
    return None


def _unquoted(text: str, shelf: Shelf, taken: list[tuple[int, int]]) -> Iterator[Citation]:
    wanted = {name for title in shelf.titles for name in names(title) if len(normal(name).split()) > 1}
    for name in sorted(wanted, key=lambda name: (-len(name), name)):
        for found in re.finditer(rf"(?<![^\W_]){re.escape(name)}(?![^\W_])", text):
            span = found.span()
            if all(span[1] <= start or end <= span[0] for start, end in taken):
                taken.append(span)
                kind, places = shelf.resolve(name)
                yield Citation(*span, name, kind, places)
