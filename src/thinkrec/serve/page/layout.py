"""The page as a whole: its panels, what it says aloud, and the field for a key."""

from __future__ import annotations

from nicegui import ui

from thinkrec.serve.keys import is_allowed
from thinkrec.serve.page.head import HeadPanel
from thinkrec.serve.page.history import HistoryPanel
from thinkrec.serve.page.key_form import require_key
from thinkrec.serve.page.message import MessageBar
from thinkrec.serve.page.people import PeoplePanel
from thinkrec.serve.page.ranking import RankingPanel
from thinkrec.serve.page.session import Session
from thinkrec.serve.page.tags import Tag
from thinkrec.serve.page.taste import TastePanel
from thinkrec.serve.page.why import WhyPanel
from thinkrec.serve.run_pair import RunPair
from thinkrec.serve.service import RecommenderService

SWAP_SECONDS = 2.0
"""How often a page looks whether another run answers by now; a comparison of two texts."""


async def build_page(service: RecommenderService, keys: tuple[bytes, ...], pair: RunPair | None = None) -> None:
    """All panels, for one visitor; with keys only once one is given."""
    root = Tag("div", "", "page")
    if keys:
        await require_key(root, lambda key: is_allowed(f"Bearer {key}", keys))
    with root:
        await build_panels(service, pair)


async def build_panels(service: RecommenderService, pair: RunPair | None = None) -> None:
    """What somebody sees who may."""
    client = ui.context.client

    def redraw() -> None:
        # An answer may arrive after its visitor has left.
        if client.is_deleted:
            return
        message.draw()
        news.set_text(session.view.news)
        for draw in draws:
            draw()

    session = Session((service,), redraw) if pair is None else Session(pair.services, redraw, pair.names)
    head = HeadPanel(session)
    message = MessageBar(session, head.section.focus)
    news = Tag("p", "", "unseen", role="status")
    with Tag("div", "", "columns"):
        with Tag("div", "", "left"):
            people, history = PeoplePanel(session), HistoryPanel(session)
        with Tag("div", "", "right" if pair is None else "right pair"):
            ranking, why, taste = RankingPanel(session), WhyPanel(session), TastePanel(session, people.pick)
    sections = [panel.section for panel in (head, people, history)]
    draws = [*(section.draw for section in sections), ranking.draw, why.section.draw, taste.section.draw]
    redraw()
    ui.timer(SWAP_SECONDS, session.notice_swap)
    await people.search("")
    ui.page_title(f"ThinkRec: {service.describe().run if pair is None else ' beside '.join(pair.names)}")
