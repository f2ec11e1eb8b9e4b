"""What unfinished sentences claim: what generation asks the reader of polarity."""

from __future__ import annotations

import pytest

from thinkrec.claims.unfinished import FalseClaim, find_first_false_claim, infer_next_claim, is_rated_title_expected

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
    assert infer_next_claim(marked(text), SIGNS) == claim


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("Yes. <A> and <C> were liked", None),
        ("Yes. <A> and <C> were disliked", FalseClaim(0, -1, 22)),
        ("Yes. <A> and <C> were", None),
        ("No. <A> and <B> were enjoyed", FalseClaim(1, 1, 21)),
        ("No. The viewer rejected <B> and <D>", None),
        ("No. The viewer rejected <A>, but", FalseClaim(0, -1, None)),
        ("Yes. <A> was liked. <A> was rejected", FalseClaim(1, -1, 28)),
        ("Yes. <A> was rejected. <A> was liked", FalseClaim(0, -1, 31)),
        ("No. <D> brings War, as <A> did, and the viewer turned", None),
        ("No. <D> brings War, as <A> did, and the viewer turned down", None),
        ("No. <D> brings War, as <A> did, and was turned down", FalseClaim(1, -1, 40)),
        ("No. <D> brings War, as <B> did, and the viewer turned down <B> and <D>", None),
        ("Yes.", None),
        ("", None),
    ],
)
def test_the_first_claim_that_does_not_hold(text: str, wrong: FalseClaim | None) -> None:
    assert find_first_false_claim(marked(text), SIGNS) == wrong
    if wrong is not None and wrong.start is not None:
        assert find_first_false_claim(marked(text)[: wrong.start], SIGNS) is None or wrong.citation == 0


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("No. <D> was liked", FalseClaim(0, 1, 12)),
        ("No. <D> was once turned down", FalseClaim(0, -1, 17)),
        ("No. <D> would be liked", None),
        ("No. <D> is likely to be disliked", None),
        ("Yes. <D> should please, as <A> was liked", None),
        ("No. <D> was made later. <B> was rejected", None),
        ("No. <D> brings War, which the viewer rejected", None),
    ],
)
def test_what_is_asked_about_was_neither_liked_nor_disliked(text: str, wrong: FalseClaim | None) -> None:
    assert find_first_false_claim(marked(text), SIGNS, targets=[3]) == wrong
    assert find_first_false_claim(marked(text), SIGNS) is None


@pytest.mark.parametrize(
    ("text", "awaits"),
    [
        ("No. The viewer turned down", True),
        ("No. The viewer turned down the slow", True),
        ("No. The viewer turned down <B>, ", True),
        ("No. The viewer turned down <B> and", True),
        ("No. The viewer turned down <B>, and", False),
        ("No. The viewer turned down <B>. So", False),
        ("No. The viewer turned down <B>; ", False),
        ("Yes. The viewer would enjoy", False),
        ("Yes. Unlike <B>, which was rejected,", False),
        ("Yes.", False),
        ("", False),
    ],
)
def test_where_only_a_rated_title_can_follow(text: str, awaits: bool) -> None:
    assert is_rated_title_expected(marked(text)) == awaits
