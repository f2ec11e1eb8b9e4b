"""What a visitor of the page does, asked of the service in worker threads, with refusals as messages."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from string import ascii_uppercase
from typing import Any, TypeVar

from thinkrec.serve.errors import OverloadedError
from thinkrec.serve.page.model_view import ModelView
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
    """One visitor's questions. Answers that come after the next question are thrown away.

    With a second service every question about a ranking or an item goes to both; lookups go to the first.
    """

    def __init__(
        self, services: Sequence[RecommenderService], redraw: Callable[[], None], labels: Sequence[str] = ("",)
    ) -> None:
        """`redraw`: called whenever `view` has changed; `labels`: which run each service answers by."""
        self.services, self.labels, self.redraw = tuple(services), tuple(labels), redraw
        self.view = self._make_view()
        self._turn = self._asked = 0
        self._versions = self._list_versions()

    @property
    def service(self) -> RecommenderService:
        """The one that is served; another may stand beside it."""
        return self.services[0]

    async def search_users(self, text: str) -> tuple[UserCard, ...]:
        """Users whose id begins with a text."""
        return await self.ask(self.service.search_users, text, 8) or ()

    async def search_items(self, text: str) -> tuple[ItemCard, ...]:
        """Items by words."""
        return await self.ask(self.service.search_items, text, 8) or ()

    async def pick_user(self, user: Any) -> None:
        """Look at a known user."""
        self._start(self._make_view(level=self.view.level, mode="user", user=user))
        await self._read_history()

    async def start_visitor(self) -> None:
        """Look at somebody of whom nothing is known."""
        self._start(self._make_view(level=self.view.level, mode="visitor"))
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

    async def retry(self) -> None:
        """Ask again what was refused."""
        await self._read_history() if self.view.mode == "user" else await self._ask_all()

    async def notice_swap(self) -> None:
        """Ask everything again where another run answers now than when it was asked."""
        if self._versions == (versions := self._list_versions()):
            return
        self._versions = versions
        if self.view.mode == "nobody":
            self.redraw()
            return
        await self.retry()
        if not self.view.message:
            self.view.message = f"Another version of {self.service.describe().run} answers now; all was asked again."
        self.redraw()

    async def explain(self, item: Any, title: str) -> None:
        """Ask about one item: first the score and the effects, then the reason."""
        self.view.item, self.view.title = item, title
        self._clear_answers()
        asked = self._begin_item()
        await asyncio.gather(*(self._answer(asked, n) for n in range(len(self.services))))

    def close_answer(self) -> None:
        """Ask about nothing."""
        self._begin_item()
        self.view.item = None
        self._clear_answers()
        self.redraw()

    def _make_view(self, **values: Any) -> View:
        if len(self.labels) == 1:
            return View(**values)
        named = zip(ascii_uppercase, self.labels, strict=False)
        return View(models=tuple(ModelView(name, label) for name, label in named), **values)

    def _list_versions(self) -> tuple[str, ...]:
        return tuple(service.describe().version for service in self.services)

    async def _read_history(self) -> None:
        self._begin()
        turn = self._turn
        history = await self.ask(self.service.get_history, self.view.user)
        if turn == self._turn and history is not None:
            self.view.history = history
            self.redraw()
            await self._ask_all()

    def _start(self, view: View) -> None:
        self.view = view
        self._begin()

    def _begin(self) -> int:
        """Another history; answers about the one before are not wanted any more."""
        self._turn += 1
        self.view.message, self.view.can_retry = "", False
        for model in self.view.models:
            model.is_ranking = False
        self._begin_item()
        return self._turn

    def _begin_item(self) -> int:
        """Another question about an item; the ranking goes on."""
        self._asked += 1
        for model in self.view.models:
            model.is_scoring = model.is_writing = False
        return self._asked

    def _clear_answers(self) -> None:
        for model in self.view.models:
            model.clear_answer()

    async def _ask_all(self) -> None:
        """The answer about the item that is looked at, the ranking and the profile."""
        turn, asked, view = self._begin(), self._asked, self.view
        for model in view.models:
            model.is_ranking = True
        self.redraw()
        every = range(len(self.services))
        if view.item is not None:
            # A few questions about one item, before the many about all of them: the visitor looks at that item.
            await asyncio.gather(*(self._measure(asked, n) for n in every))
        if turn == self._turn:
            candidates = view.list_candidates(REACH)
            rankings = (self._rank(turn, n, candidates) for n in every)
            await asyncio.gather(*rankings, self._describe(turn), *(self._write(asked, n) for n in every))

    async def _answer(self, asked: int, n: int) -> None:
        await self._measure(asked, n)
        await self._write(asked, n)

    async def _rank(self, turn: int, n: int, candidates: list[Any] | None) -> None:
        view, service, changes = self.view, self.services[n], self.view.list_changes()
        model = view.models[n]
        what_if, ranking = None, model.ranking
        if changes:
            options = {"history": view.get_base(), "candidates": candidates, "top": REACH}
            compare = service.compare_what_if
            what_if = await self.ask(compare, view.user, changes=changes, reason="none", effects=False, **options)
        else:
            ranking = await self.ask(service.rank, view.user, history=view.get_base(), top=REACH)
        if turn != self._turn:
            return
        answered = (what_if if changes else ranking) is not None
        model.is_ranking, model.is_old = False, not answered and model.ranking is not None
        if answered:
            model.ranking, model.what_if = ranking, what_if
            lines = count_words(len(model.list_places()), "line", "lines")
            view.news = f"The ranking{_name_model(model)} is there, {lines}."
        self.redraw()

    async def _describe(self, turn: int) -> None:
        view, history = self.view, self.view.get_base()
        if view.changes:
            history = [(card.item, card.liked) for card in reversed(view.list_cards()) if card.status != "removed"]
        profile = await self.ask(self.service.describe_user, view.user, history=history)
        if turn == self._turn and profile is not None:
            view.profile = profile
            self.redraw()

    async def _measure(self, asked: int, n: int) -> None:
        """Score and effects by one model."""
        view, model = self.view, self.view.models[n]
        model.is_scoring = True
        self.redraw()
        answer, before = await self._ask_why(n, "none")
        if asked == self._asked:
            # What an earlier history gave must not stand beside this one's ranking.
            model.clear_answer()
            model.is_scoring, model.answer, model.before = False, answer, before
            if answer is not None:
                chance = format_probability(answer.probability)
                view.news = f"{view.title}{_name_model(model)}: {chance} likely to be liked."
            self.redraw()

    async def _write(self, asked: int, n: int) -> None:
        """One model's reason for its answer, where that is there."""
        view, model = self.view, self.view.models[n]
        if model.answer is None or asked != self._asked:
            return
        model.is_writing = True
        self.redraw()
        answer, before = await self._ask_why(n, "auto")
        if asked == self._asked:
            model.is_writing = False
            if answer is not None and answer.reason is not None:
                model.reason, model.reason_before = answer.reason, None if before is None else before.reason
                view.news = f"The reason for {view.title}{_name_model(model)}: {answer.reason.text}"
            self.redraw()

    async def _ask_why(self, n: int, reason: str) -> tuple[ServedExplanation | None, ServedExplanation | None]:
        """The answer now, and the one before the changes; effects where no reason is wanted, else the reason alone."""
        view, service, changes = self.view, self.services[n], self.view.list_changes()
        options = {"history": view.get_base(), "item": view.item, "reason": reason, "effects": reason == "none"}
        if not changes:
            return await self.ask(service.explain, view.user, **options), None
        compare = service.compare_what_if
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
                self.view.can_retry = isinstance(error, OverloadedError)
            self.redraw()
            return None


def _name_model(model: ModelView) -> str:
    return f" by {model.name}" if model.name else ""
