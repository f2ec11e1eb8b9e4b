"""The best of several reasons that the model drew for one row, by a stated criterion.

No criterion knows a reference or the row's own label. `agreement` asks the readers of plain claims (`claims.polarity`,
`claims.attributes`); the readers of free prose stay out of it, since texts are judged by them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from thinkrec.claims.citations import Catalogue
from thinkrec.claims.function_words import FUNCTION_WORDS, LIKING_WORDS
from thinkrec.claims.grounding import GroundingCase, ground_reason
from thinkrec.decoding.config import SampleCriterion
from thinkrec.decoding.sampling import find_content_words


class DrawnReason(NamedTuple):
    """One of the reasons drawn for a row."""

    text: str
    """As it would be shown."""
    marked: str
    """The same with marks for its titles."""
    log_probability: float
    """Mean of ln p(token) under the model alone, in nats."""


AgreementCounter = Callable[[int, str], tuple[int, int]]
"""Counts the (faults, claims that are so) of a text about the n-th row."""


def choose_reason(
    drawn: Sequence[DrawnReason], choose_by: SampleCriterion, count_agreement: Callable[[str], tuple[int, int]]
) -> int:
    """Place of the best of the reasons of one row; of equal ones the first. See `DecodingConfig.choose_by`."""

    def rank_reason(place: int) -> tuple[float, ...]:
        reason = drawn[place]
        if choose_by == "likelihood":
            return (reason.log_probability,)
        if choose_by == "distinct_words":
            return (count_distinct_words(reason.marked), reason.log_probability)
        faults, right = count_agreement(reason.text)
        return (-faults, right, reason.log_probability)

    return max(range(len(drawn)), key=rank_reason)


def count_distinct_words(marked: str) -> int:
    """Different content words of a text with marks for its titles.

    >>> count_distinct_words("A slow drama about ghosts, and a slow drama too.")
    3
    """
    return len(find_content_words(f"{marked} ") - FUNCTION_WORDS - LIKING_WORDS)


def count_case_agreement(text: str, case: GroundingCase, catalogue: Catalogue) -> tuple[int, int]:
    """(faults, claims that are so) of a text in its case, by the readers of plain claims.

    Faults are `ReasonGrounding.untrue`, titles that the case does not show, and a target that is not named.
    """
    grounding = ground_reason(text, case, catalogue)
    elsewhere = grounding.exist - grounding.in_history
    faults = grounding.untrue + elsewhere + (not grounding.target_named)
    return faults, grounding.right + grounding.attributes_right
