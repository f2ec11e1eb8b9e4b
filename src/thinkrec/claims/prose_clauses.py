"""Clauses of a sentence of free prose, and the lists of citations in them."""

from __future__ import annotations

import re

from thinkrec.claims.prose_cue_reader import find_prose_cues
from thinkrec.data.titles import MARK

CitationList = list[re.Match[str]]
"""Marks of citations that share one verb."""

_BREAK = re.compile(
    r";|:|\s[\u2013\u2014-]\s|\u2014|, (?:and|or|so)\b"
    r"|,?\s\b(?:but|while|whereas|although|though|yet|however|unlike|because|since|whereupon)\b"
    r"|, (?=leaving\b|saving\b|reserving\b)"
    r"|, with (?=(?:only|just)\b|(?:a|the|one) (?:single|only|sole|lone|few)\b)"
)
_OWN_SUBJECT = re.compile(r"\s+(?:the|this) \w+ (?!of\b|in\b|with\b)\w")
"""Behind ", and": a clause with a subject of its own."""
_JOINS = re.compile(r"\s*(?:,|and\b|or\b|nor\b|to\b|&|as well as\b|plus\b)")
_JOIN = re.compile(
    r"^\s*,?\s*(?:and|or|nor|&|as well as|plus|to|,)?\s*(?:(?!\u27e6|with\b|while\b|as\b|wh\w+\b)[^\s,;:]+\s+){0,6}$"
)
_REFERS_BACK = re.compile(
    r"^[\s,]*(?:and |but |yet )?(?:(?:it|both|all(?: three| of them)?|each|every one|neither) "
    r"(?:of (?:them|which|these) )?(?:too |also )?(?:was|were|did|has|have|had|is|are|failed|pleased)\b"
    r"|(?:they|he|she|this \w+|the \w+) (?:\w+ ){1,3}"
    r"(?:both|all|it|them|neither|none of (?:it|them)|all (?:three|four|of them))[\s.,;]*$)"
)


def split_prose_clauses(sentence: str) -> list[tuple[str, str]]:
    """The clauses of a sentence in lower case, each with the break that leads to it."""
    clauses, start, link = [], 0, ""
    for stop in _BREAK.finditer(sentence):
        following = _BREAK.search(sentence, stop.end())
        clause = sentence[stop.end() : following.start() if following else len(sentence)]
        if stop[0].startswith((", and", ", or")) and not _OWN_SUBJECT.match(clause):
            # Behind a colon the list goes on until another verdict comes.
            begun = sentence[: stop.start()] if link.startswith(":") else sentence[start : stop.start()]
            if not (find_prose_cues(begun) and (find_prose_cues(clause) or re.search(r"\bexceptions?\b", clause))):
                continue
        # "Although 'A' failed, ..." begins with its own break.
        if sentence[start : stop.start()].strip():
            clauses.append((sentence[start : stop.start()], link))
        start, link = stop.end(), stop[0]
    return [*clauses, (sentence[start:], link)]


def list_citation_groups(clause: str) -> list[CitationList]:
    """The citations of a clause, those of one list together."""
    groups: list[CitationList] = []
    for mark in MARK.finditer(clause):
        between = clause[groups[-1][-1].end() : mark.start()] if groups else ""
        if groups and _JOINS.match(between) and _JOIN.match(between) and not find_prose_cues(between):
            groups[-1].append(mark)
        else:
            groups.append([mark])
    return groups


def is_about_earlier_titles(clause: str) -> bool:
    """Whether a clause gives a verdict on the titles of the clause before ("and both were disliked")."""
    return not MARK.search(clause) and bool(_REFERS_BACK.match(clause))


def is_about_later_titles(clause: str, link: str, verdict_end: int) -> bool:
    """Whether a verdict is about titles that are still to come ("..., and the viewer liked") and not those before."""
    own = link.startswith(", and") and _OWN_SUBJECT.match(clause)
    return bool(own) and not re.search(r"\b(?:both|them|it|these|those|all|each)\b", clause[verdict_end:])
