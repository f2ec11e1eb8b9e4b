"""The names of citation policies, of this version and of earlier ones."""

from __future__ import annotations

from typing import get_args

from thinkrec.decoding.policy import RENAMED_POLICIES, Cite


def test_earlier_names_stand_for_policies_that_exist() -> None:
    assert set(RENAMED_POLICIES.values()) <= set(get_args(Cite))
    assert set(RENAMED_POLICIES).isdisjoint(get_args(Cite))
