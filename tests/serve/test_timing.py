"""Where the time of a request went: waiting and scoring of all that it asked, in its answer's head."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.simulated_lanes import ask

from thinkrec.serve.score_job import ScoreJob
from thinkrec.serve.timing import CURRENT, RequestTiming, note_jobs


def make_job(submitted: float, begun: float | None, ended: float, company: int = 1, misses: int = 0) -> ScoreJob:
    return ScoreJob(ask(1), None, submitted=submitted, begun=begun, ended=ended, company=company, misses=misses)


def test_jobs_asked_together_count_once_and_later_ones_add_up() -> None:
    timing = RequestTiming()
    token = CURRENT.set(timing)
    try:
        note_jobs([make_job(1.0, 1.5, 2.0, 3, 1), make_job(1.0, 1.75, 2.5, 2)])
        note_jobs([make_job(3.0, 3.25, 4.0)])
        note_jobs([make_job(5.0, None, 5.0)])
    finally:
        CURRENT.reset(token)
    note_jobs([make_job(0.0, 9.0, 99.0)])  # outside of requests nobody counts
    assert (timing.wait, timing.score, timing.company, timing.misses) == (0.75, 1.75, 3, 1)
    assert (
        timing.format_header(3.0) == "total;dur=3000.0, wait;dur=750.0, score;dur=1750.0, batch;dur=3.0, misses;dur=1.0"
    )


def test_answers_that_needed_scores_say_where_their_time_went(service, tmp_path: Path) -> None:
    pytest.importorskip("fastapi", reason="thinkrec[serve] is not installed")
    pytest.importorskip("prometheus_client", reason="thinkrec[serve] is not installed")
    pytest.importorskip("httpx", reason="FastAPI's test client needs httpx")
    from fastapi.testclient import TestClient

    from thinkrec.serve.app import create_app

    with TestClient(create_app(service)) as client:
        head = [
            client.post("/v1/rank", json={"user": 1, "candidates": [2, 3]}).headers["server-timing"] for _ in range(3)
        ]
        assert [text.rpartition("=")[2] for text in head] == ["1.0", "1.0", "0.0"]
        parts = dict(one.split(";dur=") for one in head[0].split(", "))
        assert float(parts["total"]) >= float(parts["wait"]) + float(parts["score"]) - 0.2 > 0
        assert "server-timing" not in client.get("/v1/model").headers
