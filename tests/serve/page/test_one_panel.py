"""Panels by themselves: what they say without a ranking, an answer, or anybody who fits a search."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import pytest

pytest.importorskip("nicegui", reason="nicegui is missing; install thinkrec[serve]")

from thinkrec.serve.page.message import MessageBar
from thinkrec.serve.page.model_view import ModelView
from thinkrec.serve.page.people import PeoplePanel
from thinkrec.serve.page.ranking import RankingPanel
from thinkrec.serve.page.session import Session
from thinkrec.serve.page.why import WhyPanel
from thinkrec.serve.service import RecommenderService
from thinkrec.serve.values import ModelInfo, RankedItem, Ranking

RANKING = Ranking(7, (RankedItem(1, 1, "Film 1", 0.5, 0.6),), 1, "all 1 films", 0, cast(ModelInfo, None))


def draw_apart(drawn: Callable[..., None], service: RecommenderService, look: Callable[[Session], Any]) -> None:
    session = Session((service,), lambda: None)

    async def build() -> None:
        await look(session)

    async def walk(_: Any) -> None:
        return None

    drawn(build, walk)


def test_the_ranking_says_why_it_is_empty_or_old(drawn: Callable[..., None], service: RecommenderService) -> None:
    async def look(session: Session) -> None:
        panel = RankingPanel(session)
        assert panel.describe_status(ModelView(is_ranking=True)) == "Scoring the films ..."
        assert "message above" in panel.describe_status(ModelView())
        assert "before the change" in panel.describe_status(ModelView(ranking=RANKING, is_old=True))
        assert "Nothing is left" in panel.describe_status(ModelView(ranking=replace(RANKING, items=())))
        assert panel.describe_status(ModelView(ranking=RANKING)) == "Press a line to see why."

    draw_apart(drawn, service, look)


def test_the_answer_is_drawn_anew_with_its_reason(drawn: Callable[..., None], service: RecommenderService) -> None:
    async def look(session: Session) -> None:
        panel = WhyPanel(session)
        before = panel.list_inputs()
        session.view.first.is_writing = True
        assert panel.list_inputs() != before

    draw_apart(drawn, service, look)


def test_a_search_without_anybody_and_a_message(drawn: Callable[..., None], service: RecommenderService) -> None:
    async def look(session: Session) -> None:
        assert PeoplePanel(session).draw_nobody().text == "No viewer has an id that begins so."
        bar = MessageBar(session, lambda _: None)
        bar.draw()
        assert "hidden" in bar.root.classes
        session.view.mode, session.view.message, session.view.can_retry = "user", "Busy.", True
        bar.draw()
        assert bar.text.text == "Busy." and "hidden" not in bar.root.classes and "hidden" not in bar.button.classes

    draw_apart(drawn, service, look)
