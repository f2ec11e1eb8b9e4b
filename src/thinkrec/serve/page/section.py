"""A section of the page that is drawn again only where what it shows has changed; each panel has one."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from thinkrec.serve.page.tags import Tag


class Section:
    """An element with a name, and `content` within, which a panel's own function fills."""

    def __init__(
        self, classes: str, label: str, list_inputs: Callable[[], tuple[Any, ...]], draw_content: Callable[[], None]
    ) -> None:
        """Build the section where the caller stands; what is not to be drawn again goes into `root`.

        Args:
            classes: of the element.
            label: its name for screen readers.
            list_inputs: all values that `draw_content` reads.
            draw_content: makes the elements; `content` is empty then.
        """
        self._list_inputs, self._draw_content = list_inputs, draw_content
        self.root = Tag("section", "", f"panel {classes}", aria_label=label)
        with self.root:
            self.content = Tag("div", "", "content")
        self._drawn: tuple[Any, ...] | None = None

    def draw(self) -> None:
        """Bring the section up to what its inputs are now."""
        inputs = self._list_inputs()
        if inputs != self._drawn:
            self._drawn = inputs
            self.content.clear()
            with self.content:
                self._draw_content()

    def show(self, is_shown: bool) -> None:
        """Have the section be there, or not, for eyes and screen readers alike."""
        self.root.classes(add="" if is_shown else "hidden", remove="hidden" if is_shown else "")

    def focus(self, key: str) -> None:
        """Put the keyboard's place on the element with that key."""
        self.root.client.run_javascript(f"thinkrecFocus({json.dumps(key)})")

    def reveal(self, key: str) -> None:
        """Scroll to the element with that key where it cannot be seen."""
        self.root.client.run_javascript(f"thinkrecReveal({json.dumps(key)})")
