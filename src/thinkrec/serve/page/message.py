"""The bar that says what was refused, and asks again where that may help."""

from __future__ import annotations

from collections.abc import Callable

from thinkrec.serve.page.session import Session
from thinkrec.serve.page.tags import Tag, draw_button


class MessageBar:
    """Not there without a message; screen readers read it out when it comes."""

    def __init__(self, session: Session, focus: Callable[[str], None]) -> None:
        """Build the bar where the caller stands; `focus` puts the keyboard's place on the element with a key."""
        self.session, self.focus = session, focus
        with Tag("div", "", "message hidden") as self.root:
            self.text = Tag("p", "", "message-text", role="alert")
            self.button = draw_button("Try again", self.retry, "quiet", data_key="retry")

    async def retry(self) -> None:
        """Ask again; the bar goes away meanwhile, so that the keyboard's place is handed on."""
        self.focus("person")
        await self.session.retry()

    def draw(self) -> None:
        """Bring the bar up to what the view holds."""
        view = self.session.view
        self.text.set_text(view.message)
        self.root.classes(add="" if view.message else "hidden", remove="hidden" if view.message else "")
        can_retry = view.can_retry and view.mode != "nobody"
        self.button.classes(add="" if can_retry else "hidden", remove="hidden" if can_retry else "")
