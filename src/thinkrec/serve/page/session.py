"""What a visitor of the page does, asked of the service in worker threads, with refusals as messages."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from thinkrec.serve.page.refusals import describe_refusal
from thinkrec.serve.page.shown import count_words, format_probability
from thinkrec.serve.page.view import Level, View
from thinkrec.serve.service import RecommenderService
from thinkrec.serve.values import ItemCard, ServedExplanation, UserCard

WORKERS = ThreadPoolExecutor(32, thread_name_prefix="thinkrec-page")
"""Threads that wait for the service: a question may wait for its turn, and nobody else's page may stand still."""
REACH = 300
"""So many of a user's best are ranked again after a change, rather than the whole catalogue twice."""
Answer = TypeVar("Answer")


class Session:
    """One visitor's questions. Answers that come after the next question are thrown away."""

    def __init__(self, service: RecommenderService, redraw: Callable[[], None]) -> None:
        """`redraw`: called whenever `view` has changed."""
        self.service, self.redraw, self.view = service, redraw, View()
        self._turn = self._asked = 0

    async def search_users(self, text: str) -> tuple[UserCard, ...]:
        """Users whose id begins with a text."""
        return await self.ask(self.service.search_users, text, 8) or ()

    async def search_items(self, text: str) -> tuple[ItemCard, ...]:
        """Items by words."""
        return await self.ask(self.service.search_items, text, 8) or ()

    async def pick_user(self, user: Any) -> None:
        """Look at a known user."""
        self._start(View(level=self.view.level, mode="user", user=user))
        turn = self._turn
        history = await self.ask(self.service.get_history, user)
        if turn == self._turn and history is not None:
            self.view.history = history
            self.redraw()
            await self._ask_all()

    async def start_visitor(self) -> None:
        """Look at somebody of whom nothing is known."""
        self._start(View(level=self.view.level, mode="visitor"))
        await self._ask_all()

    def set_level(self, level: Level) -> None:
        """Show more or less."""
        self.view.level = level
        self.redraw()

    async def set_opinion(self, card: ItemCard, liked: bool | None) -> None:
        """Like, dislike or take out one item; an opinion that the history holds anyway is no change."""
        view, name = self.view, str(card.item)
        known = {str(entry.item): entry.liked for entry in view.history}
        if (liked is None and name not in known) or (name in known and known[name] == liked):
            view.changes.pop(name, None)
        else:
            view.changes[name] = (card, liked)
        await self._ask_all()

    async def drop_changes(self) -> None:
        """Back to the history as it was."""
        self.view.changes.clear()
        await self._ask_all()

    async def explain(self, item: Any, title: str) -> None:
        """Ask about one item: first the score and the effects, then the reason."""
        self.view.item, self.view.title = item, title
        self._clear_answer()
        asked = self._begin_item()
        await self._measure(asked)
        await self._write(asked)

    def close_answer(self) -> None:
        """Ask about nothing."""
        self._begin_item()
        self.view.item = None
        self._clear_answer()
        self.redraw()

    def _start(self, view: View) -> None:
        self.view = view
        self._begin()

    def _begin(self) -> int:
        """Another history; answers about the one before are not wanted any more."""
        self._turn += 1
        self.view.message, self.view.is_ranking = "", False
        self._begin_item()
        return self._turn

    def _begin_item(self) -> int:
        """Another question about an item; the ranking goes on."""
        self._asked += 1
        self.view.is_scoring = self.view.is_writing = False
        return self._asked

    def _clear_answer(self) -> None:
        view = self.view
        view.answer = view.before = view.reason = view.reason_before = None

    async def _ask_all(self) -> None:
        """The answer about the item that is looked at, the ranking and the profile."""
        turn, asked, view = self._begin(), self._asked, self.view
        view.is_ranking = True
        self.redraw()
        if view.item is not None:
            # A few questions about one item, before the many about all of them: the visitor looks at that item.
            await self._measure(asked)
        if turn == self._turn:
            await asyncio.gather(self._rank(turn), self._describe(turn), self._write(asked))

    async def _rank(self, turn: int) -> None:
        view, changes = self.view, self.view.list_changes()
        what_if, ranking = None, view.ranking
        if changes:
            options = {"history": view.get_base(), "candidates": view.list_candidates(REACH), "top": REACH}
            compare = self.service.compare_what_if
            what_if = await self.ask(compare, view.user, changes=changes, reason="none", effects=False, **options)
        else:
            ranking = await self.ask(self.service.rank, view.user, history=view.get_base(), top=REACH)
        if turn != self._turn:
            return
        view.is_ranking = False
        if (what_if if changes else ranking) is not None:
            view.ranking, view.what_if = ranking, what_if
            view.news = f"The ranking is there, {count_words(len(view.list_places()), 'line', 'lines')}."
        self.redraw()

    async def _describe(self, turn: int) -> None:
        view, history = self.view, self.view.get_base()
        if view.changes:
            history = [(card.item, card.liked) for card in reversed(view.list_cards()) if card.status != "removed"]
        profile = await self.ask(self.service.describe_user, view.user, history=history)
        if turn == self._turn and profile is not None:
            view.profile = profile
            self.redraw()

    async def _measure(self, asked: int) -> None:
        """Score and effects."""
        view = self.view
        view.is_scoring = True
        self.redraw()
        answer, before = await self._ask_why("none")
        if asked == self._asked:
            # What an earlier history gave must not stand beside this one's ranking.
            self._clear_answer()
            view.is_scoring, view.answer, view.before = False, answer, before
            if answer is not None:
                view.news = f"{view.title}: {format_probability(answer.probability)} likely to be liked."
            self.redraw()

    async def _write(self, asked: int) -> None:
        """The reason for an answer that is there."""
        view = self.view
        if view.answer is None or asked != self._asked:
            return
        view.is_writing = True
        self.redraw()
        answer, before = await self._ask_why("auto")
        if asked == self._asked:
            view.is_writing = False
            if answer is not None:
                view.reason, view.reason_before = answer.reason, None if before is None else before.reason
                view.news = f"The reason for {view.title} is there."
            self.redraw()

    async def _ask_why(self, reason: str) -> tuple[ServedExplanation | None, ServedExplanation | None]:
        """The answer now, and the one before the changes; effects where no reason is wanted, else the reason alone."""
        view, changes = self.view, self.view.list_changes()
        options = {"history": view.get_base(), "item": view.item, "reason": reason, "effects": reason == "none"}
        if not changes:
            return await self.ask(self.service.explain, view.user, **options), None
        compare = self.service.compare_what_if
        what_if = await self.ask(compare, view.user, changes=changes, candidates=[view.item], **options)
        return (None, None) if what_if is None else (what_if.after, what_if.before)

    async def ask(self, call: Callable[..., Answer], *args: Any, **options: Any) -> Answer | None:
        """What the service answers; None where it refuses, and the message then says why."""
        turn = self._turn
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(WORKERS, lambda: call(*args, **options))
        except Exception as error:
            if turn == self._turn:
                self.view.message = describe_refusal(error)
            self.redraw()
            return None
