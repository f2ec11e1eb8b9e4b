"""All panels with two runs, drawn for real services without a browser."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("nicegui", reason="nicegui is missing; install thinkrec[serve]")

from thinkrec.serve.page.layout import build_page
from thinkrec.serve.page.session import Session
from thinkrec.serve.run_pair import RunPair
from thinkrec.serve.values import ItemCard


def test_both_models_answer_and_both_follow_a_change(drawn: Callable[..., None], pair: RunPair) -> None:
    async def walk(page: Any) -> None:
        await page.press("pick 1")
        assert len(page.list_texts("percent")) == 20 and page.count("difference") == 20
        best = [service.rank(1, top=1).items[0] for service in pair.services]
        await page.press(f"place {best[1].item} beside")
        assert page.count("verdict") == 2 and page.count("reason-text") == 2
        # Five lines in two columns; the second model reads three of them.
        assert page.count("effect") == 5 and page.count("track") == 10
        assert page.list_texts().count("not shown to it") == 2
        newest = pair.first.get_history(1)[-1]
        await page.press(f"flip {newest.item}")
        assert page.count("move") == 20 and len([text for text in page.list_texts("was") if "%" in text]) == 2

    drawn(lambda: build_page(pair.first, (), pair), walk)


def test_both_rank_the_same_items_after_a_change(pair: RunPair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("thinkrec.serve.page.session.REACH", 5)

    async def walk() -> None:
        session = Session(pair.services, lambda: None, pair.names)
        await session.pick_user(1)
        view = session.view
        assert [model.name for model in view.models] == ["A", "B"] and [m.label for m in view.models] == [*pair.names]
        newest = view.history[-1]
        card = ItemCard(newest.item, newest.title, newest.keywords, 0, None)
        best = {one.item for model in view.models if model.ranking for one in model.ranking.items[:5]}
        assert set(view.list_candidates(5) or ()) == best
        await session.set_opinion(card, not newest.liked)
        ranked = [{one.item for one in model.what_if.ranking} for model in view.models if model.what_if]
        assert len(best) > 5 and all(items <= best for items in ranked) and len(ranked) == 2

    asyncio.run(walk())
