"""One model's answer: what holds the reason's place, and what is said of one that does not hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("nicegui", reason="nicegui is missing; install thinkrec[serve]")

from thinkrec.serve.page.answer import PLACEHOLDERS, draw_reason
from thinkrec.serve.page.model_view import ModelView
from thinkrec.serve.values import Citation, Reason

BAD = Reason("No. 'Nobody' is it.", "model", None, False, ("it names 'Nobody', which no title is",), ())
GOOD = Reason("Yes. 'Film 1' is it.", "rules", "busy", True, (), (Citation(5, 13, "history", (0,)),))


def draw(drawn: Callable[..., None], model: ModelView, is_simple: bool, look: Callable[[Any], None]) -> None:
    async def build() -> None:
        draw_reason(model, is_simple)

    async def walk(page: Any) -> None:
        look(page)

    drawn(build, walk)


def test_grey_lines_hold_the_place_until_the_reason_is_there(drawn: Callable[..., None]) -> None:
    def look(page: Any) -> None:
        assert page.list_texts("working") == ["The reason is being written ..."]
        assert sum(one.tag == "span" for one in page.client.elements.values()) >= PLACEHOLDERS
        assert page.count("placeholder") == 1

    draw(drawn, ModelView(is_writing=True), False, look)
    draw(drawn, ModelView(), False, lambda page: page.count("placeholder") == 0 or pytest.fail("grey lines stay"))


def test_what_does_not_hold_is_said_even_where_little_is_shown(drawn: Callable[..., None]) -> None:
    def look(page: Any) -> None:
        assert page.list_texts("fault") == ["Not all of it holds: it names 'Nobody', which no title is."]

    draw(drawn, ModelView(reason=BAD), True, look)


def test_cited_titles_are_marked_and_the_writer_is_named(drawn: Callable[..., None]) -> None:
    def look(page: Any) -> None:
        assert page.list_texts("cited") == ["'Film 1'"]
        assert [text for text in page.list_texts("muted") if "too many wait for the model" in text]
        assert "The reason has changed." in page.list_texts("muted")

    draw(drawn, ModelView(reason=GOOD, reason_before=BAD), False, look)
