"""Elements hold text, never markup."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("nicegui", reason="nicegui is missing; install thinkrec[serve]")

from thinkrec.serve.page.tags import Tag, draw_button, draw_field, draw_search, sync_rows

HOSTILE = '<img src=x onerror="alert(1)"> :title="alert(2)" v-html=x'


def test_text_and_attributes_are_values(drawn: Callable[..., None]) -> None:
    tags: list[Tag] = []

    async def build() -> None:
        tags.append(Tag("p", HOSTILE, "muted small", aria_label=HOSTILE, for_="x"))

    async def walk(_: Any) -> None:
        sent = tags[0]._to_dict()
        assert sent["text"] == HOSTILE and sent["tag"] == "p" and sent["class"] == ["muted", "small"]
        assert sent["props"] == {"aria-label": HOSTILE, "for": "x"}

    drawn(build, walk)


def test_buttons_and_fields_call_with_what_they_have(drawn: Callable[..., None]) -> None:
    heard: list[Any] = []

    async def search(text: str) -> None:
        heard.append(text)

    async def build() -> None:
        draw_button("Go", lambda: heard.append("go"), data_key="go")
        draw_field("Name", "name", heard.append)
        draw_search("Find", "such as", "find", search)

    async def walk(page: Any) -> None:
        await page.press("go")
        for key in ("name", "find"):
            (field,) = [one for one in page.client.elements.values() if one.props.get("data-key") == key]
            (listener,) = field._event_listeners.values()
            result = listener.handler(type("Event", (), {"args": "x" * 2000}))
            if result is not None:
                await result
        assert [len(text) for text in heard] == [2, 1000, 200]

    drawn(build, walk)


def test_rows_that_stay_are_the_same_elements_in_the_new_order(drawn: Callable[..., None]) -> None:
    lists: list[Tag] = []

    async def build() -> None:
        lists.append(Tag("ul"))

    async def walk(_: Any) -> None:
        (rows,) = lists

        def show(*keys: str) -> list[Tag]:
            sync_rows(rows, {key: lambda key=key: Tag("li", key) for key in keys})
            return list(rows.default_slot.children)

        first = show("a", "b", "c")
        then = show("d", "c", "a")
        assert [row.text for row in then] == ["d", "c", "a"]
        assert then[1] is first[2] and then[2] is first[0] and first[1].is_deleted
        assert show() == []

    drawn(build, walk)
