"""Ids that no database can store, and errors that nobody expected, over HTTP."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from thinkrec.serve.schemas import InteractionRequest, ScoreRequest, check_text

pytest.importorskip("fastapi", reason="thinkrec[serve] is not installed")
pytest.importorskip("prometheus_client", reason="thinkrec[serve] is not installed")
pytest.importorskip("httpx", reason="FastAPI's test client needs httpx")

from fastapi.testclient import TestClient

from thinkrec.serve.app import create_app
from thinkrec.serve.service import RecommenderService

BAD = [r"\u0000", r"a\u0000b", r"\ud800", r"x\udfff", ""]


@pytest.fixture
def client(service: RecommenderService) -> TestClient:
    return TestClient(create_app(service), raise_server_exceptions=False)


@pytest.mark.parametrize("bad", BAD)
def test_bad_ids_are_refused_wherever_they_stand(client: TestClient, service: RecommenderService, bad: str) -> None:
    bodies = {
        "/v1/recommend": f'{{"user": "{bad}"}}',
        "/v1/rank": f'{{"user": 1, "candidates": ["{bad}"]}}',
        "/v1/score": f'{{"pairs": [[1, "{bad}"]]}}',
        "/v1/explain": f'{{"history": [{{"item": "{bad}", "liked": true}}], "item": 3}}',
        "/v1/what-if": f'{{"user": 1, "changes": [{{"item": "{bad}"}}]}}',
        "/v1/interactions": f'{{"user": "{bad}", "item": 3, "liked": true}}',
        "/v1/rerank": f'{{"query": "{bad}", "documents": ["3"]}}',
    }
    for path, body in {**bodies, "/v1/recommend ": f'{{"user": 1, "{bad}x": 1}}'}.items():
        answer = client.post(path.strip(), content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code in (404, 422), (path, answer.text)
        assert list(answer.json()) == ["error"]
    assert service.store.count() == 0


@pytest.mark.parametrize("path", ["%00", "%ED%A0%80", "%FF", "..%2F..%2Fetc"])
def test_bad_ids_in_a_path_are_unknown(client: TestClient, path: str) -> None:
    assert client.get(f"/v1/users/{path}/history").status_code == 404
    assert client.get(f"/v1/users/{path}/profile").status_code == 404
    assert client.get(f"/v1/items?q={path}").status_code == 200


def test_an_unexpected_error_says_nothing_of_the_code(
    client: TestClient, service: RecommenderService, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeyError("/srv/secret.py")

    monkeypatch.setattr(service, "rank", fail)
    answer = client.post("/v1/recommend", json={"user": 1})
    assert answer.status_code == 500 and "error" in answer.json()
    assert "secret" not in answer.text and "Traceback" not in answer.text
    assert 'status="500"' in client.get("/metrics").text


def test_what_is_not_named_is_refused() -> None:
    assert check_text("a\u202eb") == "a\u202eb"
    with pytest.raises(ValidationError):
        InteractionRequest.model_validate({"user": 1, "item": 2, "liked": True, "more": 1})
    with pytest.raises(ValidationError):
        ScoreRequest.model_validate({"pairs": []})
