"""The rule on keywords for free prose: no shown item is given a keyword that it lacks, in the forms that are read.

Read are clauses with a verb (`claims.attributes`) and noun phrases around titles (`claims.keyword_phrases`, which says
what is not read). A keyword that stands before its title narrows the titles that may open; one that stands behind it is
taken back. Nothing is forced: where the plain form's rule makes a keyword follow, free prose goes on as it likes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from thinkrec.claims.attributes import AttributeReader
from thinkrec.claims.keyword_phrases import KeywordPhraseReader
from thinkrec.data.titles import MARK
from thinkrec.decoding.backtracking import Violation


class FalseKeyword(NamedTuple):
    """A keyword that a text gives an item that lacks it, or denies one that has it."""

    keyword: str
    """In lower case."""
    start: int
    """Where it stands."""
    end: int
    complete_at: int
    """Where the claim is complete: behind a later title, where the keyword stands before it."""
    citation: int | None
    """Of these, which citation of the text, counted from 0; None where the target is meant without its name."""


class ProseKeywordRule:
    """What a marked text says of keywords, held against what the items have."""

    def __init__(
        self,
        title_keywords: Mapping[int, frozenset[str]],
        target: frozenset[str] | None,
        signs: Sequence[int],
        targets: Sequence[int],
    ) -> None:
        """A rule for one row.

        Args:
            title_keywords: keywords in lower case by the number of a title's mark.
            target: those of the item that the text is about.
            signs: 1, -1 or 0 for each title: whether it was liked.
            targets: numbers of the titles that name the target.
        """
        self.title_keywords, self.signs, self.targets = title_keywords, signs, frozenset(targets)
        self._reader = AttributeReader(title_keywords, target)
        self._phrases = KeywordPhraseReader(self._reader.known)

    def find_pending_keywords(self, text: str) -> frozenset[str]:
        """The keywords that a title has to have that is cited behind a text."""
        pending = self._reader.find_pending_attributes(text)
        shared = frozenset() if pending is None else pending[0] & self._reader.known
        return self._phrases.find_pending_keywords(text).keywords | shared

    def find_violation(self, text: str) -> Violation | None:
        """The first false claim of a text that is being written, and what to take back."""
        for one in self.read_false_keywords(text):
            if one.complete_at == one.end == len(text) and self._may_go_on(one.keyword):
                continue  # "dark" may become "dark comedy"
            if one.citation is not None and one.complete_at > one.end and self._is_example(text, one.citation):
                number = int(MARK.findall(text)[one.citation])
                # The keyword came first: another title, of the same side.
                return Violation(one.start, one.citation, self.signs[number], frozenset((one.keyword,)))
            return Violation(one.start, phrase_end=one.end)
        return None

    def read_false_keywords(self, text: str) -> Iterator[FalseKeyword]:
        """Yield what is said of keywords and is not so, claims with a verb first."""
        for claim in self._reader.read_attribute_claims(text):
            if claim.is_known_keyword and not claim.is_correct:
                yield FalseKeyword(claim.attribute, claim.start, claim.end, claim.complete_at, claim.citations[-1])
        for given in self._phrases.read_given_keywords(text):
            has = self.title_keywords.get(given.number)
            if has is not None and given.keyword not in has:
                yield FalseKeyword(given.keyword, given.start, given.end, given.end, None)

    def _may_go_on(self, keyword: str) -> bool:
        return any(other.startswith(f"{keyword} ") for other in self._reader.known)

    def _is_example(self, text: str, citation: int) -> bool:
        """Whether a citation is of a rated item and not of the target."""
        number = int(MARK.findall(text)[citation])
        return number not in self.targets and self.signs[number] != 0
