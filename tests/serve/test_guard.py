"""What every request passes first: a body that does not come is refused, and keeps no place."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="thinkrec[serve] is not installed")
pytest.importorskip("prometheus_client", reason="thinkrec[serve] is not installed")
pytest.importorskip("httpx", reason="FastAPI's test client needs httpx")

from thinkrec.serve import guard
from thinkrec.serve.app import create_app
from thinkrec.serve.service import RecommenderService


def test_a_body_that_does_not_come_keeps_no_place(service: RecommenderService, monkeypatch) -> None:
    monkeypatch.setattr(guard, "BODY_SECONDS", 0.2)
    app, sent, seen = create_app(service), [], []
    parts = iter([{"type": "http.request", "body": b"{", "more_body": True}])

    async def receive() -> Any:
        seen.append(service.admission.under_way)
        if (part := next(parts, None)) is None:
            await asyncio.sleep(60)
        return part or {}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "http_version": "1.1", "method": "POST", "path": "/v1/rank", "raw_path": b"/v1/rank"}
    scope |= {"query_string": b"", "headers": [(b"content-length", b"99")], "scheme": "http", "server": ("a", 1)}
    asyncio.run(asyncio.wait_for(app(scope, receive, send), 10))
    assert sent[0]["status"] == 408 and b"error" in sent[1]["body"]
    assert set(seen) == {0} and service.admission.under_way == 0
