"""Claims of a reason that is still being written.

In all texts here a numbered mark (\u27e62\u27e7) stands for every cited title, by its number in `signs`: 1 for liked,
-1 for disliked, 0 for what fits any claim. `targets` are the numbers of what is asked about: it was not rated, so no
past verdict can be claimed of it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import NamedTuple

from thinkrec.claims.cue_reader import find_cues, find_final_cue
from thinkrec.claims.polarity import read_marked_claims, split_clauses, split_sentences
from thinkrec.data.titles import MARK, format_title_mark

_LISTED = re.compile(rf"(?:{MARK.pattern}(?:,| and| or| nor)\s*)*$")
"""A list that another title would go on with; behind ", and" a new clause begins as often."""
_CLAUSE = re.compile(r"[,;:.!?\u27e7\u2014]|\s[\u2013-]\s")
_WAS = re.compile(r"\s+(?:was|were|has been|had been|got)\s+(?:\w+\s+)?$")
_NEAR = 4
"""Words that may stand between a cue and the title it speaks of."""


class FalseClaim(NamedTuple):
    """A claim that does not hold."""

    citation: int
    """Which citation of the text, counted from 0, it is made of."""
    claim: int
    """What is claimed: 1 or -1."""
    start: int | None
    """Where the words begin that completed the claim; None where the text does not end with such words."""


def infer_next_claim(text: str, signs: Sequence[int]) -> int | None:
    """The polarity that a title cited next would have: liked (1), disliked (-1), none yet (None).

    In a list of which nothing was said yet, the next title is taken to share the sign of the others.
    """
    # With the title to come in its place, a sentence that just ended is seen to have ended.
    marked = f"{text.rstrip()} {format_title_mark(len(signs))}".translate({0x2019: "'"})
    sign_of_next = read_marked_claims(marked).get(len(signs))
    if sign_of_next is not None:
        return sign_of_next
    clause, _ = split_clauses(split_sentences(marked)[-1])[-1]
    listed = [signs[int(mark[1])] for mark in MARK.finditer(clause) if int(mark[1]) < len(signs)]
    return next((sign for sign in reversed(listed) if sign), None)


def is_rated_title_expected(text: str) -> bool:
    """Whether a title cited next would be the object of a past verdict ("the viewer turned down")."""
    text = text.rstrip()
    listed = _LISTED.search(text)
    clause = _CLAUSE.split(text[: listed.start()] if listed else text)[-1]
    cues = find_cues(clause)
    return bool(cues) and len(clause[cues[-1].end :].split()) <= _NEAR


def find_first_false_claim(text: str, signs: Sequence[int], targets: Collection[int] = ()) -> FalseClaim | None:
    """The first claim of a text that is against `signs`, or that calls a target liked or disliked in the past."""
    text = text.translate({0x2019: "'"})
    marks = list(MARK.finditer(text))
    numbers = iter(range(len(marks)))
    claims = read_marked_claims(MARK.sub(lambda _: format_title_mark(next(numbers)), text))
    for index, mark in enumerate(marks):
        number = int(mark[1])
        claim = _read_past_verdict(text, mark.end()) if number in targets else claims.get(index)
        if claim is not None and (number in targets or signs[number] == -claim):
            return FalseClaim(index, claim, find_final_cue(text))
    return None


def _read_past_verdict(text: str, start: int) -> int | None:
    """The sign of a past verdict right behind `start`, as in "<title> was turned down"; None without one."""
    clause = text[start : start + 60]
    cues = find_cues(clause)
    return cues[0].sign if cues and _WAS.fullmatch(clause[: cues[0].start]) else None
