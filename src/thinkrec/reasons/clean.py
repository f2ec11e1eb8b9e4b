"""Extraction of a reason from a teacher's answer, and the filter of reasons (length, label leakage, patterns)."""

from __future__ import annotations

import re

from thinkrec.claims.verdict import format_verdict, parse_answer
from thinkrec.reasons.config import ReasonFilterConfig
from thinkrec.reasons.store import Attempt

_GIVEN = r"(?:correct|right|actual|true|given|provided|stated|gold|reference|official)"
_THING = r"(?:answer|label|outcome|verdict|response|solution|result)"
_BETRAYALS = (
    # Of an answer that somebody has: "the correct answer is given as ...", "the label says", "ground truth".
    rf"\b{_GIVEN}\s+{_THING}s?\b",
    rf"\b(?:the|this|an?)\s+{_THING}\s+(?:is|was|has been)\s+(?:already\s+)?(?:given|known|provided|stated|supplied)\b",
    r"\bground[\s-]truth\b",
    r"\bthe label\b",
    # Of having been told: "as you told me", "I was told", "the hint", "knowing the outcome".
    r"\b(?:i|we)(?:\s+(?:was|were|am|are)|'m|'ve been|\s+have been)\s+(?:just\s+)?(?:told|informed|given)\b",
    r"\byou(?:'ve|\s+have)?\s+(?:just\s+)?(?:told|said|stated|informed|confirmed|revealed)\b",
    r"\bas\s+(?:was\s+)?(?:told|stated|revealed|confirmed)\b",
    r"\bthe\s+hint\b(?!\s+of)",
    r"\b(?:know|knowing|given|despite)\s+(?:that\s+)?the\s+outcome\b",
    r"\bas it (?:happened|turned out)\b",
    r"\bit turn(?:s|ed) out that\b",
)
_ASKING = (
    # Of the conversation instead of the items: "my earlier answer", "on reflection", "I apologise".
    r"\b(?:my|the)\s+(?:earlier|previous|first|initial|prior|original)\s+"
    r"(?:answer|verdict|judge?ment|reply|response|assessment|prediction)\b",
    r"\b(?:i|we)\s+(?:apologi[sz]e|was wrong|were wrong|made a mistake|stand corrected)\b",
    r"\b(?:on|upon)\s+(?:reflection|reconsideration|second thoughts?)\b",
    r"\b(?:reconsider|reconsidering|re-?evaluat\w+)\b",
)
# Scripts without spaces between words: Thai, Lao, Burmese, Khmer, kana, Chinese characters.
_DENSE = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff]")
# Titles are cited in quotation marks, and one may be called "The Right Answer".
_CITED = re.compile(r"""(?<!\w)'[^'\n]{1,120}'(?!\w)|"[^"\n]{1,120}"|“[^”\n]{1,120}”|‘[^’\n]{1,120}’(?!\w)""")
_SPEAKS_OF_ANSWER = re.compile("|".join(_BETRAYALS), re.IGNORECASE)
_SPEAKS_OF_ASKING = re.compile("|".join(_ASKING), re.IGNORECASE)


def extract_argument(attempt: Attempt, trace: str) -> str:
    """The argument of an answer without its verdict, on one line.

    From the answer or the reasoning, as `trace` says; where that is empty, from the other.
    """
    answer, reasoning = parse_answer(attempt.text).prose, attempt.reasoning
    text = (reasoning or answer) if trace == "reasoning" else (answer or reasoning)
    return " ".join(text.split())


def format_reason(verdict: bool, argument: str) -> str:
    """Verdict and argument as one reason: "Yes. ..." or "No. ..."."""
    return f"{format_verdict(verdict)}. {argument[:1].upper()}{argument[1:]}"


def count_words(text: str) -> int:
    """Words between spaces; in scripts that set none (Chinese, Japanese, Thai, ...) two letters count as a word.

    >>> count_words("It shares the sea."), count_words("这位观众喜欢关于海的电影")
    (4, 6)
    """
    dense = len(_DENSE.findall(text))
    return len(_DENSE.sub(" ", text).split()) + (dense + 1) // 2


def find_rejection_cause(attempt: Attempt, argument: str, config: ReasonFilterConfig) -> str | None:
    """Why an argument should not be trained on, or None."""
    words = count_words(argument)
    if words < config.min_words:
        return "too short"
    if config.truncated and attempt.cut:
        return "cut off"
    if config.max_words is not None and words > config.max_words:
        return "too long"
    if config.label_leakage:
        own = _CITED.sub(" ", argument)
        if _SPEAKS_OF_ANSWER.search(own):
            return "betrays the answer"
        if _SPEAKS_OF_ASKING.search(own):
            return "speaks of the asking"
    if any(re.search(pattern, argument, re.IGNORECASE) for pattern in config.patterns):
        return "matches a pattern"
    return None
