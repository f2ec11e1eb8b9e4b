"""The endpoints: shapes, keys, limits, and no traceback in an answer."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("fastapi", reason="thinkrec[serve] is not installed")
pytest.importorskip("prometheus_client", reason="thinkrec[serve] is not installed")
pytest.importorskip("httpx", reason="FastAPI's test client needs httpx")

from fastapi.testclient import TestClient

from thinkrec.serve.app import create_app
from thinkrec.serve.errors import QueueFullError
from thinkrec.serve.run_pair import RunPair
from thinkrec.serve.service import RecommenderService

KEY = b"0123456789abcdef"


@pytest.fixture
def client(service: RecommenderService) -> TestClient:
    return TestClient(create_app(service), raise_server_exceptions=False)


def test_a_walk_through_all_endpoints(client: TestClient) -> None:
    assert client.get("/ready").json()["status"] == "ready"
    assert client.get("/v1/model").json()["users"] == 30
    assert client.get("/v1/items?most=2").json()[0]["title"]
    assert len(client.get("/v1/users/1/history").json()) >= 6
    assert sum(weight for _, weight in client.get("/v1/users/1/profile").json()["mixture"]) == pytest.approx(1)
    top = client.post("/v1/recommend", json={"user": 1, "top": 3, "reasons": "rules"}).json()["items"]
    assert [one["rank"] for one in top] == [1, 2, 3] and top[0]["reason"]["text"]
    names = [str(one["item"]) for one in reversed(top)]
    again = client.post("/v1/rerank", json={"model": "m", "query": "1", "documents": names, "top_n": 2}).json()
    assert [one["index"] for one in again["results"]] == [2, 1]
    scores = client.post("/v1/score", json={"pairs": [[1, names[0]]]}).json()["scores"]
    assert scores == pytest.approx([top[2]["score"]], abs=1e-4)
    given = {"history": [{"item": 3, "liked": True}], "candidates": [4, 5, 5]}
    assert client.post("/v1/rank", json=given).json()["dropped"] == 1
    answer = client.post("/v1/explain", json={"user": 1, "item": 3, "reason": "rules", "effects": True}).json()
    assert all(line["effect"] is not None for line in answer["history"])
    what = {"user": 1, "changes": [{"item": answer["history"][0]["item"]}], "candidates": [3]}
    assert client.post("/v1/what-if", json=what).status_code == 200
    assert client.post("/v1/interactions", json={"user": "n", "item": 3, "liked": True, "key": "k"}).status_code == 201
    assert client.post("/v1/interactions", json={"user": "n", "item": 3, "liked": True, "key": "k"}).status_code == 200
    assert 'thinkrec_requests_total{path="/v1/rank",status="200"} 1.0' in client.get("/metrics").text


def test_two_runs_are_compared_where_there_are_two(pair: RunPair, client: TestClient) -> None:
    body = {"user": 1, "changes": [{"item": 3, "liked": True}], "item": 4, "top": 2}
    both = TestClient(create_app(pair.first, pair=pair), raise_server_exceptions=False)
    answer = both.post("/v1/compare", json=body).json()
    assert answer["first"]["answer"]["reason"]["text"] and answer["second"]["answer"]["probability"] > 0
    assert len(answer["items"]) + answer["shared"] == 4 and -1 <= answer["rank_correlation"] <= 1
    assert both.post("/v1/compare", json={"user": "nobody"}).status_code == 404
    paths = both.get("/openapi.json").json()
    shape = paths["paths"]["/v1/compare"]["post"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert shape["$ref"].endswith("/Comparison") and paths["components"]["schemas"]["CompareRequest"]["examples"]
    assert client.post("/v1/compare", json=body).status_code == 404


def test_the_stream_sends_the_score_before_the_reason(client: TestClient) -> None:
    text = client.post("/v1/explain/stream", json={"user": 1, "item": 3, "reason": "rules"}).text
    events = [part.split("\n") for part in text.strip().split("\n\n")]
    assert [event[0] for event in events] == ["event: score", "event: reason"]
    assert json.loads(events[1][1].removeprefix("data: "))["writer"] in ("rules", "plain")


def test_refusals_are_one_line_of_json(client: TestClient, service: RecommenderService) -> None:
    assert client.post("/v1/recommend", json={"user": "nobody"}).status_code == 404
    assert client.post("/v1/recommend", json={"user": 1, "path": "/etc"}).status_code == 422
    assert client.post("/v1/rank", json={"user": 1, "candidates": ["x" * 201]}).status_code == 422
    assert client.post("/v1/recommend", content=b"x" * (1 << 20 | 1)).status_code == 413

    def refuse(*_: object, **__: object) -> None:
        raise QueueFullError("full", 2.5)

    service.loaded.queue.submit = refuse  # type: ignore[method-assign]
    busy = client.post("/v1/recommend", json={"user": 1})
    assert (busy.status_code, busy.headers["retry-after"], busy.json()) == (503, "3", {"error": "full"})


def test_keys_guard_everything_but_health(service: RecommenderService) -> None:
    client = TestClient(create_app(service, (KEY,)))
    assert client.get("/health").status_code == 200
    assert client.get("/v1/model").status_code == client.get("/metrics").status_code == 401
    assert client.get("/v1/model", headers={"Authorization": f"Bearer {KEY.decode()}x"}).status_code == 401
    ok = client.get("/v1/model", headers={"Authorization": f"Bearer {KEY.decode()}", "Origin": "http://evil.example"})
    assert ok.status_code == 200 and "access-control-allow-origin" not in ok.headers
