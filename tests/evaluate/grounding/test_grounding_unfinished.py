"""What unfinished sentences claim: what generation asks the reader of polarity."""

from __future__ import annotations

import pytest

from thinkrec.evaluate.grounding.polarity import claim_of_next, claims_hold

SIGNS = [1, -1, 1, 0]
"""A and C were liked, B was not, of D nothing is asked."""


def marked(text: str) -> str:
    for number, letter in enumerate("ABCD"):
        text = text.replace(f"<{letter}>", f"\u27e6{number}\u27e7")
    return text


@pytest.mark.parametrize(
    ("text", "claim"),
    [
        ("Yes. The viewer liked", 1),
        ("Yes. The viewer liked <A> and", 1),
        ("Yes. The viewer liked <A> but rejected", -1),
        ("Yes. The viewer rejected <B>. What pleased was", 1),
        ("Yes.", None),
        ("Yes. <A>,", 1),
        ("No. <B> and", -1),
        ("No. <D>,", None),
        ("Yes. The viewer liked <A>. In", None),
    ],
)
def test_the_next_title_takes_over_what_was_said(text: str, claim: int | None) -> None:
    assert claim_of_next(marked(text), SIGNS) == claim


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("Yes. <A> and <C> were liked", True),
        ("Yes. <A> and <C> were disliked", False),
        ("Yes. <A> and <C> were", True),
        ("No. <A> and <B> were enjoyed", False),
        ("No. The viewer rejected <B> and <D>", True),
        ("No. The viewer rejected <A>, but", False),
        ("Yes. <A> was liked. <A> was rejected", False),
        ("Yes. <A> was rejected. <A> was liked", False),
        ("Yes.", True),
        ("", True),
    ],
)
def test_claims_hold_as_far_as_they_can_be_read(text: str, holds: bool) -> None:
    assert claims_hold(marked(text), SIGNS) == holds
