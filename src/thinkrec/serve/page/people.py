"""The panel in which a person is picked: a known user, or a new visitor."""

from __future__ import annotations

from functools import partial
from typing import Any

from thinkrec.serve.page.section import Section
from thinkrec.serve.page.session import Session
from thinkrec.serve.page.shown import count_words
from thinkrec.serve.page.tags import Tag, draw_button, draw_search, sync_rows
from thinkrec.serve.values import UserCard


class PeoplePanel:
    """Search and pick; folded once somebody is picked."""

    def __init__(self, session: Session) -> None:
        """Build the panel where the caller stands."""
        info = session.service.describe()
        self.session, self.word, self.is_open = session, info.user_word, True
        self.section = Section("people", f"Pick a {self.word}", self.list_inputs, self.draw_content)
        with self.section.root, Tag("div", "", "people-body") as self.body:
            draw_search(f"Find a {self.word} by the beginning of an id", "such as 17", "people", self.search)
            self.list = Tag("ul", "", "people-list")

    async def search(self, text: str) -> None:
        """List whoever begins with the text."""
        users = await self.session.search_users(text)
        rows = {f"{user.user} {user.n_ratings}": partial(self.draw_user, user) for user in users}
        sync_rows(self.list, rows or {"": self.draw_nobody})

    async def pick(self, user: Any) -> None:
        """Look at one user."""
        self.is_open = False
        self.section.focus("person")
        await self.session.pick_user(user)

    async def start_visitor(self) -> None:
        """Look at somebody new."""
        self.is_open = False
        self.section.focus("person")
        await self.session.start_visitor()

    def open(self) -> None:
        """Show the list again."""
        self.is_open = True
        self.section.draw()
        self.section.focus("people")

    def list_inputs(self) -> tuple[Any, ...]:
        """Who is picked."""
        view = self.session.view
        return view.mode, view.user, self.is_open, view.history

    def draw_content(self) -> None:
        """Who is picked, and how to pick another."""
        view, info = self.session.view, self.session.service.describe()
        self.body.classes(add="" if self.is_open else "hidden", remove="hidden" if self.is_open else "")
        if view.mode == "nobody":
            Tag("h2", f"Pick a {self.word}")
        elif view.mode == "visitor":
            Tag("h2", "A new visitor", tabindex="-1", data_key="person")
            Tag("p", f"The model knows nothing of them but the {info.items_word} you add.", "muted small")
        else:
            Tag("h2", f"{self.word.capitalize()} {view.user}", tabindex="-1", data_key="person")
            likes = sum(entry.liked for entry in view.history)
            rated = count_words(len(view.history), info.item_word, info.items_word)
            Tag("p", f"{rated}, {likes:,} liked and {len(view.history) - likes:,} not.", "muted small")
        with Tag("div", "", "row"):
            if not self.is_open:
                draw_button(f"Another {self.word}", self.open, "quiet", data_key="another")
            if view.mode != "visitor":
                draw_button("New visitor", self.start_visitor, "quiet", data_key="visitor")

    def draw_user(self, user: UserCard) -> Tag:
        """One line of the list."""
        name, rated = f"{self.word.capitalize()} {user.user}", count_words(user.n_ratings, "opinion", "opinions")
        with (
            Tag("li") as row,
            draw_button("", lambda: self.pick(user.user), "pick", data_key=f"pick {user.user}"),
        ):
            Tag("span", name, "strong")
            Tag("span", f"{rated}, {user.n_liked:,} likes", "muted small")
        return row

    def draw_nobody(self) -> Tag:
        """The line of an empty list."""
        return Tag("li", f"No {self.word} has an id that begins so.", "muted small")
