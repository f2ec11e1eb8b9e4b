"""HTML elements for the panels. Their content is text or other elements, never markup: a title cannot become a tag."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from nicegui.elements.mixins.text_element import TextElement
from nicegui.events import GenericEventArguments

Handler = Callable[[], Awaitable[None] | None]


class Tag(TextElement):
    """An element with a tag, a text, classes and attributes; used as a context it takes others in."""

    def __init__(self, tag: str, text: str = "", classes: str = "", **attributes: Any) -> None:
        """Underscores in names of attributes stand for dashes: `aria_label`; one at the end is dropped: `for_`."""
        super().__init__(tag=tag, text=text)
        self.classes(classes)
        # As values of a mapping, not as a text that is parsed: an attribute may hold a title. A name that begins with
        # a colon would be run as code in the browser, so that names are never data.
        self.props.update({name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()})


def draw_button(text: str, press: Handler, classes: str = "", **attributes: Any) -> Tag:
    """A button that calls `press`; `data_key` keeps the keyboard's place when its panel is drawn again."""
    button = Tag("button", text, classes, **{"type": "button", **attributes})
    return button.on("click", lambda _: press(), args=[])


def draw_search(
    label: str, example: str, key: str, search: Callable[[str], Awaitable[None]], classes: str = ""
) -> tuple[Tag, Tag]:
    """(label, field): a field that calls `search` with what stands in it, a moment after the last key."""
    name = Tag("label", label, "label", **{"for": key})
    field = Tag("input", "", f"field {classes}", type="search", placeholder=example, autocomplete="off", data_key=key)
    field.props["id"] = key

    async def read(event: GenericEventArguments) -> None:
        await search(str(event.args)[:200])

    field.on("input", read, throttle=0.25, leading_events=False, js_handler="(e) => emit(e.target.value)")
    return name, field
