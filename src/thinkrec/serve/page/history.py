"""The panel of the history: cards of likes and dislikes, and the editor that asks what a change would do."""

from __future__ import annotations

from functools import partial
from typing import Any

from nicegui import background_tasks

from thinkrec.serve.page.keeping import keep_changes
from thinkrec.serve.page.section import Section
from thinkrec.serve.page.session import Session
from thinkrec.serve.page.shown import count_words, shorten_title
from thinkrec.serve.page.tags import Tag, draw_button, draw_field, draw_search, draw_title, sync_rows
from thinkrec.serve.page.view import HistoryCard
from thinkrec.serve.values import ItemCard

SHOWN = 10
"""Cards that are shown at first."""
PHONE = 5
"""Cards that a phone shows at first, as look-lists.css has it; changed ones besides."""
STATUS = {"flipped": "changed", "added": "added", "removed": "taken out"}


class HistoryPanel:
    """Cards, newest first; each can be flipped or taken out, and items can be added."""

    def __init__(self, session: Session) -> None:
        """Build the panel where the caller stands."""
        self.session, self.shows_all, self.name = session, False, ""
        self.person: tuple[str, Any] = ("nobody", None)
        self.section = Section("history hidden", "History", self.list_inputs, self.draw_content)
        word = session.service.describe().item_word
        with self.section.root, Tag("div", "", "adder"):
            draw_search(f"Add a {word}", "title, keyword or id", "add", self.search)
            self.results = Tag("ul", "", "results")
        with self.section.root:
            self.cards = Tag("div", "", "cards-box")
            with Tag("div", "", "keeper hidden") as self.keeper:
                draw_field("Keep this history under a name", "name", self.read_name)
                draw_button("Keep", self.keep, "quiet", data_key="keep")

    async def search(self, text: str) -> None:
        """List items of the catalogue that could be added; without text the most rated, for a new visitor alone."""
        is_wanted = bool(text.strip()) or self.session.view.mode == "visitor"
        items = await self.session.search_items(text) if is_wanted else ()
        rows = {str(item.item): partial(self.draw_result, item) for item in items}
        empty = {"": self.draw_nothing} if text.strip() else {}
        sync_rows(self.results, rows or empty)

    def list_inputs(self) -> tuple[Any, ...]:
        """History, changes and level."""
        view = self.session.view
        return view.mode, view.user, view.history, tuple(view.changes.items()), view.level, self.shows_all

    def draw_content(self) -> None:
        """Heading and changes on top; the cards below the field that adds."""
        view, info = self.session.view, self.session.service.describe()
        if self.person != (view.mode, view.user):
            self.person, self.shows_all = (view.mode, view.user), False
            self.section.root.client.run_javascript("thinkrecClear('add')")
            self.results.clear()
            background_tasks.create(self.search(""), name="items to add")
        self.section.show(view.mode != "nobody")
        Tag("h2", "Their history" if view.mode == "user" else "Start a history", "h3")
        if view.changes and view.mode == "user":
            with Tag("div", "", "what-if"):
                Tag("span", f"What if: {count_words(len(view.changes), 'change', 'changes')}", "strong")
                with Tag("span", "", "row"):
                    draw_button("Undo", self.undo, "quiet", data_key="undo", title="Undo all changes")
                    draw_button("Keep", self.keep, "quiet", data_key="keep", title="Remember these opinions")
        has_name = view.mode == "visitor" and bool(view.changes)
        self.keeper.classes(add="" if has_name else "hidden", remove="hidden" if has_name else "")
        if view.mode == "visitor" and not view.changes:
            Tag("p", f"Like or dislike a few {info.items_word}; the ranking follows each press.", "muted small")
        self.draw_cards()

    def draw_cards(self) -> None:
        """All cards, or the newest."""
        self.cards.clear()
        cards = self.session.view.list_cards()
        first = [card for card in cards if card.status != "same"]
        shown = cards if self.shows_all else cards[: max(SHOWN, len(first))]
        with self.cards:
            with Tag("ul", "", "cards all" if self.shows_all else "cards"):
                for card in shown:
                    side = "liked" if card.liked else "disliked"
                    with Tag("li", "", f"card {side} {card.status}"):
                        self.draw_card(card)
            if len(cards) > PHONE:
                text = "Show fewer" if self.shows_all else f"Show all {len(cards):,}"
                classes = "quiet" if len(cards) > len(shown) or self.shows_all else "quiet phone-only"
                draw_button(text, self.toggle_all, classes, data_key="all")

    def draw_card(self, card: HistoryCard) -> None:
        """Title, keywords, opinion, and what can be changed."""
        with Tag("div", "", "card-text"):
            draw_title(card.title, "title clamped")
            if card.keywords and self.session.view.level != "simple":
                Tag("span", " · ".join(card.keywords), "muted small keywords")
            if card.status in STATUS:
                Tag("span", STATUS[card.status], "status small")
        item, title = ItemCard(card.item, card.title, card.keywords, 0, None), shorten_title(card.title)
        with Tag("div", "", "card-actions"):
            if card.status == "removed":
                opinion = card.liked
                draw_button(
                    "Put back",
                    lambda: self.session.set_opinion(item, opinion),
                    "quiet",
                    data_key=f"flip {card.item} out",
                    aria_label=f"Put back {title}",
                )
                return
            draw_button(
                "Liked" if card.liked else "Disliked",
                lambda: self.session.set_opinion(item, not card.liked),
                "opinion",
                data_key=f"flip {card.item}",
                title="Change the opinion",
                aria_label=f"{'Liked' if card.liked else 'Disliked'}: {title}. Change to the opposite",
            )
            draw_button(
                "×",
                lambda: self.take_out(item, card.status),
                "remove",
                data_key=f"flip {card.item} out",
                title="Take out",
                aria_label=f"Take out {title}",
            )

    def draw_result(self, item: ItemCard) -> Tag:
        """One item that could be added; what the history holds already is changed on its card."""
        held = {str(card.item) for card in self.session.view.list_cards() if card.status != "added"}
        with Tag("li", "", "result") as row:
            with Tag("div", "", "card-text"):
                draw_title(item.title, "title clamped")
                if item.keywords:
                    Tag("span", " · ".join(item.keywords), "muted small keywords")
            if str(item.item) in held:
                Tag("span", "in the history", "muted small")
                return row
            with Tag("div", "", "card-actions"):
                for liked, word in ((True, "Like"), (False, "Dislike")):
                    draw_button(
                        word,
                        partial(self.session.set_opinion, item, liked),
                        f"add {word.lower()}",
                        data_key=f"add {item.item} {word}",
                        aria_label=f"{word} {shorten_title(item.title)}",
                    )
        return row

    def draw_nothing(self) -> Tag:
        """The line of an empty list."""
        return Tag("li", f"No {self.session.service.describe().item_word} holds these words.", "muted small")

    async def take_out(self, item: ItemCard, status: str) -> None:
        """Take one item out; a card that goes away hands the keyboard's place on."""
        if status == "added":
            self.section.focus("add")
        await self.session.set_opinion(item, None)

    async def undo(self) -> None:
        """Back to the history as it was."""
        self.section.focus("add")
        await self.session.drop_changes()

    def read_name(self, text: str) -> None:
        """What a visitor wants to be called."""
        self.name = text.strip()

    async def keep(self) -> None:
        """Store the opinions."""
        view = self.session.view
        self.section.focus("person")
        await keep_changes(self.session, view.user if view.mode == "user" else self.name)

    def toggle_all(self) -> None:
        """Show all cards, or the newest alone."""
        self.shows_all = not self.shows_all
        self.section.draw()
