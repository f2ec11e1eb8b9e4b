"""The side of one list within its clause."""

from __future__ import annotations

from thinkrec.claims.prose_clauses import list_citation_groups
from thinkrec.claims.prose_cue_reader import find_prose_cues
from thinkrec.claims.prose_signs import (
    find_stated_sign,
    infer_elliptic_sign,
    is_denied,
    is_excepted,
    is_set_apart,
)

A = "\u27e60\u27e7"


def test_a_verb_behind_an_apposition_decides() -> None:
    clause = f"{A}, which stirred love, was turned down"
    assert find_stated_sign(clause, list_citation_groups(clause)[0], find_prose_cues(clause)) == -1


def test_ellipses_and_exceptions() -> None:
    def group(clause: str):
        return list_citation_groups(clause)[0]

    assert is_denied(clause := f"{A}, a slow tale, was not.", group(clause))
    assert is_excepted(clause := f"all but one, the exception being {A}", group(clause))
    assert is_set_apart(clause := f"apart from {A}", group(clause))
    assert infer_elliptic_sign(clause := f"so was {A}", group(clause), -1, None) == -1
    assert infer_elliptic_sign(clause := f"it recalls {A}", group(clause), 1, 1) is None
