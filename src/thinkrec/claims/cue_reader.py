"""Polarity cues of a clause, with negations applied, without predictions and opinions of the public."""

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


def find_cues(clause: str) -> list[PolarityCue]:
    """Cues of one clause, with negations and without predictions, in order; of overlapping ones the longer stays."""
    low, candidates = clause.lower(), []
    for pattern, sign, weak in ((GOOD, 1, False), (BAD, -1, False), (GOOD_TONE, 1, True), (BAD_TONE, -1, True)):
        candidates += [PolarityCue(m.start(), m.end(), sign, weak) for m in pattern.finditer(low)]
    candidates.sort(key=lambda cue: (cue.is_weak, -(cue.end - cue.start), cue.start))
    distinct: list[PolarityCue] = []
    for cue in candidates:
        if all(cue.end <= other.start or other.end <= cue.start for other in distinct):
            distinct.append(cue)
    distinct.sort(key=lambda cue: cue.start)
    cues: list[PolarityCue] = []
    for i, cue in enumerate(distinct):
        before = low[distinct[i - 1].end if i else 0 : cue.start]
        if PUBLIC.search(before) or low[cue.end :].startswith("-"):
            continue
        if i and cues and cues[-1].end == distinct[i - 1].end and _CHAIN.fullmatch(before):
            # "failed to impress", "won approval": two words, one verdict, and a negative one wins.
            cues[-1] = PolarityCue(
                cues[-1].start, cue.end, min(cues[-1].sign, cue.sign), cues[-1].is_weak and cue.is_weak
            )
            continue
        words = re.split(r"[,\u27e7]|\b(?:who|where|when|and)\b", before)[-1].split()
        if FUTURE.search(" ".join(words[-4:])) or AHEAD.match(low, cue.end):
            continue
        cues.append(replace(cue, sign=-cue.sign if _is_negated(words, cue.sign) else cue.sign))
    return cues


def find_final_cue(text: str) -> int | None:
    """Start of the cue that ends with the text; None if it ends with none."""
    low = text.lower().rstrip()
    ends = [
        m.start() for pattern in (GOOD, BAD, GOOD_TONE, BAD_TONE) for m in pattern.finditer(low) if m.end() == len(low)
    ]
    return min(ends, default=None)


def _is_negated(words: list[str], sign: int) -> bool:
    """Whether the words before a cue, in its own clause, negate it."""
    nearby = " ".join(words[-3:])
    if re.search(r"\bnot (?:only|just|merely|alone)\b", nearby):
        return False
    if sign < 0:
        denial = re.search(
            r"\b(?:not|never|no|nobody|neither|hardly|rarely|not a single)\b|n't\b", " ".join(words[-2:])
        )
        return bool(denial or re.search(r"\b(?:nothing|none|not a single|not one)\b", " ".join(words[-7:])))
    distant_denial = re.search(
        r"\b(?:none|nothing|neither|nobody|no|not one|(?<!the )(?:few|little))\b", " ".join(words[-7:])
    )
    return bool(NEGATORS.search(nearby) or distant_denial)
