"""Polarity of each citation of a reason: liked (1), disliked (-1), or nothing that can be read (None).

A reader made of rules. A sentence is cut into clauses at semicolons, colons, dashes and words such as "but" and
"while". In its clause, a citation takes the cue that is grammatically nearest: a predicate that follows the list it
stands in ("'A', 'B' and 'C' were rejected"), else the cue before it ("who rejected 'A', the slow 'B' and 'C'"), else
one after it. A clause without a cue takes over the sign of the clause before it, unless the two are contrasted.
Negations reverse a cue, predictions ("should please") are not claims about the past.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from thinkrec.claims.cue_reader import PolarityCue, find_cues
from thinkrec.claims.cues import BAD, BAD_TONE, CONTRAST, EXCEPT, EXCEPTED, GOOD, GOOD_TONE
from thinkrec.data.titles import MARK, format_title_mark

_ABBREVIATED = re.compile(r"\b(?:mr|mrs|ms|dr|jr|sr|st|vs|etc|e\.g|i\.e|[a-z])$", re.IGNORECASE)
_BREAK = re.compile(
    r";|:|\s[\u2013\u2014-]\s|\u2014|, and\b"
    r"|,?\s\b(?:but|while|whereas|although|though|yet|however|unlike|because|since)\b"
    r"|, (?=leaving\b|saving\b|reserving\b)"
    r"|, with (?=(?:only|just)\b|(?:a|the|one) (?:single|only|sole|lone|few)\b)"
)
_JOIN = re.compile(
    r"^\s*,?\s*(?:and|or|nor|&|as well as|plus|,)?\s*(?:(?!\u27e6|with\b|while\b|as\b|in\b|wh\w+\b)[^\s,;:]+\s+){0,4}$"
)
_OWN_SUBJECT = re.compile(r"\s+(?:the|this) \w+ (?!of\b|in\b|with\b)\w", re.IGNORECASE)
"""Behind ", and": a clause with a subject of its own."""
_PREDICATE = re.compile(
    r"^[\s,]*(?:(?:was|were|is|are|has|have|had|been|being|did|does|do|both|all|each|also|too|just|as|equally|even|"
    r"likewise|similarly|together|alike|alone|simply|clearly|plainly|only|once|again|still|never|not|in turn|"
    r"every|one|of|them|these|evidently|firmly|flatly|easily|recently|the|only|title|titles|film|films|"
    r"could|to|quite|so|well|ones?|two|three|four|five|that)[\s,]+)*$"
)


def read_claims(text: str, spans: Sequence[tuple[int, int]], keywords: Sequence[str] = ()) -> list[int | None]:
    """Polarity per citation (start, end) of `text`: 1, -1 or None.

    `keywords` are phrases of the items' own texts that the reason may repeat ("well liked"); they claim nothing.
    """
    signs = read_marked_claims(_mark_and_mask(text, spans, keywords))
    return [signs.get(number) for number in range(len(spans))]


def read_marked_claims(text: str) -> dict[int, int]:
    """Polarity by the number of the citation, of a text in which numbered marks stand for citations."""
    claims: dict[int, int] = {}
    before: int | None = None
    for sentence in split_sentences(text):
        sentence_claims, before = _read_sentence_claims(sentence, before)
        claims |= sentence_claims
    return claims


def _mark_and_mask(text: str, spans: Sequence[tuple[int, int]], keywords: Sequence[str]) -> str:
    """The text with citations as numbered marks and keywords blanked."""
    pieces, previous_end = [], 0
    for number, (start, end) in sorted(enumerate(spans), key=lambda entry: entry[1]):
        pieces += [
            mask_polar_keywords(remove_mark_characters(text[previous_end:start]), keywords),
            format_title_mark(number),
        ]
        previous_end = end
    return "".join([*pieces, mask_polar_keywords(remove_mark_characters(text[previous_end:]), keywords)])


def remove_mark_characters(text: str) -> str:
    """A text of the same length without characters that marks are made of, for what stands around them."""
    return text.translate({0x27E6: " ", 0x27E7: " "})


def mask_polar_keywords(text: str, keywords: Iterable[str]) -> str:
    """A text of the same length in which keywords that contain polarity cues stand as x's.

    Typographic apostrophes become plain ones.
    """
    for phrase in sorted(set(keywords), key=len, reverse=True):
        low = phrase.lower()
        if low not in _OWN_WORDS and any(cue.search(low) for cue in (GOOD, BAD, GOOD_TONE, BAD_TONE)):
            pattern = rf"(?<!\w){re.escape(phrase)}(?!\w)"
            text = re.sub(pattern, lambda match: "x" * len(match[0]), text, flags=re.IGNORECASE)
    return text.translate({0x2019: "'"})


_OWN_WORDS = frozenset(("liked", "disliked", "enjoyed", "loved", "rejected", "turned down"))
"""Keywords that would hide the verdicts themselves."""


def split_sentences(text: str) -> list[str]:
    """The sentences of a text, one unfinished sentence at the end included."""
    sentences, start = [], 0
    for stop in re.finditer(r"[.!?]+[)'\"\u201d\u2019]*\s+(?=[A-Z0-9\u27e6'\"\u201c\u2018(])", text):
        if stop[0].startswith(".") and _ABBREVIATED.search(text[: stop.start()]):
            continue
        sentences.append(text[start : stop.end()])
        start = stop.end()
    return [*sentences, text[start:]]


def _read_sentence_claims(sentence: str, before: int | None) -> tuple[dict[int, int], int | None]:
    """Polarity by citation number in one sentence, and the sign that the next sentence takes over."""
    claims: dict[int, int] = {}
    last: int | None = None
    waiting: list[int] = []
    for clause, link in split_clauses(sentence):
        cues = find_cues(clause)
        contrast = bool(CONTRAST.search(link))
        inherited = None if contrast else last
        for group in _group_citations(clause):
            sign = _find_group_sign(clause, group, [cue for cue in cues if not cue.is_weak or inherited is None])
            if sign is None:
                sign = _infer_sign_without_cue(clause, group, last if last is not None else before, inherited)
            elif EXCEPT.search(clause[: group[0].start()].lower()) or EXCEPTED.search(
                clause[group[-1].end() :].lower()
            ):
                stated = [cue.sign for cue in cues if cue.end <= group[0].start()]
                known = last if last is not None else before
                sign = -stated[-1] if stated else -known if known is not None else sign
            for mark in group:
                if sign is not None:
                    claims[int(mark[1])] = sign
                else:
                    waiting.append(int(mark[1]))
        if not cues and not MARK.search(clause) and re.search(r"\bexceptions?\b", clause.lower()):
            known = last if last is not None else before
            last = None if known is None else -known
        if cues:
            strong = [cue for cue in cues if not cue.is_weak] or cues
            last = strong[-1].sign
            if (
                waiting
                and not MARK.search(clause)
                and not contrast
                and not _is_about_later_titles(clause, link, strong[0])
            ):
                claims.update({number: strong[0].sign for number in waiting})
            waiting = []
    return claims, last if last is not None else before


def split_clauses(sentence: str) -> list[tuple[str, str]]:
    """The clauses of a sentence, each with the break that leads to it."""
    clauses, start, link = [], 0, ""
    for stop in _BREAK.finditer(sentence):
        clause = _extract_clause(sentence, stop.end())
        if (
            stop[0].startswith(", and")
            and not _OWN_SUBJECT.match(clause)
            and not (find_cues(sentence[: stop.start()]) and _has_cue_or_exception(clause))
        ):
            continue  # a list goes on
        # "Although 'A' failed, ..." begins with its own break.
        if sentence[start : stop.start()].strip():
            clauses.append((sentence[start : stop.start()], link))
        start, link = stop.end(), stop[0].lower()
    return [*clauses, (sentence[start:], link)]


def _is_about_later_titles(clause: str, link: str, cue: PolarityCue) -> bool:
    """Whether a verdict is about titles that are still to come ("..., and the viewer liked") and not those before."""
    own = link.startswith(", and") and _OWN_SUBJECT.match(clause)
    return bool(own) and not re.search(r"\b(?:both|them|it|these|those|all|each)\b", clause[cue.end :].lower())


def _has_cue_or_exception(clause: str) -> bool:
    return bool(find_cues(clause) or re.search(r"\bexceptions?\b", clause.lower()))


def _extract_clause(sentence: str, start: int) -> str:
    """The sentence from `start` to the next break."""
    stop = _BREAK.search(sentence, start)
    return sentence[start : stop.start() if stop else len(sentence)]


def _group_citations(clause: str) -> list[list[re.Match[str]]]:
    """Citations of a clause in lists that share one verb."""
    groups: list[list[re.Match[str]]] = []
    for mark in MARK.finditer(clause):
        between = clause[groups[-1][-1].end() : mark.start()] if groups else ""
        joins = bool(groups) and re.match(r"\s*(?:,|and\b|or\b|nor\b|&|as well as\b|plus\b)", between)
        if joins and _JOIN.match(between) and not find_cues(between):
            groups[-1].append(mark)
        else:
            groups.append([mark])
    return groups


def _find_group_sign(clause: str, group: list[re.Match[str]], cues: list[PolarityCue]) -> int | None:
    for weak in (False, True):
        pool = [cue for cue in cues if cue.is_weak == weak]
        preceding = [cue for cue in pool if cue.end <= group[0].start()]
        following = [cue for cue in pool if cue.start >= group[-1].end()]
        inside = [cue for cue in pool if group[0].start() < cue.start < group[-1].end()]
        after = clause[group[-1].end() : following[0].start].lower() if following else ""
        if following and _PREDICATE.match(MARK.sub("", after)) and "," not in after.strip(" ,"):
            return _apply_list_negation(clause, group, following[0])
        if preceding:
            between = clause[preceding[-1].end : group[0].start()].lower()
            return -1 if re.match(r"\s*(?:neither|none of)\b", between) else preceding[-1].sign
        if following or inside:
            return _apply_list_negation(clause, group, (following or inside)[0])
    return None


def _apply_list_negation(clause: str, group: list[re.Match[str]], cue: PolarityCue) -> int:
    """The sign of a cue behind a list, negated where the list opens with "neither" or "not even"."""
    lead = clause[: group[0].start()].lower()
    negated = re.search(r"\b(?:neither|nor|not even|not)(?: [\w-]+){0,5} ?$", lead)
    return -cue.sign if negated and cue.sign > 0 else cue.sign


def _infer_sign_without_cue(
    clause: str, group: list[re.Match[str]], last: int | None, inherited: int | None
) -> int | None:
    low = clause.lower()
    lead, tail = low[: group[0].start()], low[group[-1].end() :]
    if last is not None and (EXCEPT.search(lead) or EXCEPTED.search(tail)):
        return -last
    if last is not None and re.search(r"\bnot(?: even| for)?(?: the)?(?: \w+){0,2} ?$", lead):
        return -last
    if (
        last is not None
        and re.match(
            r"^\W*(?:so|as|likewise|equally|nor|neither)\b(?:,? (?:did|do|does|was|were|has|have|had|too))?",
            lead.strip(),
        )
        and not tail.strip(" .,")
    ):
        return last
    if last is not None and re.match(
        r"\s*(?:both |all )?(?:did|was|were|has|have|had|does|do|is|are|could) ?(?:not|n't)\b", tail
    ):
        return -1
    if last == 1 and re.search(r"\b(?:and|but) (?:was|were|did|has|have|had) not\W*$", tail):
        return -1
    return inherited
