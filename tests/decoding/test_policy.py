"""The names of citation policies, of this version and of earlier ones."""

from __future__ import annotations

from typing import get_args

from thinkrec.decoding.policy import (
    DECIDING_POLICIES,
    KEYWORD_POLICIES,
    POLARITY_POLICIES,
    PROSE_KEYWORD_POLICIES,
    RENAMED_POLICIES,
    Cite,
)


def test_earlier_names_stand_for_policies_that_exist() -> None:
    assert set(RENAMED_POLICIES.values()) <= set(get_args(Cite))
    assert set(RENAMED_POLICIES).isdisjoint(get_args(Cite))


def test_every_policy_that_holds_keywords_or_deciding_lines_holds_sides_too() -> None:
    assert KEYWORD_POLICIES.isdisjoint(PROSE_KEYWORD_POLICIES)
    assert KEYWORD_POLICIES | PROSE_KEYWORD_POLICIES | DECIDING_POLICIES <= POLARITY_POLICIES < set(get_args(Cite))
    assert {"any", "history"}.isdisjoint(POLARITY_POLICIES)
