"""Words in a row that a reason says at most once, titles counted as one word."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from thinkrec.data.titles import MARK
from thinkrec.decoding.backtracking import RejectionRule, Violation
from thinkrec.decoding.free_citations import FreeCitations
from thinkrec.decoding.vocabulary import TokenVocabulary

_WORD = re.compile(rf"\w+(?:['\u2019]\w+)*|{MARK.pattern}")


def has_repeated_ngram(text: str, n: int) -> bool:
    """Whether the last n words of a text, in any case, stand together further up too.

    >>> has_repeated_ngram("a film of ideas, and A film of ideas", 4)
    True
    """
    words = [match[0] for match in _WORD.finditer(text.lower())]
    last = words[-n:]
    return len(words) > n and any(words[start : start + n] == last for start in range(len(words) - n))


class NameMasker:
    """Exchanges a name without quotes, such as the target's, for one word, so that it may be said again."""

    def __init__(self, names: Iterable[str]) -> None:
        """A masker of these names; one of a single word is a word already."""
        spaced = sorted((name for name in names if " " in name), key=len, reverse=True)
        self._pattern = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, spaced)) or '(?!)'})(?!\w)")

    def mask_names(self, text: str) -> str:
        """The text with every name as one word; nothing else changes."""
        return self._pattern.sub(lambda match: re.sub(r"\W+", "_", match[0]).strip("_"), text)


def build_repetition_rule(
    vocabulary: TokenVocabulary, titles: Sequence[str], target_names: Sequence[str], n: int
) -> RejectionRule:
    """A constraint under which no n words stand twice in a text whose citations are free; see `RejectionRule`.

    `titles` may be quoted again as one word whatever they hold; `target_names` may also stand again without quotes.
    """
    names = NameMasker(target_names)

    def find_violation(text: str) -> Violation | None:
        return Violation() if has_repeated_ngram(names.mask_names(text), n) else None

    return RejectionRule(FreeCitations(vocabulary, titles), find_violation)
