"""All panels, drawn for a real service without a browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("nicegui", reason="nicegui is missing; install thinkrec[serve]")


from thinkrec.serve.errors import QueueFullError
from thinkrec.serve.page.answer import FALLBACKS, WRITERS
from thinkrec.serve.page.head import THEMES
from thinkrec.serve.page.history import PHONE, SHOWN
from thinkrec.serve.page.layout import build_page
from thinkrec.serve.page.section import Section
from thinkrec.serve.page.taste import COLOURS, name_colour
from thinkrec.serve.page.view import LEVELS
from thinkrec.serve.service import RecommenderService

Draw = Callable[..., None]


def test_a_walk_through_all_panels(drawn: Draw, service: RecommenderService) -> None:
    async def walk(page: Any) -> None:
        assert [text for text in page.list_texts() if "Pick a viewer" in text]
        await page.press("pick 1")
        assert len(page.list_texts("percent")) == 10
        first = service.rank(1).items[0]
        assert first.title in page.list_texts("title")
        await page.press(f"place {first.item}")
        assert [text for text in page.list_texts("muted") if text.startswith("Written by")]
        assert page.count("effect") == len(service.explain(1, first.item).history) == 5
        newest = service.get_history(1)[-1]
        await page.press(f"flip {newest.item}")
        assert page.list_texts("status") == ["changed"]
        assert [text for text in page.list_texts() if text.startswith("was ")]
        assert "What if: 1 change" in page.list_texts()
        await page.press("level everything")
        assert [text for text in page.list_texts() if "log-odds" in text]
        assert [text for text in page.list_texts() if text.startswith("group ")] == ["group 1", "group 2"]
        await page.press("theme")
        assert THEMES[1][1] in page.list_texts()
        await page.press("undo")
        assert page.list_texts("status") == []
        await page.press("close")
        assert "Why?" in page.list_texts()

    drawn(lambda: build_page(service, ()), walk)


def test_a_refusal_is_seen(drawn: Draw, service: RecommenderService) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise QueueFullError("900 candidates wait", 2.5)

    async def walk(page: Any) -> None:
        service.loaded.queue.submit = refuse  # type: ignore[method-assign]
        await page.press("pick 1")
        assert page.list_texts("message-text") == ["The service is busy: 900 candidates wait. Try again in 3 s."]

    drawn(lambda: build_page(service, ()), walk)


def test_a_panel_is_drawn_again_only_where_it_changed(drawn: Draw, service: RecommenderService) -> None:
    draws: list[str] = []
    draw = Section.draw

    def count(section: Section) -> None:
        before = section._drawn
        draw(section)
        if section._drawn is not before:
            draws.append(str(section.root.props["aria-label"]))

    async def walk(page: Any) -> None:
        await page.press("pick 1")
        draws.clear()
        await page.press("level simple")
        assert "Pick a viewer" not in draws and "Ranking" in draws

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Section, "draw", count)
        drawn(lambda: build_page(service, ()), walk)


def test_words() -> None:
    assert name_colour(None) == "group-none" and name_colour(COLOURS + 1) == name_colour(1) == "group-1"
    assert PHONE < SHOWN and len(LEVELS) == 3
    assert set(WRITERS) == {"model", "rules", "plain"} and set(FALLBACKS) == {"busy", "deadline"}
