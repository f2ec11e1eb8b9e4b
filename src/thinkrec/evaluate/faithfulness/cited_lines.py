"""Which history lines a reason cites, and as what: speaking for the item, or against it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from thinkrec.claims.citations import Catalogue, TitleResolver, find_citations
from thinkrec.claims.grounding import GroundingCase
from thinkrec.claims.polarity import read_claims


@dataclass(frozen=True, eq=False)
class CitedLines:
    """The lines of one row that a reason cites, each with its stated direction."""

    directions: np.ndarray
    """int8 (h,), oldest line first: 1 cited as speaking for the item, -1 as speaking against it, 0 not cited."""
    stated: int = 0
    """Cited lines of which the reason says that they were liked or disliked."""
    right: int = 0
    """Of these, those whose label is that."""

    @property
    def is_cited(self) -> np.ndarray:
        """Bool (h,)."""
        return self.directions != 0


def read_cited_lines(text: str, case: GroundingCase, catalogue: Catalogue) -> CitedLines:
    """The history lines that a reason cites, by the readers of `claims`.

    The stated direction of a line: for, where its title is said to be liked, against, where it is said to be disliked,
    whatever the verdict: "Yes, although 'A' was disliked" cites A against the item. Where nothing is said, or both, it
    is that of the line's label: who cites a liked film without a word about it lets the like speak. A title that stands
    for several lines (rated twice, or a series) cites all of them.
    """
    resolver = TitleResolver(catalogue, case.history, case.target)
    citations = find_citations(text, resolver)
    sides = read_claims(text, [(citation.start, citation.end) for citation in citations], case.keywords)
    claims: dict[int, set[int]] = defaultdict(set)
    for citation, side in zip(citations, sides, strict=True):
        for position in citation.history_positions:
            claims[position] |= set() if side is None else {side}
    directions = np.zeros(len(case.history), dtype=np.int8)
    stated = right = 0
    for position, sides_said in claims.items():
        own = 1 if case.liked[position] else -1
        directions[position] = own
        if len(sides_said) == 1:
            directions[position] = next(iter(sides_said))
            stated += 1
            right += int(directions[position] == own)
    return CitedLines(directions, stated, right)


def assign_label_directions(cited: np.ndarray, labels: np.ndarray) -> CitedLines:
    """Lines, bool (h,), cited with the side that their labels (h,) give them; nothing is stated in words."""
    return CitedLines(np.where(cited, 2 * labels.astype(np.int8) - 1, 0).astype(np.int8))
