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
    denied, excepted, apart = f"{A}, a slow tale, was not.", f"all but one, the exception being {A}", f"apart from {A}"
    assert is_denied(denied, list_citation_groups(denied)[0])
    assert is_excepted(excepted, list_citation_groups(excepted)[0])
    assert is_set_apart(apart, list_citation_groups(apart)[0])
    so_was, recalls = f"so was {A}", f"it recalls {A}"
    assert infer_elliptic_sign(so_was, list_citation_groups(so_was)[0], -1, None) == -1
    assert infer_elliptic_sign(recalls, list_citation_groups(recalls)[0], 1, 1) is None
