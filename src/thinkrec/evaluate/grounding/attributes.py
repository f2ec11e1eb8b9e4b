"""What a reason says of items' attributes: which keywords it gives to each title it cites, and which it denies it.

A reader of plain sentences. A keyword is said of the title that stands before it in its sentence ("'A' brings ghosts",
"'A' shares ghosts with 'B'", "'A', with ghosts, was liked"), and of the target where none does ("What stands out is
ghosts"); behind a word such as "lacks" or "without" it is denied. "it" is the title before it. Where a list of
attributes is announced ("in spite of", "brings", "lacks"), a word that is no keyword of any item shown is an invented
attribute. Prose that names a keyword of nothing in particular ("fond of ghosts, as in 'A'") is read wrongly, so this is
counted for catalogues with planted tastes alone, whose reasons have that form.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from thinkrec.data.titles import MARK, mark_of
from thinkrec.evaluate.grounding.citations import Citation
from thinkrec.evaluate.grounding.polarity import sentences

_LACK = r"lack(?:s|ed|ing)?|without|miss(?:es|ing)|has no|have no"
_NOT = r"not|never"
_TURN = r"but|yet|while|whereas"
_SPITE = r"in spite of|despite"
_LIST = r"brings?|shares?|with|has|have|offers?|stands out is"
_PLAIN = (
    r"an?|the|its?|this|that|these|those|they|s?he|as|so|which|who|whose|what|nothing|no|none|more|less|in|on|of|to|for"
    r"|was|were|is|are|did|does|do|been|had|will|would|could|should|same|both|some|any|many|much|little|others?|such"
    r"|than|then|there|be|at|by|from|up|out"
)
"""Words that are no attribute, though they stand where one could."""
Keywords = frozenset[str] | None
"""Keywords of an item in lower case; None where they are not known."""


class Said(NamedTuple):
    """One attribute said of an item."""

    attribute: str
    """In lower case."""
    denied: bool
    """Whether it is said to be missing."""
    of: frozenset[str]
    """The item's keywords."""
    begins: int
    """Where in the text."""
    ends: int
    known: bool
    """Whether it is a keyword of any item shown."""
    citation: int | None
    """Which citation of the text, counted from 0, names the item; None for the target, unnamed in its sentence."""
    sentence: int
    """Where in the text the sentence begins."""

    @property
    def right(self) -> bool:
        """Whether it is so; what nobody has is not so."""
        return self.known and (self.attribute in self.of) != self.denied


class Attributes:
    """Reads texts in which numbered marks (\u27e62\u27e7) stand for cited titles."""

    def __init__(self, has: Mapping[int, Keywords], target: Keywords) -> None:
        """`has`: keywords by the number of a mark; nothing is read of items whose keywords are not known."""
        self.has, self.target = has, target or frozenset()
        self.known = self.target.union(*(words for words in has.values() if words))
        longest_first = sorted(self.known, key=len, reverse=True)
        kinds = {"word": "|".join(map(re.escape, longest_first)), "lack": _LACK, "not": _NOT, "turn": _TURN,
                 "spite": _SPITE, "list": _LIST, "plain": _PLAIN, "other": r"\w[\w'-]*"}  # fmt: skip
        whole = "|".join(rf"(?<!\w)(?P<{kind}>(?:{pattern}))(?!\w)" for kind, pattern in kinds.items() if pattern)
        self._token = re.compile(rf"{MARK.pattern}|(?P<join>,\s*and\b|,|\b(?:and|or|nor)\b)|{whole}", re.IGNORECASE)

    def said(self, text: str, *, strict: bool = False) -> Iterator[Said]:
        """Everything a text says of attributes, in order. `strict`: behind "in spite of" and words for a lack any word
        is taken for one.
        """
        if not self.known:
            return
        begin = cited = 0
        for sentence in sentences(text.translate({0x2019: "'"})):
            for said in self._sentence(sentence, strict):
                place = None if said.citation is None else cited + said.citation
                yield said._replace(begins=begin + said.begins, ends=begin + said.ends, citation=place, sentence=begin)
            begin, cited = begin + len(sentence), cited + len(MARK.findall(sentence))

    def _sentence(self, sentence: str, strict: bool) -> Iterator[Said]:
        subject: Keywords = self.target
        place = None
        denied = due = listing = sure = False  # due: an attribute is; listing: one has just stood there
        for found in self._token.finditer(sentence):
            kind, word = found.lastgroup, found[0].lower()
            if kind == "word" or (kind == "other" and due) or (kind is not None and sure):
                if subject is not None:
                    yield Said(word, denied, subject, found.start(), found.end(), kind == "word", place, 0)
                due, listing, sure = False, kind == "word", False
            elif kind == "join":
                due, listing = listing, False
            elif kind in ("lack", "not", "turn", "list", "spite"):
                denied, due, listing = kind in ("lack", "not"), kind in ("lack", "list", "spite"), False
                sure = strict and kind in ("lack", "spite")
            elif kind in ("plain", "other"):
                due = listing = False
            else:
                subject, denied, due, listing, sure = self.has.get(int(found[1])), False, False, False, False
                place = 0 if place is None else place + 1

    def wrong_end(self, text: str) -> Said | None:
        """The attribute with which a text ends: if it is not so and cannot become another that is, or if its sentence
        has said it already.
        """
        bare, found = text.rstrip(" ,.;:!?"), list(self.said(text, strict=True))
        if not found or found[-1].ends != len(bare):
            return None
        *before, last = found
        alike = (last.attribute, last.denied, last.citation, last.sentence)
        if last.right:
            again = any(alike == (said.attribute, said.denied, said.citation, said.sentence) for said in before)
            return last if again else None
        fit = self.known - last.of if last.denied else last.of
        unfinished = bare == text and any(word.startswith(f"{last.attribute} ") for word in fit)
        return None if unfinished else last


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
