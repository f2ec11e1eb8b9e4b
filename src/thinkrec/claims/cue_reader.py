"""Finds the cues of a clause, turns them round where they are negated, and leaves out what is no claim of the past."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from thinkrec.claims.cues import AHEAD, BAD, BAD_TONE, FUTURE, GOOD, GOOD_TONE, NEGATORS, PUBLIC

_CHAIN = re.compile(r" (?:to |of |any |much |for |with |this \w+'s |the |a |as |\w+ing )?")


@dataclass(frozen=True)
class PolarityCue:
    """One word or phrase that tells of liking or not."""

    start: int
    end: int
    sign: int
    """1 or -1, negations counted in."""
    is_weak: bool
    """Whether it may describe a film, or the public, as well."""


def find_cues(part: str) -> list[PolarityCue]:
    """Cues of one part, with negations and without predictions, in order; overlapping ones give way to the longer."""
    low, found = part.lower(), []
    for pattern, sign, weak in ((GOOD, 1, False), (BAD, -1, False), (GOOD_TONE, 1, True), (BAD_TONE, -1, True)):
        found += [PolarityCue(m.start(), m.end(), sign, weak) for m in pattern.finditer(low)]
    found.sort(key=lambda cue: (cue.is_weak, -(cue.end - cue.start), cue.start))
    kept: list[PolarityCue] = []
    for cue in found:
        if all(cue.end <= other.start or other.end <= cue.start for other in kept):
            kept.append(cue)
    kept.sort(key=lambda cue: cue.start)
    read: list[PolarityCue] = []
    for i, cue in enumerate(kept):
        left = low[kept[i - 1].end if i else 0 : cue.start]
        if PUBLIC.search(left) or low[cue.end :].startswith("-"):
            continue
        if i and read and read[-1].end == kept[i - 1].end and _CHAIN.fullmatch(left):
            # "failed to impress", "won approval": two words, one verdict, and a negative one wins.
            read[-1] = PolarityCue(
                read[-1].start, cue.end, min(read[-1].sign, cue.sign), read[-1].is_weak and cue.is_weak
            )
            continue
        words = re.split(r"[,\u27e7]|\b(?:who|where|when|and)\b", left)[-1].split()
        if FUTURE.search(" ".join(words[-4:])) or AHEAD.match(low, cue.end):
            continue
        read.append(replace(cue, sign=-cue.sign if _is_negated(words, cue.sign) else cue.sign))
    return read


def find_final_cue(text: str) -> int | None:
    """Where the word or phrase of liking begins that ends with the text; None if it ends with none."""
    low = text.lower().rstrip()
    ends = [
        m.start() for pattern in (GOOD, BAD, GOOD_TONE, BAD_TONE) for m in pattern.finditer(low) if m.end() == len(low)
    ]
    return min(ends, default=None)


def _is_negated(words: list[str], sign: int) -> bool:
    """Whether the words before a cue, in its own clause, turn it round."""
    close = " ".join(words[-3:])
    if re.search(r"\bnot (?:only|just|merely|alone)\b", close):
        return False
    if sign < 0:
        few = re.search(r"\b(?:not|never|no|nobody|neither|hardly|rarely|not a single)\b|n't\b", " ".join(words[-2:]))
        return bool(few or re.search(r"\b(?:nothing|none|not a single|not one)\b", " ".join(words[-7:])))
    far = re.search(r"\b(?:none|nothing|neither|nobody|no|not one|(?<!the )(?:few|little))\b", " ".join(words[-7:]))
    return bool(NEGATORS.search(close) or far)
