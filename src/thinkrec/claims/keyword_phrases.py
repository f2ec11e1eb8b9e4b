"""Keywords that free prose is about to give to a title, or has just given it, for the rules of generation.

Three forms are read, in a text in which numbered marks stand for titles:

- **before a title**: "the courtroom of 'A'", "the dark comedy 'A'": a keyword, up to five plain words, the title. With
  "of", "in", "from" or "behind" among them, the same for the titles of a list behind it.
- **apposition**: "'A', a dark comedy": a title, a comma, an article, up to four plain words, the keyword.
- **company**: "'A' with its courtroom": a title, "with", a determiner, up to two plain words, the keyword.

Plain are words other than verbs of being, having and showing, modal verbs, negations, conjunctions, relative pronouns
and words that compare; in the last two forms also other than prepositions. A keyword counts where it stands in full, in
any case; of overlapping ones the longest.

What is not read: parts of a keyword ("the trial" of "murder trial"), inflections, words for the same thing, plots told
in a clause of their own ("a lawyer who..."), keywords that no shown item has, and what is said of "the film" or of "the
one they rejected". `claims.attributes` reads clauses with a verb; the readers that texts are judged by
(`claims.prose_attributes`) share no code with this.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from thinkrec.data.titles import MARK

_STOPS = (
    "is|are|was|were|be|been|being|am|isn't|wasn't|aren't|weren't|has|have|had|having|do|does|did|can|could|will|would"
    "|shall|should|may|might|must|shows?|showed|proves?|proved|suggests?|makes?|made|gets?|got|goes|went|and|or|nor"
    "|but|while|whereas|as|than|though|although|because|since|if|so|that|which|who|whom|whose|where|when|to|with"
    "|without|not|no|never|like|unlike|beside|besides|except|enjoyed|enjoys|liked|likes|loved|disliked|rejected|refused"
    "|they|he|she|it|same|spirit|vein|style|manner|tradition|company|wake|likes of"
)
_PREPOSITIONS = "of|in|from|behind|about|for|on|at|by|into|over|between|among|against|through"
_PLAIN = rf"(?!(?:{_STOPS})\b)[^\W\d_][\w'\u2019-]*"
_NARROW = rf"(?!(?:{_STOPS}|{_PREPOSITIONS})\b)[^\W\d_][\w'\u2019-]*"
_LIST_END = re.compile(rf"(?:{MARK.pattern}[\s,]*(?:and|or|nor)?[\s,]*)+$")


class GivenKeyword(NamedTuple):
    """A keyword that a text gives to the title before it."""

    keyword: str
    """In lower case."""
    number: int
    """Of the title's mark."""
    start: int
    """Where it stands in the text."""
    end: int


class PendingKeywords(NamedTuple):
    """Keywords that the end of a text gives to the title that may come next."""

    keywords: frozenset[str]
    """In lower case; empty where there are none."""
    start: int
    """Where the first of them stands in the text; its length where there are none."""


class KeywordPhraseReader:
    """Reads the keywords of noun phrases around titles; see this module."""

    def __init__(self, keywords: Iterable[str]) -> None:
        """A reader of these keywords, in lower case."""
        self.keywords = frozenset(keywords)
        longest_first = "|".join(map(re.escape, sorted(self.keywords, key=len, reverse=True))) or "(?!)"
        known = rf"(?<![\w\u27e7])(?P<k>{longest_first})(?!\w)"
        self._known = re.compile(known, re.IGNORECASE)
        self._rest = re.compile(rf"(?:\s+{_PLAIN}){{0,5}}\s*", re.IGNORECASE)
        self._behind = re.compile(
            rf"{MARK.pattern}(?:, (?:an?|the|this|that|another) (?:{_NARROW}[\s,]+){{0,4}}?"
            rf"| with (?:its|an?|the) (?:{_NARROW}[\s,]+){{0,2}}?){known}",
            re.IGNORECASE,
        )

    def find_pending_keywords(self, text: str) -> PendingKeywords:
        """The keywords that a title behind the end of a marked text would be given, by the first form.

        >>> reader = KeywordPhraseReader(["courtroom", "dark comedy"])
        >>> sorted(reader.find_pending_keywords("No. The dark comedy and the courtroom drama of").keywords)
        ['courtroom']
        """
        listed = _LIST_END.search(text)
        end = len(text) if listed is None else listed.start()
        matches = [
            match
            for match in self._known.finditer(text, 0, end)
            if self._rest.fullmatch(text, match.end(), end)
            and (listed is None or re.search(r"\b(?:of|in|from|behind)\b", text[match.end() : end]))
        ]
        if not matches:
            return PendingKeywords(frozenset(), len(text))
        return PendingKeywords(frozenset(match["k"].lower() for match in matches), matches[0].start())

    def read_given_keywords(self, text: str) -> Iterator[GivenKeyword]:
        """Yield the keywords of the second and third form; one that may be the beginning of a longer one is left out.

        >>> [one.keyword for one in KeywordPhraseReader(["war"]).read_given_keywords("\u27e60\u27e7, a slow war film")]
        ['war']
        """
        for match in self._behind.finditer(text):
            keyword = match["k"].lower()
            is_last = not text[match.end("k") :].strip()
            if not (is_last and any(other.startswith(f"{keyword} ") for other in self.keywords)):
                yield GivenKeyword(keyword, int(match[1]), match.start("k"), match.end("k"))
