"""The panel in which a person is picked: a known user, or a new visitor."""

from __future__ import annotations

from thinkrec.serve.page.session import Session
from thinkrec.serve.page.shown import count_words
from thinkrec.serve.page.tags import Tag, draw_button, draw_search
from thinkrec.serve.values import UserCard


class PeoplePanel:
    """Search and pick; folded once somebody is picked."""

    def __init__(self, session: Session) -> None:
        """Build the panel where the caller stands."""
        self.session, self.is_open = session, True
        self.users: tuple[UserCard, ...] = ()
        self.word = session.service.describe().user_word
        self.root = Tag("section", "", "panel people", aria_label=f"Pick a {self.word}")
        with self.root:
            self.head = Tag("div", "", "people-head")
            self.body = Tag("div", "", "people-body")
            with self.body:
                draw_search(f"Find a {self.word} by id", "such as 17", "people", self.search)
                self.list = Tag("ul", "", "people-list")

    async def search(self, text: str) -> None:
        """List whoever begins with the text."""
        self.users = await self.session.search_users(text)
        self.draw_list()

    async def pick(self, user: UserCard) -> None:
        """Look at one of the list."""
        self.is_open = False
        await self.session.pick_user(user.user)

    async def start_visitor(self) -> None:
        """Look at somebody new."""
        self.is_open = False
        await self.session.start_visitor()

    def open(self) -> None:
        """Show the list again."""
        self.is_open = True
        self.draw()

    def draw(self) -> None:
        """Who is picked, and how to pick another."""
        view = self.session.view
        self.body.classes(add="" if self.is_open else "hidden", remove="hidden" if self.is_open else "")
        self.head.clear()
        with self.head:
            if view.mode == "nobody":
                Tag("h2", f"Whose taste? Pick a {self.word}")
            elif view.mode == "visitor":
                Tag("h2", "A new visitor", tabindex="-1", data_key="person")
            else:
                Tag("h2", f"{self.word.capitalize()} {view.user}", tabindex="-1", data_key="person")
            with Tag("div", "", "row"):
                if not self.is_open:
                    draw_button(f"Another {self.word}", self.open, "quiet", data_key="another")
                if view.mode != "visitor":
                    draw_button("Start as a new visitor", self.start_visitor, "quiet", data_key="visitor")

    def draw_list(self) -> None:
        """The users that were searched."""
        self.list.clear()
        with self.list:
            for user in self.users:
                with Tag("li"):
                    name = f"{self.word.capitalize()} {user.user}"
                    with draw_button("", lambda user=user: self.pick(user), "pick", data_key=f"pick {user.user}"):
                        Tag("span", name, "strong")
                        rated = count_words(user.n_ratings, "opinion", "opinions")
                        Tag("span", f"{rated}, {user.n_liked:,} of them likes", "muted")
            if not self.users:
                Tag("li", f"No {self.word} has an id that begins so.", "muted")
