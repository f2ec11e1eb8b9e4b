"""The panels of the page without a browser: what stands in them as text, and buttons that can be pressed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest


class DrawnPage:
    """The elements of one visitor's page."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def list_texts(self, class_: str | None = None) -> list[str]:
        """Texts of all elements, or of those with a class, in the order in which they were made."""
        elements = self.client.elements.values()
        return [one._text for one in elements if one._text and (class_ is None or class_ in one.classes)]

    def count(self, class_: str) -> int:
        """How many elements have a class."""
        return sum(class_ in one.classes for one in self.client.elements.values())

    async def press(self, key: str) -> None:
        """What a click on the button with that data-key does."""
        (button,) = [one for one in self.client.elements.values() if one.props.get("data-key") == key]
        (listener,) = button._event_listeners.values()
        result = listener.handler(None)
        if isinstance(result, Awaitable):
            await result


@pytest.fixture
def drawn() -> Callable[..., None]:
    """Runs `walk(page)` on a page that `build()` has built."""
    pytest.importorskip("nicegui", reason="nicegui is missing; install thinkrec[serve]")
    from nicegui import Client, core
    from nicegui.page import page

    def draw(build: Callable[[], Awaitable[None]], walk: Callable[[DrawnPage], Awaitable[None]]) -> None:
        async def run() -> None:
            core.loop = asyncio.get_running_loop()
            with Client(page("/")) as client:
                await build()
            await walk(DrawnPage(client))
            client.delete()

        asyncio.run(run())

    return draw
