"""What a visitor of the page does, asked of the service in worker threads, with refusals as messages."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from thinkrec.errors import ThinkRecError
from thinkrec.serve.errors import OverloadedError
from thinkrec.serve.page.shown import count_words, format_probability
from thinkrec.serve.page.view import Level, View
from thinkrec.serve.service import RecommenderService
from thinkrec.serve.values import ItemCard, UserCard

LOGGER = logging.getLogger("thinkrec.serve")
WORKERS = ThreadPoolExecutor(32, thread_name_prefix="thinkrec-page")
"""Threads that wait for the service: a question may wait for its turn, and nobody else's page may stand still."""
TOP = 10
"""Places of the ranking that are shown."""
Answer = TypeVar("Answer")


class Session:
    """One visitor's questions. Answers that come after the next question are thrown away."""

    def __init__(self, service: RecommenderService, redraw: Callable[[], None]) -> None:
        """`redraw`: called whenever `view` has changed."""
        self.service, self.redraw, self.view = service, redraw, View()
        self._turn = 0

    # -- who ---------------------------------------------------------------------------------------------------------

    async def search_users(self, text: str) -> tuple[UserCard, ...]:
        """Users whose id begins with a text."""
        return await self._ask(self.service.search_users, text, 8) or ()

    async def search_items(self, text: str) -> tuple[ItemCard, ...]:
        """Items by words."""
        return await self._ask(self.service.search_items, text, 8) or ()

    async def pick_user(self, user: Any) -> None:
        """Look at a known user."""
        self._start(View(level=self.view.level, mode="user", user=user))
        turn = self._turn
        history = await self._ask(self.service.get_history, user)
        if turn == self._turn and history is not None:
            self.view.history = history
            self.redraw()
            await self._rank()

    async def start_visitor(self) -> None:
        """Look at somebody of whom nothing is known."""
        self._start(View(level=self.view.level, mode="visitor"))
        await self._rank()

    def set_level(self, level: Level) -> None:
        """Show more or less."""
        self.view.level = level
        self.redraw()

    # -- what if -----------------------------------------------------------------------------------------------------

    async def set_opinion(self, card: ItemCard, liked: bool | None) -> None:
        """Like, dislike or take out one item; an opinion that the history holds anyway is no change."""
        view, name = self.view, str(card.item)
        known = {str(entry.item): entry.liked for entry in view.history}
        if (liked is None and name not in known) or (name in known and known[name] == liked):
            view.changes.pop(name, None)
        else:
            view.changes[name] = (card, liked)
        await self._rank()

    async def drop_changes(self) -> None:
        """Back to the history as it was."""
        self.view.changes.clear()
        await self._rank()

    # -- why ---------------------------------------------------------------------------------------------------------

    async def explain(self, item: Any, title: str) -> None:
        """Ask about one item: first the score and the effects, then the reason."""
        self.view.item, self.view.title = item, title
        self._clear_answer()
        await self._explain(self._begin())

    def close_answer(self) -> None:
        """Ask about nothing."""
        self._begin()
        self.view.item = None
        self._clear_answer()
        self.redraw()

    # -- inside ------------------------------------------------------------------------------------------------------

    def _start(self, view: View) -> None:
        self.view = view
        self._begin()

    def _begin(self) -> int:
        self._turn += 1
        self.view.message = ""
        return self._turn

    def _clear_answer(self) -> None:
        view = self.view
        view.answer = view.before = view.reason = view.reason_before = None

    async def _rank(self) -> None:
        """Rank, and ask again about the item that is looked at."""
        turn, view = self._begin(), self.view
        view.is_ranking = True
        self.redraw()
        changes, item = view.list_changes(), view.item
        options = {"history": view.get_base(), "top": TOP}
        if changes:
            compare = self.service.compare_what_if
            what_if = await self._ask(compare, view.user, changes=changes, item=item, reason="none", **options)
            ranking = view.ranking
        else:
            what_if, ranking = None, await self._ask(self.service.rank, view.user, **options)
        profile = await self._describe() if turn == self._turn else None
        if turn != self._turn:
            return
        view.is_ranking = False
        if (what_if if changes else ranking) is not None:
            view.ranking, view.what_if, view.profile = ranking, what_if, profile
            view.news = f"The ranking is there, {count_words(len(view.list_places()), 'line', 'lines')}."
        if item is not None:
            self._clear_answer()
        if what_if is not None:
            view.answer, view.before = what_if.after, what_if.before
        self.redraw()
        if item is not None:
            await self._explain(turn)

    async def _describe(self) -> Any:
        view = self.view
        if view.what_if is None and not view.changes:
            return await self._ask(self.service.describe_user, view.user, history=view.get_base())
        held = [(card.item, card.liked) for card in reversed(view.list_cards()) if card.status != "removed"]
        return await self._ask(self.service.describe_user, view.user, history=held)

    async def _explain(self, turn: int) -> None:
        view = self.view
        view.is_scoring, view.is_writing = view.answer is None, True
        self.redraw()
        if view.answer is None:
            await self._ask_why(turn, "none")
            view.is_scoring = False
            self.redraw()
        if turn == self._turn and view.answer is not None:
            await self._ask_why(turn, "auto")
        if turn == self._turn:
            view.is_scoring = view.is_writing = False
            self.redraw()

    async def _ask_why(self, turn: int, reason: str) -> None:
        """The answer with its effects where no reason is wanted; else the reason alone."""
        view, is_first = self.view, reason == "none"
        options = {"history": view.get_base(), "item": view.item, "reason": reason, "effects": is_first}
        changes = view.list_changes()
        before = None
        if changes:
            compare = self.service.compare_what_if
            what_if = await self._ask(compare, view.user, changes=changes, candidates=[view.item], **options)
            answer, before = (None, None) if what_if is None else (what_if.after, what_if.before)
        else:
            answer = await self._ask(self.service.explain, view.user, **options)
        if turn != self._turn or answer is None:
            return
        if is_first:
            view.answer, view.before = answer, before
            view.news = f"{view.title}: {format_probability(answer.probability)} likely to be liked."
        else:
            view.reason, view.reason_before = answer.reason, None if before is None else before.reason
            view.news = f"The reason for {view.title} is there."

    async def _ask(self, call: Callable[..., Answer], *args: Any, **options: Any) -> Answer | None:
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


def describe_refusal(error: Exception) -> str:
    """What a visitor reads of an error; of one that is no refusal only the log says what it was."""
    if isinstance(error, OverloadedError):
        return f"The service is busy: {error}. Try again in {max(1, math.ceil(error.retry_after))} s."
    if isinstance(error, ThinkRecError):
        text = str(error).encode("utf-8", "backslashreplace").decode()
        return f"{text[:500]}..." if len(text) > 500 else text
    LOGGER.error("a question of the page failed", exc_info=error)
    return "Something failed that should not; the operator of the service finds what in the log."
