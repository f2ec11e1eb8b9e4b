"""Which lines a text cites, and with which side."""

from __future__ import annotations

import numpy as np
import pytest

from thinkrec.claims.citations import Catalogue
from thinkrec.claims.grounding import GroundingCase
from thinkrec.evaluate.faithfulness.cited_lines import assign_label_directions, read_cited_lines

CASE = GroundingCase(
    history=("Tide (1990)", "Ember (1991)", "Quarry (1992)", "Tide (1990)"),
    liked=(True, False, True, True),
    target="Harbour (1999)",
)
CATALOGUE = Catalogue([*CASE.history, CASE.target])


@pytest.mark.parametrize(
    ("text", "directions", "stated", "right"),
    [
        ("Yes. This viewer liked 'Quarry'.", [0, 0, 1, 0], 1, 1),
        ("Yes. This viewer liked 'Quarry', although 'Ember' was disliked.", [0, -1, 1, 0], 2, 2),
        # A false side is what the reason argues with: it counts as stated.
        ("No. This viewer disliked 'Quarry' and liked 'Ember'.", [0, 1, -1, 0], 2, 0),
        # Nothing said: the label speaks.
        ("Yes. 'Harbour' is like 'Ember'.", [0, -1, 0, 0], 0, 0),
        # Both said: the label too.
        ("Yes. 'Ember' was liked. 'Ember' was disliked.", [0, -1, 0, 0], 0, 0),
        # Rated twice: both lines.
        ("Yes. This viewer enjoyed 'Tide'.", [1, 0, 0, 1], 2, 2),
        ("Yes. 'Harbour' should please.", [0, 0, 0, 0], 0, 0),
    ],
)
def test_directions_are_what_is_said(text: str, directions: list[int], stated: int, right: int) -> None:
    found = read_cited_lines(text, CASE, CATALOGUE)
    assert found.directions.tolist() == directions
    assert (found.stated, found.right) == (stated, right)
    assert found.is_cited.tolist() == [direction != 0 for direction in directions]


def test_label_directions_state_nothing() -> None:
    found = assign_label_directions(np.array([True, False, True]), np.array([1, 1, 0], dtype=np.int8))
    assert found.directions.tolist() == [1, 0, -1] and (found.stated, found.right) == (0, 0)
