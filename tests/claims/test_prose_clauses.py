"""Clauses and lists of citations of free prose."""

from __future__ import annotations

from thinkrec.claims.prose_clauses import (
    is_about_earlier_titles,
    is_about_later_titles,
    list_citation_groups,
    split_prose_clauses,
)

A, B, C = "\u27e60\u27e7", "\u27e61\u27e7", "\u27e62\u27e7"


def test_a_list_is_no_new_clause_and_another_verdict_is() -> None:
    assert len(split_prose_clauses(f"they liked {A}, {B}, and {C}.")) == 1
    assert [link for _, link in split_prose_clauses(f"they liked {A}, and {B} failed.")] == ["", ", and"]


def test_titles_of_one_list_stand_together() -> None:
    groups = list_citation_groups(f"{A} and the slow {B} pleased {C}")
    assert [len(group) for group in groups] == [2, 1]


def test_what_a_verdict_is_about() -> None:
    assert is_about_earlier_titles(" they disliked both")
    assert not is_about_earlier_titles(f" they disliked {A}")
    assert is_about_later_titles(" the viewer liked", ", and", 17)
    assert not is_about_later_titles(" the viewer liked them", ", and", 17)
