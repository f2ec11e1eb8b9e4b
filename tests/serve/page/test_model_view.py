"""The places of one model, before and after a change."""

from __future__ import annotations

from typing import cast

from thinkrec.serve.page.model_view import TOP, ModelView
from thinkrec.serve.values import ModelInfo, Moved, RankedItem, Ranking, Reason, WhatIf

ITEMS = tuple(RankedItem(n, n, f"Film {n}", -float(n), 0.5) for n in range(1, 15))
RANKING = Ranking(7, ITEMS, 500, "all 500 films", 0, cast(ModelInfo, None))


def test_the_best_are_shown_and_those_below_are_known() -> None:
    model = ModelView(ranking=RANKING)
    assert len(model.list_places()) == TOP and model.count_places() == 14
    below = model.find_place("14")
    assert below is not None and below.rank == 14 and below.before is None and model.find_place(15) is None
    assert ModelView().list_places() == () and ModelView().count_places() == 0


def test_after_a_change_a_place_says_what_it_was() -> None:
    moved = Moved(3, "Film 3", 7, 1, 0.1, 0.9, 0.2, 0.8)
    what_if = WhatIf((), (), (moved,), (), (), None, None, cast(ModelInfo, None))
    (place,) = ModelView(ranking=RANKING, what_if=what_if).list_places()
    assert (place.rank, place.probability, place.before) == (1, 0.8, (7, 0.1, 0.2))


def test_an_answer_is_forgotten_and_the_ranking_is_not() -> None:
    model = ModelView(ranking=RANKING, reason=Reason("Yes.", "rules", None, True, (), ()))
    values = model.list_values()
    model.clear_answer()
    assert model.reason is None and model.ranking is RANKING and model.list_values() != values
