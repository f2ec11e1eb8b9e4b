"""The words of a sentence as one letter each, so that forms of sentences are regular expressions over letters.

T a cited title, K a keyword of an item shown, w any other word that could be an attribute, _ one that could not; the
rest stands for words that say of what a keyword is said, see `KINDS`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from thinkrec.data.titles import MARK

KINDS = {
    "z": r"(?<=\u27e7)(?:'s|s)",
    "c": r"in common",
    "p": r"in spite of|despite",
    "q": r"what (?:stands out|counts|matters) (?:is|are)",
    "S": r"the same",
    "x": r"as well as|along with|together with",
    "U": r"unlike|in contrast (?:to|with)",
    "j": r"(?:runs?|ran) through|links?|linked|joins?|connects?|connected|unites?|ties|appears? in|found in|recurs? in"
    r"|common to|shared by",
    "X": r"missing|absent|gone",
    "N": r"neither",
    "B": r"both|each|all|alike",
    "&": r"and",
    "|": r"nor|or",
    "u": r"but|while|whereas|yet|although|though",
    "A": r"as",
    "L": r"like|similar to|akin to",
    "D": r"(?:do|does|did)n't|cannot",
    "n": r"not|never|isn't|aren't|wasn't|weren't",
    "d": r"do|does|did",
    "s": r"shar(?:e|es|ed|ing)",
    "l": r"lack(?:s|ed|ing)?|without|miss(?:es|ed)|(?:has|have|had) (?:no|none of)|(?:free|devoid|short) of",
    "h": r"has|have|had|having|br(?:ings?|ought|inging)|offer(?:s|ed|ing)?|featur(?:es?|ed|ing)|contain(?:s|ed|ing)?"
    r"|carr(?:y|ies|ied)|holds?|held|adds?|added|delivers?|delivered",
    "b": r"is|are|was|were|being|remains?",
    "e": r"(?:dis)?lik(?:ed|es)|enjoy(?:s|ed)|lov(?:ed|es)|turn(?:s|ed) down|reject(?:s|ed)|refused|dismissed|approved"
    r"|admired|praised",
    "W": r"with",
    "o": r"of|in|from",
    "f": r"for|because of|thanks to",
    "a": r"about",
    "I": r"its|their",
    "r": r"an?|the|this|that|these|some|such",
    "i": r"it",
    "y": r"they|the two",
    "R": r"so",
    "t": r"too|also|likewise|equally|just|again|still|only|even|once|more",
    "H": r"which",
    "M": r"no",
    "_": r"those|s?he|who|whose|what|nothing|none|less|on|to|been|will|would|could|should|any|many|much|little"
    r"|others?|than|then|there|be|at|by|up|out|well|rest|likely",
}
"""Letter -> the words it stands for, those that hold others first."""
_WORD = r"\w[\w'-]*"


class SentenceToken(NamedTuple):
    """One word or title of a sentence."""

    kind: str
    """Its letter."""
    text: str
    """In lower case."""
    start: int
    """Where in the sentence."""
    end: int


class SentenceTokenizer:
    """Reads sentences into letters, for the keywords of one row."""

    def __init__(self, keywords: Iterable[str]) -> None:
        """A tokenizer that knows `keywords`; the longest one that matches wins."""
        longest_first = sorted(keywords, key=len, reverse=True)
        self._token_pattern = re.compile(
            rf"{MARK.pattern}|(?P<K>(?<!\w)(?:{'|'.join(map(re.escape, longest_first)) or '(?!)'})(?!\w))"
            rf"|(?P<F>(?<!\w)(?:{'|'.join(KINDS.values())})(?!\w))|(?P<w>{_WORD})|(?P<m>[,.:;()\u2014!?])",
            re.IGNORECASE,
        )

    def tokenize(self, sentence: str) -> list[SentenceToken]:
        """The words of a sentence, in order."""
        return [
            SentenceToken(self._classify_word(m), m[0].lower(), m.start(), m.end())
            for m in self._token_pattern.finditer(sentence)
        ]

    def _classify_word(self, match: re.Match[str]) -> str:
        kind = match.lastgroup
        if kind == "F":
            return next(
                letter
                for letter, known in _COMPILED.items()
                if known.fullmatch(match[0]) or _is_possessive_ending(match)
            )
        if kind == "m":
            return "," if match[0] == "," else "."
        return kind or "T"


def _is_possessive_ending(match: re.Match[str]) -> bool:
    """Whether a match is the ending of a title's possessive; only there does it stand right behind a mark."""
    return match[0].lower() in ("'s", "s")


_COMPILED = {kind: re.compile(pattern.removeprefix(r"(?<=\u27e7)"), re.IGNORECASE) for kind, pattern in KINDS.items()}
