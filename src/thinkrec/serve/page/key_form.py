"""The field for an API key. Nothing else is on the page until a key is given; the tab then remembers it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from nicegui import app, ui

from thinkrec.serve.page.tags import Tag, draw_button, draw_field

PLACE = "thinkrec-key"


async def require_key(root: Tag, is_allowed: Callable[[str], bool]) -> None:
    """Wait until this tab has given a valid key, now or earlier; each key is checked again for each visit."""
    # What a tab gave earlier is known once its websocket is there.
    await ui.context.client.connected()
    memory = app.storage.tab
    if is_allowed(memory.get(PLACE, "")):
        return
    given = asyncio.Event()
    typed = ""

    def read(text: str) -> None:
        nonlocal typed
        typed = text

    async def check() -> None:
        if is_allowed(typed.strip()):
            memory[PLACE] = typed.strip()
            given.set()
            return
        # A pause, so that nobody tries keys quickly.
        await asyncio.sleep(1)
        fault.set_text("This is no valid key of the service.")

    with root, Tag("section", "", "panel key-form", aria_label="Access") as form:
        Tag("h1", "ThinkRec")
        Tag("p", "This service asks for an API key. The key stays with this tab, for at most twelve hours.", "muted")
        field = draw_field("API key", "key", read, type="password")
        field.on("keydown.enter", lambda _: check(), args=[])
        draw_button("Open", check, "strong-button", data_key="open")
        fault = Tag("p", "", "fault", role="alert")
    await given.wait()
    form.delete()
