"""The bench of the service: its own arithmetic, and that a fault makes its row fall short."""

from __future__ import annotations

import asyncio
import math

import pytest

pytest.importorskip("uvicorn", reason="thinkrec[serve] is not installed")
pytest.importorskip("prometheus_client", reason="thinkrec[serve] is not installed")

import serve
import serve_load
from serve_breakdown import PARTS, explain_slowest
from serve_crash import CrashResult
from serve_load import Load, LoadResult, LoadSettings, parse_timing
from serve_measure import Overload, compute_percentile


def answers(n: int, latency: float, seconds: float = 10.0, **statuses: int) -> LoadResult:
    return LoadResult(seconds, [latency] * n, {"200": n} | {name.removeprefix("s"): k for name, k in statuses.items()})


def test_percentiles_are_measured_values() -> None:
    assert compute_percentile([3.0, 1.0, 2.0, 4.0], 0.5) == 2.0
    assert compute_percentile(list(range(1, 101)), 0.99) == 99
    assert compute_percentile([5.0], 0.99) == 5.0


@pytest.mark.parametrize(
    ("full", "late", "plain", "bad"),
    [(100, 0.05, 20, []), (99, 0.05, 20, [0]), (100, 0.07, 20, [2]), (100, 0.05, 21, [0])],
)
def test_load_rows_hold_their_bounds(full: int, late: float, plain: int, bad: list[int]) -> None:
    names = list(serve.BASELINES)
    baselines = {names[0]: answers(plain, 0.5), names[1]: answers(90, 0.1)}
    overload = Overload(answers(10, 0.1), 40.0)
    measured = serve.Measured(
        answers(50, 0.02), answers(full, 0.3), answers(50, late), 5.0, overload, baselines, {}, 1.0
    )
    rows = serve.build_load_rows(measured)
    assert [n for n, row in enumerate(rows) if not row.holds] == bad


@pytest.mark.parametrize(
    ("statuses", "memory", "recovery", "bad"),
    [
        ({"s503": 300}, 1000, 4.0, []),
        ({"s503": 300, "s500": 1}, 1000, 4.0, ["errors other than 503 in overload"]),
        ({"s503": 300, "sbroken": 1}, 1000, 4.0, ["errors other than 503 in overload"]),
        ({"s503": 10}, 1000, 4.0, ["requests sent", "refused in overload"]),
        ({"s503": 300}, 1200, 4.0, ["memory late in overload"]),
        ({"s503": 300}, 1000, math.inf, ["recovery"]),
    ],
)
def test_overload_rows_hold_their_bounds(statuses: dict, memory: int, recovery: float, bad: list[str]) -> None:
    samples = [(float(second), 1000 if second < 6 else memory) for second in range(11)]
    overload = Overload(answers(100, 0.1, **statuses), 40.0, samples, recovery)
    rows = serve.build_overload_rows(overload, 10.0)
    assert [row.what for row in rows if not row.holds] == bad


def test_the_slowest_are_explained_by_what_answers_say_of_themselves() -> None:
    head = b"http/1.1 200 ok\r\nserver-timing: total;dur=90.0, wait;dur=30.5, score;dur=50.0, batch;dur=2.0\r\nx: 1\r\n"
    told = parse_timing(head)
    assert told == {"total": 90.0, "wait": 30.5, "score": 50.0, "batch": 2.0} and parse_timing(b"x: 1") == {}
    quick = {"total": 50.0, "score": 50.0, "batch": 1.0}
    result = LoadResult(10.0, [0.05] * 99 + [0.1], {"200": 100}, parts=[quick] * 99 + [told])
    means = explain_slowest(result)
    slowest = {"all": 100, "wait": 30.5, "score": 50, "service": 9.5, "outside": 10, "batch": 2, "misses": 0}
    assert means["slowest"] == pytest.approx(slowest | {"requests": 1})
    assert means["middle"]["wait"] == 0 and means["middle"]["all"] == pytest.approx(50)
    assert sum(means["slowest"][part] for part in PARTS) == pytest.approx(100)
    assert explain_slowest(LoadResult()) == {}


def test_a_lost_write_and_kills_that_show_nothing_fall_short() -> None:
    good = CrashResult(kills=10, acknowledged=50)
    assert all(row.holds for row in serve.build_crash_rows("SQLite", good, 10))
    bad = CrashResult(kills=10, acknowledged=50, lost=["one"], doubled=1, idle_kills=2)
    assert not any(row.holds for row in serve.build_crash_rows("SQLite", bad, 10))


def test_the_generator_counts_what_it_is_answered(monkeypatch) -> None:
    codes = [b"200 OK", b"503 Busy\r\nRetry-After: 1", b"503 Busy", b"500 Oops"]

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(head.lower().partition(b"content-length:")[2].split()[0]))
        if codes:
            writer.write(b"HTTP/1.1 " + codes.pop(0) + b"\r\nContent-Length: 2\r\n\r\n{}")
        writer.close() if not codes else await answer(reader, writer)

    async def run(**changes: object) -> LoadResult:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            settings = LoadSettings(port, 0.2, users=("1",), items=("1", "2", "3"), candidates=2, **changes)
            return await Load(settings).run()

    monkeypatch.setattr(serve_load, "PAUSE", 0.0)
    result = asyncio.run(run(clients=1))
    assert {name: n for name, n in result.statuses.items() if name != "broken"} == {"200": 1, "503": 2, "500": 1}
    assert result.retry_after_missing == 1 and len(result.latencies) == 1
    assert result.faults[0] == "500 {}"
    codes[:] = [b"200 OK"] * 1000
    paced = asyncio.run(run(clients=20, rate=200.0))
    assert 20 <= sum(paced.statuses.values()) <= 70
    assert len(paced.ended) == len(paced.codes) == sum(paced.statuses.values())
