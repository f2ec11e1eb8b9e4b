"""Refusals: one shape for all, what should not be is not told, and long or unsendable text is cut."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("fastapi", reason="thinkrec[serve] is not installed")
pytest.importorskip("prometheus_client", reason="thinkrec[serve] is not installed")
pytest.importorskip("httpx", reason="FastAPI's test client needs httpx")

from fastapi.testclient import TestClient

from thinkrec.errors import CheckpointError, DataError
from thinkrec.serve.app import create_app
from thinkrec.serve.errors import QueueFullError, UnknownIdError
from thinkrec.serve.refusals import UNEXPECTED, build_refusal, convert_error
from thinkrec.serve.service import RecommenderService


def test_errors_have_their_status_and_tell_nothing_that_nobody_should_read() -> None:
    answers = [
        convert_error(error)
        for error in (
            QueueFullError("a", 1.2),
            UnknownIdError("b"),
            DataError("c"),
            CheckpointError("d"),
            KeyError("e"),
        )
    ]
    assert [answer.status_code for answer in answers] == [503, 404, 422, 503, 500]
    texts = [json.loads(bytes(answer.body))["error"] for answer in answers]
    assert texts[:3] == ["a", "b", "c"] and texts[4] == UNEXPECTED and "d" not in texts[3].split()
    assert [answer.headers.get("retry-after") for answer in answers] == ["2", None, None, "60", None]


def test_what_a_message_holds_of_a_request_can_be_sent_and_is_short() -> None:
    text = json.loads(bytes(build_refusal(422, "\ud800" + "x" * 5000).body))["error"]
    assert text.startswith("\\ud800x") and len(text) == 1003


def test_refusals_of_the_framework_have_the_shape_of_all_others(service: RecommenderService) -> None:
    client = TestClient(create_app(service), raise_server_exceptions=False)
    head = {"Content-Type": "application/json"}
    for answer, status in [
        (client.get("/v1/nowhere"), 404),
        (client.get("/v1/rank"), 405),
        (client.post("/v1/rank", content=b"\xff", headers=head), 400),
        (client.post("/v1/rank", content=b"{", headers=head), 422),
    ]:
        assert (answer.status_code, list(answer.json())) == (status, ["error"])
    assert "/openapi.json" in client.get("/v1/nowhere").json()["error"]
