"""Side of one list of citations within its clause of free prose: by a verdict there, or by an ellipsis."""

from __future__ import annotations

import re
from collections.abc import Sequence

from thinkrec.claims.cue_reader import PolarityCue
from thinkrec.claims.prose_clauses import CitationList
from thinkrec.claims.prose_cues import EXCEPT, EXCEPTED
from thinkrec.data.titles import MARK

_COMPARED = re.compile(
    r"\b(?:than|lack(?:s|ing)?|recall(?:s|ing)?|echo(?:es|ing)?|resembl(?:es|ing)|reminiscent of"
    r"|close[rs]? (?:in \w+ )?to|near(?:er|est)? to|(?:far|far removed) (?:from|above|below)|next to"
    r"|compared (?:with|to)|in common with|in the \w+ of"
    r"|shares?(?: [\w-]+){0,3} with|neither the|nearest relative|in the same)\b(?=[^,;]*$)"
)
"""Before a title: it is compared with something, and a verdict before these words is on something else."""
_APPOSITION = re.compile(r"^, (?!and\b|or\b|nor\b)[^,;:\u27e6]*(?:\u27e6\d+\u27e7[^,;:]*)?,\s*")
"""Behind a title, up to its verb: ", a slacker's romance, ..."."""
_FILLER = re.compile(
    r"^(?!\s*and\b)[\s,]*(?:(?:was|were|is|are|has|have|had|been|being|did|does|do|both|all|each|also|too|just|as|equally|even|"
    r"likewise|similarly|together|alike|alone|simply|clearly|plainly|only|once|again|still|never|not|in turn|every|one|"
    r"of|them|these|evidently|firmly|flatly|easily|recently|the|title|titles|film|films|could|to|quite|so|well|ones?|"
    r"two|three|four|five|that|got|then|already|really|came|x+|and|by|others|here|\w+ly)[\s,]+)*$"
)
"""What may stand between a title and the verb it is the subject of."""
_NOT_EITHER = re.compile(
    r"^[\s,]*(?:(?:both|all|each|they|he|she|this \w+) )?"
    r"(?:did|was|were|has|have|had|does|do|is|are|could) ?(?:not|n't)\b(?: either)?\s*(?:[.,;]|$)"
)
_BUT_WAS_NOT = re.compile(r"\b(?:and|but) (?:was|were|did|has|have|had) not\W*$")
_NOT_THIS = re.compile(
    r"(?:^|[,;(] |\band |\bbut )not\b(?: so)?(?: even)?(?: for| in| with)?(?: the)?(?: [\w-]+){0,3} ?$"
)
_SO_DID = re.compile(
    r"^\W*(?:and |but |or )?(?:so|as|likewise|equally|nor|neither)\b,? ?(?:too|also)? ?"
    r"(?:did|do|does|was|were|has|have|had|is|are)?\b"
)
_APART = re.compile(r"^\W*(?:apart from|aside from|except(?:ing)?(?: for)?|other than|outside|but for|save for)\b")
_NOR_DID = re.compile(r"^\W*(?:and |but |or )?(?:nor|neither) (?:did|do|does|was|were|has|have|had|could|is|are)\b")
_SAME_WAY = re.compile(
    r"^[\s,]*(?:(?:both|all|too|also) )?(?:went|goe?s?|fared|met|meets?|suffered|shared?|followed|had|found)\b"
    r"(?: with)?(?: the)? (?:same|similar|likewise)\b"
)


def find_stated_sign(clause: str, group: CitationList, cues: Sequence[PolarityCue]) -> int | None:
    """The side that a verdict in the clause states of a list: its verb, else the verdict before it, else one after.

    Weak cues count only where no other decides. None where no cue is about the list.
    """
    compared = _COMPARED.search(clause[: group[0].start()])
    if compared:
        cues = [cue for cue in cues if cue.start >= compared.end()]
    for weak in (False, True):
        pool = [cue for cue in cues if cue.is_weak == weak]
        preceding = [cue for cue in pool if cue.end <= group[0].start()]
        following = [cue for cue in pool if cue.start >= group[-1].end()]
        inside = [cue for cue in pool if group[0].start() < cue.start < group[-1].end()]
        predicate = _find_predicate(clause[group[-1].end() :], group[-1].end(), following)
        if predicate is not None and not (compared and MARK.search(clause, group[-1].end(), predicate.start)):
            return _apply_list_negation(clause, group, predicate)
        if compared:
            continue
        if preceding:
            between = clause[preceding[-1].end : group[0].start()]
            return -1 if re.match(r"\s*(?:neither|none of)\b", between) else preceding[-1].sign
        if following or inside:
            return _apply_list_negation(clause, group, (following or inside)[0])
    return None


def _find_predicate(tail: str, start: int, following: Sequence[PolarityCue]) -> PolarityCue | None:
    """The cue that is the verb of a list which ends at `start`; behind an apposition rather than within it."""
    apposition = _APPOSITION.match(tail)
    for begin in (*([apposition.end()] if apposition else []), 0):
        for cue in following:
            between = MARK.sub("", tail[begin : cue.start - start])
            if cue.start - start >= begin and _FILLER.match(between) and "," not in between.strip(" ,"):
                return cue
    return None


def _apply_list_negation(clause: str, group: CitationList, cue: PolarityCue) -> int:
    """The sign of a cue behind a list, negated where the list opens with "neither" or "not even"."""
    negated = re.search(r"\b(?:neither|nor|not even|not)(?: [\w-]+){0,5} ?$", clause[: group[0].start()])
    return -cue.sign if negated and cue.sign > 0 else cue.sign


def is_excepted(clause: str, group: CitationList) -> bool:
    """Whether words around a list set it apart from the rest ("except 'A'", "'A' being the one exception")."""
    return bool(EXCEPT.search(clause[: group[0].start()]) or EXCEPTED.search(clause[group[-1].end() :]))


def is_denied(clause: str, group: CitationList) -> bool:
    """Whether a list is followed by nothing but a denied auxiliary: "'A', a slow tale, was not"."""
    return bool(_NOT_EITHER.match(_APPOSITION.sub(" ", clause[group[-1].end() :])))


def is_set_apart(clause: str, group: CitationList) -> bool:
    """Whether a clause opens with a list that its verdict leaves out: "apart from 'A', ..."."""
    return bool(_APART.match(clause[: group[0].start()]))


def infer_elliptic_sign(clause: str, group: CitationList, known: int | None, inherited: int | None) -> int | None:
    """The side of a list without a verdict of its own.

    `known` is the last side stated, in the sentence before too; `inherited` that of the clause before, where the clause
    goes on with it.
    """
    lead, tail = clause[: group[0].start()], clause[group[-1].end() :]
    if _NOR_DID.match(lead):
        return known or -1
    if known is not None:
        if is_excepted(clause, group) or _NOT_THIS.search(lead.lstrip()):
            return -known
        if _SAME_WAY.match(tail) or (_SO_DID.match(lead.strip()) and not tail.strip(" .,")):
            return known
        if known == 1 and _BUT_WAS_NOT.search(tail):
            return -1
    return None if _COMPARED.search(lead) else inherited
