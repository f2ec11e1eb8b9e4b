"""Polarity cues of a clause of free prose: more words than `cue_reader` knows, double negations, abilities shown."""

from __future__ import annotations

import re
from collections.abc import Iterator

from thinkrec.claims.cue_reader import PolarityCue
from thinkrec.claims.cues import BAD, BAD_TONE, GOOD, GOOD_TONE
from thinkrec.claims.prose_cues import DISLIKING, LIKING, LIKING_TONE

_CHAIN = re.compile(r" (?:to |of |any |much |for |with |this \w+'s |the |a |as |in |\w+ing |\w+ly )?")
_PATTERNS = ((GOOD, 1, False), (BAD, -1, False), (LIKING, 1, False), (DISLIKING, -1, False))
_TONES = ((GOOD_TONE, 1, True), (BAD_TONE, -1, True), (LIKING_TONE, 1, True))
_NEAR_NEGATION = re.compile(r"\b(?:not(?! (?:one|a single)\b)|never|less|cannot|unable|fails?|failed)\b|n't\b")
_FAR_NEGATION = re.compile(
    r"\b(?:none|nothing|nobody|no one|not (?:one|a single)|no|neither|nor|hardly|scarcely|barely|seldom|rarely"
    r"|(?<!the )(?<!a )(?:little|few))\b"
)
_AFFIRMED = re.compile(
    r"\bnot (?:only|just|merely|alone)\b|\bnothing (?:but|less)\b|\bno (?:less|surprise|doubt|question)\b"
)
_AHEAD_OF_CUE = re.compile(
    r"\b(?:should|would|will|shall|may|might|likely|likelier|unlikely|probably|ought|expect(?:ed)?|promises|chances?"
    r"|prospects?|sure|bound|if)\b"
)
_BEHIND_CUE = re.compile(r"\s+(?:\w+ )?(?:should|would|will|may|might|is (?:un)?likel\w+|is probable)\b")
_EPITHET_NOUN = re.compile(r" (?!(?:by|for|in|here|and|or|as|with|too|at|to|on|this|them)\b)[\u27e6\w]")
_SHOWN_BY = re.compile(r"[^.;:]*?\bas \W*(?:the |in |with )?[^,;:]*\u27e7")


def find_prose_cues(clause: str) -> list[PolarityCue]:
    """Cues of one clause in order, negations counted in; what is only predicted is left out."""
    low, cues = clause.lower(), list[PolarityCue]()
    previous_end = 0
    for cue in _list_distinct_cues(low):
        before = low[previous_end : cue.start]
        adjacent = bool(cues) and cues[-1].end == previous_end and _CHAIN.fullmatch(before)
        previous_end = cue.end
        if low[cue.end :].startswith("-"):
            continue
        if adjacent:
            # "won approval", "failed to amuse": two words, one verdict, and a negative one wins.
            first = cues.pop()
            cues.append(PolarityCue(first.start, cue.end, min(first.sign, cue.sign), first.is_weak and cue.is_weak))
            continue
        words = re.split(r"[,\u27e7]|\b(?:who|where|when|and)\b", before)[-1].split()
        if _is_prediction(low, words, cue):
            continue
        is_negated = _count_negations(words, cue.sign) % 2 == 1
        if is_negated and LIKING_TONE.fullmatch(low, cue.start, cue.end):
            continue  # "without comfort" tells of a film
        sign = -cue.sign if is_negated else cue.sign
        cues.append(PolarityCue(cue.start, cue.end, sign, cue.is_weak or _is_epithet(low, cue, words)))
    return cues


def _list_distinct_cues(low: str) -> Iterator[PolarityCue]:
    """Cues as they stand, in order; of overlapping ones the longer stays."""
    candidates = [
        PolarityCue(match.start(), match.end(), sign, weak)
        for pattern, sign, weak in (*_PATTERNS, *_TONES)
        for match in pattern.finditer(low)
    ]
    candidates.sort(key=lambda cue: (cue.start - cue.end, cue.is_weak, cue.sign, cue.start))
    distinct: list[PolarityCue] = []
    for cue in candidates:
        if all(cue.end <= other.start or other.end <= cue.start for other in distinct):
            distinct.append(cue)
    yield from sorted(distinct, key=lambda cue: cue.start)


def _is_prediction(low: str, words: list[str], cue: PolarityCue) -> bool:
    """Whether a cue tells of what is to come, not of what was rated ("may fall short, as 'A' did" tells of 'A')."""
    if _BEHIND_CUE.match(low, cue.end):
        return True
    ahead = _AHEAD_OF_CUE.search(" ".join(words[-4:]))
    return ahead is not None and not (ahead[0] in ("may", "might") and _SHOWN_BY.match(low, cue.end))


def _is_epithet(low: str, cue: PolarityCue, words: list[str]) -> bool:
    """Whether a cue is an adjective that may as well describe a film, or what others think ("the admired 'A'")."""
    return (
        bool(re.search(r"(?:ed|ent)$", low[: cue.end]))
        and bool(re.match(_EPITHET_NOUN, low[cue.end :]))
        and (cue.sign > 0 or not re.match(r" \u27e6", low[cue.end :]))
        and bool(re.search(r"\b(?:the|an?|even|as|such|like|most|another|its|his|her)(?: \w+ly)?$", " ".join(words)))
    )


def _count_negations(words: list[str], sign: int) -> int:
    """Negations among the words before a cue in its own clause."""
    nearby, distant = " ".join(words[-3:]), " ".join(words[-8:])
    if _AFFIRMED.search(distant):
        return 0
    near = _NEAR_NEGATION.findall(nearby)
    if sign < 0:
        near = [word for word in near if word not in ("less", "fail", "fails", "failed")]
    return len(near) + len(_FAR_NEGATION.findall(distant)) + (words[-1:] == ["without"])
