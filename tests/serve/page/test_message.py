"""The bar of a refusal: asks again what was refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("nicegui", reason="nicegui is missing; install thinkrec[serve]")

from thinkrec.serve.errors import QueueFullError
from thinkrec.serve.page.layout import build_page
from thinkrec.serve.service import RecommenderService


def test_what_was_refused_is_asked_again(drawn: Callable[..., None], service: RecommenderService) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise QueueFullError("900 candidates wait", 2.5)

    async def walk(page: Any) -> None:
        submit = service.loaded.queue.submit
        service.loaded.queue.submit = refuse  # type: ignore[method-assign]
        await page.press("pick 1")
        assert page.list_texts("message-text") == ["The service is busy: 900 candidates wait. Try again in 3 s."]
        assert "There is no ranking; the message above says why." in page.list_texts("muted")
        service.loaded.queue.submit = submit  # type: ignore[method-assign]
        await page.press("retry")
        assert page.list_texts("message-text") == [] and len(page.list_texts("percent")) == 10

    drawn(lambda: build_page(service, ()), walk)


def test_nothing_is_left_to_recommend(
    drawn: Callable[..., None], service: RecommenderService, monkeypatch: pytest.MonkeyPatch
) -> None:
    for entry in service.loaded.model.ds.items.ids:
        service.append_interaction("all", entry, True)

    async def walk(page: Any) -> None:
        await page.press("pick all")
        assert "Nothing is left to recommend: the history holds every film." in page.list_texts("muted")
        assert page.count("place") == 0

    monkeypatch.setattr(service, "search_users", lambda *_: RecommenderService.search_users(service, "all"))
    drawn(lambda: build_page(service, ()), walk)
