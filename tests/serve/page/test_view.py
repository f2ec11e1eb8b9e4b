"""The history with a visitor's changes, and the places of the ranking."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from thinkrec.serve.page.model_view import ModelView
from thinkrec.serve.page.view import View
from thinkrec.serve.values import Change, HistoryEntry, ItemCard, ModelInfo, RankedItem, Ranking, WhatIf

HISTORY = tuple(HistoryEntry(n, f"Film {n}", (), n % 2 == 0, n, "data") for n in (1, 2, 3))


def make_card(n: int) -> ItemCard:
    return ItemCard(n, f"Film {n}", (), 0, None)


def test_cards_are_newest_first_and_say_what_was_changed() -> None:
    view = View(mode="user", user=7, history=HISTORY)
    view.changes = {"3": (make_card(3), True), "2": (make_card(2), None), "9": (make_card(9), False)}
    cards = [(card.item, card.liked, card.status) for card in view.list_cards()]
    assert cards == [(9, False, "added"), (3, True, "flipped"), (2, True, "removed"), (1, False, "same")]
    assert view.list_changes() == (Change(3, True), Change(2, None), Change(9, False))


def test_a_new_visitor_has_an_empty_history_and_a_user_their_own() -> None:
    assert View(mode="visitor").get_base() == ()
    assert View(mode="user").get_base() is None
    assert ModelView().list_places() == () == View().list_cards()


def test_after_a_change_a_users_best_are_ranked_again_and_a_visitor_gets_all() -> None:
    items = tuple(RankedItem(n, n, f"Film {n}", -n, 0.5) for n in range(1, 21))
    ranking = Ranking(7, items, 500, "all 500 films", 0, cast(ModelInfo, None))
    view = View(mode="user", user=7, history=HISTORY, models=(ModelView(ranking=ranking),))
    assert [place.item for place in view.first.list_places()] == list(range(1, 11))
    below, beyond = view.first.find_place("15"), view.first.find_place(21)
    assert below is not None and below.rank == 15 and beyond is None
    assert view.describe_candidates(view.first, 300) == "all 500 films"
    view.changes = {"4": (make_card(4), True)}
    assert view.list_candidates(6) == [1, 2, 3, 5, 6]
    view.first.what_if = cast(WhatIf, object())
    assert view.describe_candidates(view.first, 300) == "the 19 that were best before the change"
    view.mode = "visitor"
    assert view.list_candidates(6) is None and view.describe_candidates(view.first, 300) == "all 500 films"
    view = View(mode="user", models=(ModelView(ranking=replace(ranking, scored=20)),))
    assert view.list_candidates(20) is None
