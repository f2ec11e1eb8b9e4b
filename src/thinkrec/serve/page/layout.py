"""The page as a whole: its panels, what it says aloud, and the field for a key."""

from __future__ import annotations

from nicegui import ui

from thinkrec.serve.keys import is_allowed
from thinkrec.serve.page.head import HeadPanel
from thinkrec.serve.page.history import HistoryPanel
from thinkrec.serve.page.key_form import require_key
from thinkrec.serve.page.panel import Panel
from thinkrec.serve.page.people import PeoplePanel
from thinkrec.serve.page.ranking import RankingPanel
from thinkrec.serve.page.session import Session
from thinkrec.serve.page.tags import Tag
from thinkrec.serve.page.taste import TastePanel
from thinkrec.serve.page.why import WhyPanel
from thinkrec.serve.service import RecommenderService


async def build_page(service: RecommenderService, keys: tuple[bytes, ...]) -> None:
    """All panels, for one visitor; with keys only once one is given."""
    root = Tag("div", "", "page")
    if keys:
        await require_key(root, lambda key: is_allowed(f"Bearer {key}", keys))
    with root:
        await build_panels(service)


async def build_panels(service: RecommenderService) -> None:
    """What somebody sees who may."""
    panels: list[Panel] = []
    client = ui.context.client

    def redraw() -> None:
        # An answer may arrive after its visitor has left.
        if client.is_deleted:
            return
        message.set_text(session.view.message)
        news.set_text(session.view.news)
        for panel in panels:
            panel.draw()

    session = Session(service, redraw)
    panels.append(HeadPanel(session))
    message = Tag("p", "", "message", role="alert")
    news = Tag("p", "", "unseen", role="status")
    with Tag("div", "", "columns"):
        with Tag("div", "", "left"):
            people, history = PeoplePanel(session), HistoryPanel(session)
        with Tag("div", "", "right"):
            panels += [people, history, RankingPanel(session), WhyPanel(session), TastePanel(session, people.pick)]
    redraw()
    await people.search("")
    ui.page_title(f"ThinkRec: {service.describe().run}")
