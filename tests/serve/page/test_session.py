"""A visitor's questions to a real service, without a page."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from thinkrec.serve.errors import QueueFullError
from thinkrec.serve.page.keeping import keep_changes
from thinkrec.serve.page.refusals import describe_refusal
from thinkrec.serve.page.session import Session
from thinkrec.serve.service import RecommenderService
from thinkrec.serve.values import ItemCard


@pytest.fixture
def session(service: RecommenderService) -> Session:
    return Session((service,), lambda: None)


def make_card(session: Session, place: int) -> ItemCard:
    entry = session.view.history[place]
    return ItemCard(entry.item, entry.title, entry.keywords, 0, None)


def test_pick_rank_explain_flip(session: Session) -> None:
    async def walk() -> None:
        await session.pick_user(1)
        view = session.view
        first = view.first.list_places()[0]
        assert first.before is None and view.profile is not None and len(view.first.list_places()) == 10
        await session.explain(first.item, first.title)
        assert view.first.answer is not None and view.first.before is None and view.first.reason is not None
        assert view.first.answer.score == pytest.approx(first.score, abs=1e-4)
        assert all(line.effect is not None for line in view.first.answer.history)
        score = view.first.answer.score
        await session.set_opinion(make_card(session, -1), not view.history[-1].liked)
        assert view.first.before is not None and view.first.before.score == pytest.approx(score, abs=1e-4)
        assert view.first.answer is not None and view.first.answer.score != pytest.approx(score, abs=1e-4)
        assert view.first.reason is not None and view.first.reason_before is not None
        assert all(place.before is not None for place in view.first.list_places())
        await session.set_opinion(make_card(session, -1), view.history[-1].liked)
        assert not view.changes and view.first.before is None and view.first.what_if is None
        assert view.first.answer is not None and view.first.answer.score == pytest.approx(score, abs=1e-4)

    asyncio.run(walk())


def test_a_new_visitor_starts_a_history_and_keeps_it(session: Session, service: RecommenderService) -> None:
    async def walk() -> None:
        await session.start_visitor()
        nobody = [place.item for place in session.view.first.list_places()]
        cards = await session.search_items("")
        await session.set_opinion(cards[0], True)
        await session.set_opinion(cards[1], False)
        assert [place.before is not None for place in session.view.first.list_places()] == [True] * 10
        assert cards[0].item not in [place.item for place in session.view.first.list_places()]
        assert len(nobody) == 10 and service.store.count() == 0
        await keep_changes(session, "1")
        assert "already somebody called 1" in session.view.message and service.store.count() == 0
        await keep_changes(session, "")
        assert "Give a name" in session.view.message and service.store.count() == 0
        await keep_changes(session, "ada")
        assert service.store.count() == 2
        assert session.view.mode == "user" and [entry.liked for entry in session.view.history] == [True, False]

    asyncio.run(walk())


def test_what_was_taken_out_is_not_kept_and_it_says_so(session: Session, service: RecommenderService) -> None:
    async def walk() -> None:
        await session.pick_user(1)
        await session.set_opinion(make_card(session, 0), None)
        await keep_changes(session, 1)
        assert service.store.count() == 0
        assert session.view.message.startswith("1 line taken out came back")

    asyncio.run(walk())


def test_an_answer_that_comes_too_late_is_thrown_away(session: Session) -> None:
    release = threading.Event()
    explain = session.service.explain

    def explain_slowly(user: Any, **options: Any) -> Any:
        if options["item"] == 2:
            release.wait(10)
        return explain(user, **options)

    session.service.explain = explain_slowly  # type: ignore[method-assign]

    async def walk() -> None:
        await session.pick_user(1)
        slow = asyncio.create_task(session.explain(2, "two"))
        await asyncio.sleep(0)
        await session.explain(3, "three")
        release.set()
        await slow
        assert session.view.first.answer is not None and session.view.first.answer.item == 3
        assert len(session.view.first.list_places()) == 10

    asyncio.run(walk())


def test_a_refusal_is_a_message_and_the_ranking_stays(session: Session) -> None:
    async def walk() -> None:
        await session.pick_user(1)
        places = session.view.first.list_places()

        def refuse(*_: Any, **__: Any) -> None:
            raise QueueFullError("900 candidates wait", 2.5)

        session.service.loaded.queue.submit = refuse  # type: ignore[method-assign]
        await session.set_opinion(make_card(session, 0), None)
        assert session.view.message == "The service is busy: 900 candidates wait. Try again in 3 s."
        assert session.view.first.list_places() == places and not session.view.first.is_ranking
        await session.pick_user("nobody")
        assert "nobody" in session.view.message and session.view.first.list_places() == ()

    asyncio.run(walk())


def test_an_unforeseen_error_says_nothing_of_itself(caplog: pytest.LogCaptureFixture) -> None:
    assert "secret" not in describe_refusal(ValueError("secret"))
    assert caplog.records[0].exc_info is not None


def test_another_run_is_noticed_and_asked(session: Session, service: RecommenderService, beside_folder: Path) -> None:
    async def walk() -> None:
        await session.notice_swap()
        assert session.view.message == ""
        await session.pick_user(1)
        before = [place.score for place in session.view.first.list_places()]
        await session.notice_swap()
        assert session.view.message == ""
        service.swap_run(beside_folder)
        await session.notice_swap()
        assert session.view.message == "Another version of run answers now; all was asked again."
        assert [place.score for place in session.view.first.list_places()] != before

    asyncio.run(walk())
