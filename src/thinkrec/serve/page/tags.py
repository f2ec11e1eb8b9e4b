"""HTML elements for the panels. Their content is text or other elements, never markup: a title cannot become a tag."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from nicegui.elements.mixins.text_element import TextElement

from thinkrec.serve.page.shown import shorten_title

LONG = 50
"""Characters of a title that may not fit in its lines."""
READ_VALUE = "(event) => emit(event.target.value)"
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


def draw_title(title: str, classes: str = "title", tag: str = "span", **attributes: Any) -> Tag:
    """A title of the data: shortened where it is very long, and written from the right where its letters are."""
    shown = shorten_title(title)
    # What is cut by the space there is can be read by pointing at it; screen readers read it whole.
    if len(shown) > LONG:
        attributes["title"] = shown
    return Tag(tag, shown, classes, dir="auto", **attributes)


def draw_model_name(name: str, label: str, tag: str = "h3") -> None:
    """One of two models: its letter, and which run it is."""
    with Tag(tag, "", "model-name"):
        Tag("span", name, "badge")
        Tag("span", label)


def draw_button(text: str, press: Handler, classes: str = "", **attributes: Any) -> Tag:
    """A button that calls `press`; `data_key` keeps the keyboard's place when its panel is drawn again."""
    button = Tag("button", text, classes, **{"type": "button", **attributes})
    return button.on("click", lambda _: press(), args=[])


def draw_field(label: str, key: str, read: Callable[[str], Awaitable[None] | None], **attributes: Any) -> Tag:
    """A field with its label; `read` is called with what stands in it, after each key unless it is slowed down."""
    Tag("label", label, "label", for_=key)
    field = Tag(
        "input", "", "field", **{"type": "text", "autocomplete": "off", "id": key, "data_key": key, **attributes}
    )
    field.on("input", lambda event: read(str(event.args)[:1000]), js_handler=READ_VALUE)
    return field


def draw_search(label: str, example: str, key: str, search: Callable[[str], Awaitable[None]]) -> Tag:
    """A field with its label; `search` is called with what stands in it, a moment after the last key."""
    Tag("label", label, "label", for_=key)
    field = Tag("input", "", "field", type="search", autocomplete="off", placeholder=example, id=key, data_key=key)
    slow = {"throttle": 0.25, "leading_events": False}
    return field.on("input", lambda event: search(str(event.args)[:200]), js_handler=READ_VALUE, **slow)


def sync_rows(container: Tag, rows: Mapping[str, Callable[[], Tag]]) -> None:
    """Have a list hold these rows by their keys, in order; one that was there stays, so that a click on it counts."""
    present = {str(row.props.get("data-row")): row for row in container.default_slot.children}
    for key, row in present.items():
        if key not in rows:
            row.delete()
    for place, (key, draw) in enumerate(rows.items()):
        row = present.get(key)
        if row is None:
            with container:
                row = draw()
            row.props["data-row"] = key
        row.move(target_index=place)
