"""What a reason says of items' attributes: which keywords it gives to each title it cites, and which it denies it.

A reader of plain sentences. A keyword is said of the title that stands before it in its sentence ("'A' brings ghosts",
"'A' shares ghosts with 'B'", "'A', with ghosts, was liked"), and of the target where none does ("What stands out is
ghosts"); behind a word such as "lacks" or "without" it is denied. "it" is the title before it. Prose that names a
keyword of nothing in particular ("fond of ghosts, as in 'A'") is read wrongly, so this is counted for catalogues with
planted tastes alone, whose reasons have that form.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from thinkrec.data.titles import MARK, mark_of
from thinkrec.evaluate.grounding.citations import Citation
from thinkrec.evaluate.grounding.polarity import sentences

_LACK = r"(?:lack(?:s|ed|ing)?|without|miss(?:es|ing)|has no|have no|not|never)"
_TURN = r"(?:but|yet|while|whereas)"
Keywords = frozenset[str] | None
"""Keywords of an item in lower case; None where they are not known."""


class Said(NamedTuple):
    """One keyword said of an item."""

    keyword: str
    """In lower case."""
    denied: bool
    """Whether it is said to be missing."""
    of: frozenset[str]
    """The item's keywords."""
    begins: int
    """Where in the text."""
    ends: int

    @property
    def right(self) -> bool:
        """Whether it is so."""
        return (self.keyword in self.of) != self.denied


class Attributes:
    """Reads texts in which numbered marks (\u27e62\u27e7) stand for cited titles."""

    def __init__(self, has: Mapping[int, Keywords], target: Keywords) -> None:
        """`has`: keywords by the number of a mark; nothing is read of items whose keywords are not known."""
        self.has, self.target = has, target or frozenset()
        known = set(self.target).union(*(words for words in has.values() if words))
        longest_first = "|".join(re.escape(word) for word in sorted(known, key=len, reverse=True))
        self._token = re.compile(
            rf"{MARK.pattern}|\b(?P<lack>{_LACK})\b|\b(?P<turn>{_TURN})\b|(?<!\w)(?P<word>{longest_first})(?!\w)",
            re.IGNORECASE,
        ) if known else None  # fmt: skip

    def said(self, text: str) -> Iterator[Said]:
        """Everything a text says of keywords, in order."""
        if self._token is None:
            return
        begin = 0
        for sentence in sentences(text.translate({0x2019: "'"})):
            subject, denied = self.target, False
            for found in self._token.finditer(sentence):
                if found["lack"] or found["turn"]:
                    denied = bool(found["lack"])
                elif found["word"] is None:
                    subject, denied = self.has.get(int(found[1])), False
                elif subject is not None:
                    where = begin + found.start(), begin + found.end()
                    yield Said(found["word"].lower(), denied, subject, *where)
            begin += len(sentence)

    def wrong_end(self, text: str) -> int | None:
        """Where the keyword begins with which a text ends, if it is not so and cannot become another that is."""
        bare = text.rstrip(" ,.;:!?")
        last = next((said for said in self.said(text) if said.ends == len(bare)), None)
        if last is None or last.right:
            return None
        if bare == text and any(word.startswith(f"{last.keyword} ") for word in last.of) and not last.denied:
            return None
        return last.begins


def read_attributes(
    text: str, cited: Sequence[Citation], past: Sequence[Sequence[str]], target: Sequence[str]
) -> tuple[int, int]:
    """How many attributes are said of items, and how many of these are so.

    `past`: keywords of each item of the visible history; `target`: those of the target. Keywords said of titles that
    are neither are not counted: nobody knows what an invented film has.
    """
    has = {number: _keywords(citation, past, target) for number, citation in enumerate(cited)}
    # All keywords shown count, cited or not.
    has |= {-1 - place: lower(words) for place, words in enumerate(past)}
    found = list(Attributes(has, lower(target)).said(_marked(text, cited)))
    return len(found), sum(said.right for said in found)


def lower(words: Sequence[str]) -> frozenset[str]:
    """Keywords as they are compared."""
    return frozenset(word.lower() for word in words)


def _keywords(citation: Citation, past: Sequence[Sequence[str]], target: Sequence[str]) -> Keywords:
    """Those of a cited item; of any of several that one title names; None for what is not shown."""
    if citation.kind == "target":
        return lower(target)
    return frozenset().union(*(lower(past[place]) for place in citation.at)) if citation.at else None


def _marked(text: str, cited: Sequence[Citation]) -> str:
    """The text with citations as numbered marks."""
    pieces, at = [], 0
    for number, citation in sorted(enumerate(cited), key=lambda entry: entry[1].start):
        pieces += [text[at : citation.start], mark_of(number)]
        at = citation.end
    return "".join([*pieces, text[at:]])
