"""What all panels share: they are drawn again only where what they show has changed."""

from __future__ import annotations

import json
from typing import Any

from thinkrec.serve.page.session import Session
from thinkrec.serve.page.tags import Tag


class Panel:
    """A section of the page; `draw_content` fills `content`, which is empty then."""

    def __init__(self, session: Session, classes: str, label: str) -> None:
        """Build the section where the caller stands; what is not to be drawn again goes into `root`."""
        self.session = session
        self.root = Tag("section", "", f"panel {classes}", aria_label=label)
        with self.root:
            self.content = Tag("div", "", "content")
        self._drawn: tuple[Any, ...] | None = None

    def list_inputs(self) -> tuple[Any, ...]:
        """All values that `draw_content` reads."""
        raise NotImplementedError

    def draw_content(self) -> None:
        """The elements of the panel."""
        raise NotImplementedError

    def draw(self) -> None:
        """Bring the panel up to what the view holds."""
        inputs = self.list_inputs()
        if inputs != self._drawn:
            self._drawn = inputs
            self.content.clear()
            with self.content:
                self.draw_content()

    def focus(self, key: str) -> None:
        """Put the keyboard's place on the element with that key."""
        self.root.client.run_javascript(f"thinkrecFocus({json.dumps(key)})")

    def reveal(self, key: str) -> None:
        """Scroll to the element with that key where it cannot be seen."""
        self.root.client.run_javascript(f"thinkrecReveal({json.dumps(key)})")
