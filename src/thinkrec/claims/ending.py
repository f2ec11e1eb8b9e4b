"""Predictions of a reason about its target, and whether its last sentence is complete."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple

from thinkrec.claims.cues import BAD, FUTURE, GOOD
from thinkrec.claims.polarity import split_sentences
from thinkrec.data.titles import MARK

_GOOD_AHEAD = re.compile(
    r"\b(?:like|love|please|enjoy|go over|go down well|be well received|be (?:liked|loved|enjoyed|welcomed?|accepted"
    r"|approved|admired|a (?:success|hit))|suit|fit|find favou?r|satisfy|delight|work|land|click|succeed)\b"
)
_BAD_AHEAD = re.compile(
    r"\b(?:disappoint|dislike|reject|fail|bore|fall|turn(?: \w+)? down|refuse|miss|leave (?:\w+ ){1,2}(?:cold|unmoved)"
    r"|be (?:disliked|rejected|refused|turned down|a disappointment)|disappointment|rejection|disapproval|failure)\b"
)
_NOW = re.compile(
    r"\b(?P<no>(?:do(?:es)?(?: not|n't)|hardly|scarcely|barely|cannot) )?(?:fits?|suits?|match(?:es)?)"
    r"(?= (?:this|the|that) (?:viewer|user|reader|customer|listener|player|\w+(?: well)?[.!]?$|\w+ well))"
)
_NOT = re.compile(r"\b(?:not|never|hardly|scarcely|barely|unlikely|cannot|little|no|too)\b|n't\b")
_NO_PREDICTION = re.compile(
    r"\b(?:would|could|might|may) have\b|\bif\b|\b(?:some|any|every)(?:one|body) who\b|\bmore than\b"
    r"|\b(?:feels?|looks?|seems?|sounds?) like\b|^can\b|^unlikely (?!to\b)|\bwho\b|\b(?:overcome|past)\b"
)
"""What did not come about, what somebody else likes, a comparison, an ability."""
_END = re.compile(r"[.!?\u2026]+[)'\"\u201d\u2019\u00bb*]*$")
_QUOTE = re.compile("(?<![^\\W_])['\"\u2018\u201c](?=[^\\s.,;:!?])")


class TargetPrediction(NamedTuple):
    """What is said of how the target will go."""

    sign: int
    """1 for well, -1 for not."""
    start: int
    """Where its words begin in the text."""
    cue_start: int
    """Where the word begins that decides."""
    cue_end: int
    """Where the word ends that decides."""


def find_predictions(text: str, targets: Collection[int]) -> list[TargetPrediction]:
    """Predictions of a text, in order; titles stand as numbered marks, `targets` are the numbers of the target.

    A sentence that cites rated titles alone predicts nothing of the target.
    """
    predictions, begin = [], 0
    for sentence in split_sentences(text.translate({0x2019: "'"})):
        cited = {int(number) for number in MARK.findall(sentence)}
        if not cited or cited & set(targets):
            in_sentence = _find_sentence_predictions(sentence)
            predictions += [
                p._replace(start=begin + p.start, cue_start=begin + p.cue_start, cue_end=begin + p.cue_end)
                for p in in_sentence
            ]
        begin += len(sentence)
    return predictions


def _find_sentence_predictions(sentence: str) -> list[TargetPrediction]:
    low, predictions = sentence.lower(), []
    for ahead in FUTURE.finditer(low):
        clause = re.split(r"[,;:\u2014]", low[ahead.start() :], maxsplit=1)[0]
        signs = [(1, GOOD), (1, _GOOD_AHEAD), (-1, BAD), (-1, _BAD_AHEAD)]
        cues = [(m.start(), -m.end(), sign) for sign, pattern in signs for m in pattern.finditer(clause)]
        if len({sign for *_, sign in cues}) != 1 or _NO_PREDICTION.search(clause):
            continue
        start, end, sign = min(cues)
        if len(clause[:start].split()) <= 7:
            lead = low[: ahead.start()]
            before = re.search(r"\b(?:no|not|nothing|little reason|no reason)(?: to| that)? $", lead)
            denied = len(_NOT.findall(clause[:start])) + bool(before)
            begin = ahead.start()
            predictions.append(TargetPrediction(-sign if denied % 2 else sign, begin, begin + start, begin - end))
    predictions += [TargetPrediction(-1 if m["no"] else 1, m.start(), m.start(), m.end()) for m in _NOW.finditer(low)]
    return sorted(predictions, key=lambda prediction: prediction.cue_end)


def has_complete_ending(text: str) -> bool:
    """Whether a text ends with a whole sentence.

    >>> [has_complete_ending(text) for text in ("It fits.", "It fits", "He said 'Go.'", "As 'The La", "")]
    [True, False, True, False, False]
    """
    return bool(_END.search(text.rstrip()))


def drop_incomplete_ending(text: str) -> str:
    """A text without the beginning of a sentence at its end; all of it where no sentence is complete.

    >>> drop_incomplete_ending("Yes. It is good. And 'The La")
    'Yes. It is good.'
    """
    trimmed = text.rstrip()
    sentences = split_sentences(trimmed)
    while sentences and not has_complete_ending(sentences[-1]):
        sentences.pop()
    return "".join(sentences).rstrip() or trimmed
