"""Side that free prose states of each title it cites: liked (1), disliked (-1), or none that can be read (None).

`polarity` reads the sentences that the rules of generation allow, word by word while they are written. This reader is
for whole texts as people write them, and no rule of generation asks it: so it can judge texts that were written under
those rules. It knows more words (`prose_cues`), what the public thinks (no verdict of the user), double negations,
ellipses ("'A' was not", "nor did 'B'"), appositions between a title and its verb, comparisons, lists under a heading,
and verdicts that refer back ("and both were disliked"). A side is read only from the sentence that cites the title; of
the sentence before only the side that an ellipsis repeats or turns.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from thinkrec.claims.cue_reader import PolarityCue
from thinkrec.claims.cues import CONTRAST
from thinkrec.claims.polarity import mask_polar_keywords, remove_mark_characters, split_sentences
from thinkrec.claims.prose_clauses import (
    CitationList,
    is_about_earlier_titles,
    is_about_later_titles,
    list_citation_groups,
    split_prose_clauses,
)
from thinkrec.claims.prose_cue_reader import find_prose_cues
from thinkrec.claims.prose_cues import PUBLIC_OPINION
from thinkrec.claims.prose_signs import find_stated_sign, infer_elliptic_sign, is_denied, is_excepted, is_set_apart
from thinkrec.data.titles import MARK, format_title_mark

_TARGET = "\u27e8\u27e9"
"""Stands for every citation of the target."""


def read_stated_sides(
    text: str, spans: Sequence[tuple[int, int]], keywords: Sequence[str] = (), targets: Collection[int] = ()
) -> list[int | None]:
    """Side per citation (start, end) of `text`: 1, -1 or None.

    `keywords` are phrases of the items' own texts that the reason may repeat ("well liked"); they state nothing.
    `targets` are the positions in `spans` of the target, which nobody has rated.

    >>> read_stated_sides("'Oak' pleased, but 'Elm', a slow tale, did not.", [(0, 5), (19, 24)])
    [1, -1]
    """
    sides: dict[int, int] = {}
    before: int | None = None
    for sentence in _list_sentences(text, spans, keywords, frozenset(targets)):
        reader = _SentenceReader(before)
        for clause, link in split_prose_clauses(sentence):
            reader.read_clause(clause, link)
        sides |= reader.sides
        before = reader.last if reader.last is not None else before
    return [sides.get(number) for number in range(len(spans))]


def _list_sentences(
    text: str, spans: Sequence[tuple[int, int]], keywords: Sequence[str], targets: Collection[int]
) -> list[str]:
    """The sentences in lower case, with marks for citations, without keywords and the opinions of the public."""
    pieces, end = [], 0
    for number, span in sorted(enumerate(spans), key=lambda entry: entry[1]):
        pieces += [remove_mark_characters(text[end : span[0]]), format_title_mark(number)]
        end = span[1]
    marked = mask_polar_keywords("".join([*pieces, remove_mark_characters(text[end:])]), keywords)
    sentences = [
        MARK.sub(lambda mark: _TARGET if int(mark[1]) in targets else mark[0], sentence)
        .lower()
        .replace("won't", "will not")
        for sentence in split_sentences(marked)
    ]
    return [PUBLIC_OPINION.sub(lambda match: "x" * len(match[0]), sentence) for sentence in sentences]


class _SentenceReader:
    """Reads the clauses of one sentence from left to right."""

    def __init__(self, before: int | None) -> None:
        """A reader at the start of a sentence; `before` is the last side that the sentences before it stated."""
        self.before = before
        self.sides: dict[int, int] = {}
        """Side by the number of the citation."""
        self.last: int | None = None
        """The last side stated in the sentence."""
        self.waiting: list[int] = []
        """Citations without a side since the last verdict."""
        self.recent: list[int] = []
        """Citations of the last clause that had any."""

    @property
    def known(self) -> int | None:
        """The last side stated at all."""
        return self.last if self.last is not None else self.before

    def read_clause(self, clause: str, link: str) -> None:
        """Take in one clause and the break that leads to it."""
        cues = find_prose_cues(clause)
        groups = list_citation_groups(clause)
        is_contrast = bool(CONTRAST.search(link))
        inherited = None if is_contrast or link == ";" else self.last
        for group in groups:
            self._store_group(group, self._find_sign(clause, group, cues, inherited), is_elliptic=not cues)
        if not cues and not groups and self.known is not None and re.search(r"\bexceptions?\b", clause):
            self.last = -self.known
        if cues:
            verdict = next((cue for cue in reversed(cues) if not cue.is_weak), cues[-1])
            self._apply_to_earlier(clause, link, cues, is_contrast)
            self.last, self.waiting = verdict.sign, []
        if groups:
            self.recent = [int(mark[1]) for group in groups for mark in group]

    def _find_sign(
        self, clause: str, group: CitationList, cues: list[PolarityCue], inherited: int | None
    ) -> int | None:
        # Under a heading ("this viewer likes heroes: ...") the tone of a film's description says nothing.
        sign = find_stated_sign(clause, group, [cue for cue in cues if not cue.is_weak or inherited is None])
        stated = [cue.sign for cue in cues if cue.end <= group[0].start()]
        if is_denied(clause, group):
            known = stated[-1] if stated else self.known
            return -1 if known is None else -known
        if sign is None:
            return infer_elliptic_sign(clause, group, self.known, inherited)
        if is_excepted(clause, group):
            if is_set_apart(clause, group) and not stated:
                return -sign
            return -stated[-1] if stated else -self.known if self.known is not None else sign
        return sign

    def _store_group(self, group: CitationList, sign: int | None, *, is_elliptic: bool) -> None:
        numbers = [int(mark[1]) for mark in group]
        if sign is None:
            self.waiting += numbers
            return
        self.sides.update(dict.fromkeys(numbers, sign))
        if is_elliptic:
            self.last = sign

    def _apply_to_earlier(self, clause: str, link: str, cues: list[PolarityCue], is_contrast: bool) -> None:
        """Give titles of earlier clauses the verdict of a clause that cites none."""
        verdict = next((cue for cue in cues if not cue.is_weak), cues[0])
        if is_about_earlier_titles(clause):
            self.sides.update(dict.fromkeys(self.recent, verdict.sign))
        if not MARK.search(clause) and not is_contrast and not is_about_later_titles(clause, link, verdict.end):
            self.sides.update(dict.fromkeys(self.waiting, verdict.sign))
