"""Grounding of one reason in the row it is about: the counts behind the metrics of `evaluate.grounding`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from thinkrec.claims import verdict as verdicts
from thinkrec.claims.attributes import AttributeReader, build_attribute_reader, mark_citations
from thinkrec.claims.citations import Catalogue, Citation, TitleResolver, find_citations
from thinkrec.claims.ending import find_predictions, has_complete_ending
from thinkrec.claims.polarity import mask_polar_keywords, read_claims
from thinkrec.claims.prose_attributes import read_phrase_keywords
from thinkrec.claims.prose_reader import read_stated_sides
from thinkrec.claims.unfinished import find_first_false_claim


@dataclass(frozen=True)
class GroundingCase:
    """What a reason is checked against: history, target, keywords and verdict of a row."""

    history: tuple[str, ...]
    """Titles of the visible history, oldest first."""
    liked: tuple[bool, ...]
    """Their labels."""
    target: str
    """Title of the target."""
    keywords: tuple[str, ...] = ()
    """Keywords of all these items, which a reason may repeat."""
    target_keywords: tuple[str, ...] = ()
    """Keywords of the target, of which a reason may say that they decide."""
    verdict: bool | None = None
    """What the score implies, or a given verdict; None where neither is known."""
    cause_keywords: tuple[str, ...] | None = None
    """Keywords of the planted cause that decided; None where nothing was planted or none points that way."""
    history_keywords: tuple[tuple[str, ...], ...] | None = None
    """Keywords of each item of the history, where what is said of them can be checked; else None."""
    is_closed_world: bool = False
    """Whether the items have nothing but their keywords, as in a simulated catalogue: what is no keyword is untrue."""


@dataclass(frozen=True)
class ReasonGrounding:
    """Counts of what one reason cites, claims, names and decides."""

    citations: int
    """Titles cited, the target aside."""
    in_history: int
    """Of these, in the visible history."""
    exist: int
    """Of these, in the history or elsewhere in the catalogue."""
    claims: int
    """Cited history titles of which a claim could be read."""
    right: int
    """Claims that agree with the label."""
    readable: int
    """Cited history titles with one label: those of which a claim could be right or wrong."""
    stated_likes: int
    """Of these, liked ones of which the reader of free prose reads a side."""
    stated_dislikes: int
    """Of these, disliked ones of which it does."""
    likes_called_disliked: int
    """Liked ones that are said to be disliked."""
    dislikes_called_liked: int
    """Disliked ones that are said to be liked."""
    target_named: bool
    verdict: bool | None
    """What it opens with, as verdicts of teachers are read; None where that is neither Yes nor No."""
    agrees: bool | None
    """Whether that is the verdict the score implies; None where no verdict is known to compare with."""
    cause_named: bool | None
    """Whether every keyword of the deciding cause is named; None where there is none."""
    keywords_named: int
    """Keywords of the target that are named outside titles; 0 where there is no deciding cause."""
    causes_named: int
    """Of these, those of the deciding cause."""
    attributes: int
    """Keywords said of an item, or denied it, every title of a claim by itself; 0 where that is not read."""
    attributes_right: int
    """Of these, those that are so."""
    mentions: int
    """Keywords of the items shown that stand in the text outside titles."""
    mentions_read: int
    """Of these, those of which it could be read what item they are said of."""
    said_keywords: int
    """Attribute claims, and keywords in the noun phrases of titles that no claim was read of."""
    said_keywords_right: int
    """Of these, those that are so."""
    mentions_said: int
    """Keywords in the text that these are about."""
    prediction: bool | None
    """What the text last predicts of the target; None where no prediction can be read."""
    ends_as_it_opens: bool | None
    """Whether that agrees with the verdict; None without a prediction or a verdict."""
    finished: bool
    """Whether it ends with a whole sentence."""
    untrue: int
    """What is wrong in it: attributes, likes and dislikes, past verdicts on the target, titles that do not exist, a
    prediction against the verdict, a verdict against the score, an end that is none."""


def ground_reason(text: str, case: GroundingCase, catalogue: Catalogue) -> ReasonGrounding:
    """Count what a reason cites, claims, names and decides."""
    resolver = TitleResolver(catalogue, case.history, case.target)
    cited = find_citations(text, resolver)
    claims = read_claims(text, [(c.start, c.end) for c in cited], case.keywords)
    right = claimed = readable = 0
    for citation, claim in zip(cited, claims, strict=True):
        labels = {case.liked[position] for position in citation.history_positions}
        if citation.kind != "history" or len(labels) > 1:
            continue
        readable += 1
        if claim is not None:
            claimed += 1
            right += (claim > 0) == labels.pop()
    others = [c for c in cited if c.kind != "target"]
    named = find_named_keywords(text, cited, dict.fromkeys((*case.target_keywords, *(case.cause_keywords or ()))))
    verdict = verdicts.parse_verdict(text, (*case.history, case.target))
    marks = mark_citations(text, cited)
    n_attributes = n_correct = n_mentions = n_read = n_phrase = n_phrase_right = n_phrase_mentions = 0
    if case.history_keywords is not None:
        attributes = build_attribute_reader(cited, case.history_keywords, case.target_keywords)
        attribute_claims = [
            attribute
            for attribute in attributes.read_attribute_claims(marks)
            if attribute.is_known_keyword or case.is_closed_world
        ]
        n_attributes, n_correct = len(attribute_claims), sum(attribute.is_correct for attribute in attribute_claims)
        n_mentions, n_read = attributes.count_mentions(marks)
        n_phrase, n_phrase_right, n_phrase_mentions = _count_phrase_keywords(marks, attributes)
    targets = [number for number, citation in enumerate(cited) if citation.kind == "target"]
    stated = _count_stated_sides(text, cited, case, targets)
    predictions = find_predictions(mask_polar_keywords(marks, case.keywords), targets)
    opinion = verdict if verdict is not None else case.verdict
    ends_as_it_opens = None if not predictions or opinion is None else (predictions[-1].sign > 0) == opinion
    agrees = None if case.verdict is None else verdict == case.verdict
    wrong = [
        ends_as_it_opens is False,
        agrees is False,
        not has_complete_ending(text),
        *(c.kind == "nothing" for c in others),
    ]
    wrong.append(
        find_first_false_claim(mask_polar_keywords(marks, case.keywords), [0] * len(cited), targets) is not None
    )
    return ReasonGrounding(
        citations=len(others),
        in_history=sum(c.kind == "history" for c in others),
        exist=sum(c.kind != "nothing" for c in others),
        claims=claimed,
        right=right,
        readable=readable,
        stated_likes=stated[True, True] + stated[True, False],
        stated_dislikes=stated[False, True] + stated[False, False],
        likes_called_disliked=stated[True, False],
        dislikes_called_liked=stated[False, True],
        target_named=any(c.kind == "target" for c in cited),
        verdict=verdict,
        agrees=agrees,
        cause_named=None if case.cause_keywords is None else named.issuperset(case.cause_keywords),
        keywords_named=0 if case.cause_keywords is None else len(named),
        causes_named=len(named.intersection(case.cause_keywords or ())),
        attributes=n_attributes,
        attributes_right=n_correct,
        mentions=n_mentions,
        mentions_read=n_read,
        said_keywords=n_attributes + n_phrase,
        said_keywords_right=n_correct + n_phrase_right,
        mentions_said=n_read + n_phrase_mentions,
        prediction=None if not predictions else predictions[-1].sign > 0,
        ends_as_it_opens=ends_as_it_opens,
        finished=has_complete_ending(text),
        untrue=n_attributes - n_correct + claimed - right + sum(wrong),
    )


def _count_stated_sides(
    text: str, cited: Sequence[Citation], case: GroundingCase, targets: Sequence[int]
) -> Counter[tuple[bool, bool]]:
    """(liked, said to be liked) -> number of cited history titles with one label whose side is stated."""
    sides = read_stated_sides(text, [(c.start, c.end) for c in cited], case.keywords, targets)
    counts: Counter[tuple[bool, bool]] = Counter()
    for citation, side in zip(cited, sides, strict=True):
        labels = {case.liked[position] for position in citation.history_positions}
        if citation.kind == "history" and len(labels) == 1 and side is not None:
            counts[labels.pop(), side > 0] += 1
    return counts


def _count_phrase_keywords(marks: str, attributes: AttributeReader) -> tuple[int, int, int]:
    """(keywords in noun phrases of titles, those that the items have, places), where no attribute claim was read."""
    claimed = {claim.start for claim in attributes.read_attribute_claims(marks)}
    phrases = [one for one in read_phrase_keywords(marks, attributes) if one.start not in claimed]
    return len(phrases), sum(one.is_true for one in phrases), len({one.start for one in phrases})


def find_named_keywords(text: str, cited: Sequence[Citation], keywords: Iterable[str]) -> set[str]:
    """The keywords that stand in the text as whole words, in any case, outside the titles it cites."""
    prose, end = [], 0
    for citation in cited:
        prose.append(text[end : citation.start])
        end = citation.end
    rest = " \n ".join([*prose, text[end:]])
    return {word for word in keywords if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", rest, re.IGNORECASE)}
