"""A bound on the requests under way: what is beyond it is refused, and what has ended makes room."""

from __future__ import annotations

import threading

import pytest

from thinkrec.serve.admission import Admission


def test_so_many_are_let_in_and_the_ended_make_room() -> None:
    admission = Admission(2)
    assert [admission.allow_request() for _ in range(4)] == [True, True, False, False]
    assert (admission.under_way, admission.refused) == (2, 2)
    assert not admission.has_room() and admission.refused == 3
    admission.finish_request()
    assert admission.has_room() and admission.under_way == 1
    assert admission.allow_request() and not admission.allow_request()


def test_health_and_metrics_answer_while_all_others_are_refused(service) -> None:
    pytest.importorskip("fastapi", reason="thinkrec[serve] is not installed")
    pytest.importorskip("prometheus_client", reason="thinkrec[serve] is not installed")
    pytest.importorskip("httpx", reason="FastAPI's test client needs httpx")
    from fastapi.testclient import TestClient

    from thinkrec.serve.app import create_app

    service.admission = Admission(1)
    begun, go_on = threading.Event(), threading.Event()

    def wait(*_: object, **__: object) -> tuple[()]:
        begun.set()
        assert go_on.wait(20)
        return ()

    service.search_items = wait
    with TestClient(create_app(service)) as client:
        slow = threading.Thread(target=client.get, args=("/v1/items",))
        slow.start()
        assert begun.wait(10)
        busy = client.get("/v1/model")
        assert (busy.status_code, busy.headers["retry-after"]) == (503, "1")
        assert client.get("/health").status_code == 200
        assert "thinkrec_requests_under_way 1.0" in client.get("/metrics").text
        go_on.set()
        slow.join(20)
        assert client.get("/v1/model").status_code == 200
        assert "thinkrec_requests_refused 1.0" in client.get("/metrics").text
