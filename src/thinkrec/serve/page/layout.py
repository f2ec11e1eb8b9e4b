"""The page as a whole: its head, its panels, and the field for a key."""

from __future__ import annotations

from nicegui import ui

from thinkrec.serve.page.people import PeoplePanel
from thinkrec.serve.page.ranking import RankingPanel
from thinkrec.serve.page.session import Session
from thinkrec.serve.page.tags import Tag
from thinkrec.serve.page.why import WhyPanel
from thinkrec.serve.service import RecommenderService


async def build_page(service: RecommenderService, keys: tuple[bytes, ...]) -> None:
    """All panels, for one visitor."""

    def redraw() -> None:
        message.set_text(session.view.message)
        for panel in panels:
            panel.draw()

    session = Session(service, redraw)
    with Tag("div", "", "page"):
        message = Tag("p", "", "message", role="alert")
        people = PeoplePanel(session)
        panels = [people, RankingPanel(session), WhyPanel(session)]
    redraw()
    await people.search("")
    ui.page_title(f"ThinkRec: {service.describe().run}")
