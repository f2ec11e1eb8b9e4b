"""Pace, back-off and purse, on a clock of our own."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from thinkrec.teacher.client import TeacherStoppedError, Usage
from thinkrec.teacher.config import ApiTeacherConfig, Budget, LocalTeacherConfig, Prices, Retries
from thinkrec.teacher.limits import MINUTE, BudgetTracker, RateLimiter, compute_backoff, parse_retry_after
from thinkrec.teacher.retry_waits import find_retry_delay


class Clock:
    """Time that passes when somebody sleeps."""

    def __init__(self) -> None:
        self.now, self.slept = 0.0, 0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.slept += 1
        self.now += seconds


def starts(requests: int | None, tokens: int | None, sizes: list[int], taken: list[int]) -> list[float]:
    clock = Clock()
    pace = RateLimiter(requests, tokens, clock=clock, sleep=clock.sleep)

    async def all_of_them() -> list[float]:
        times = []
        for size, real in zip(sizes, taken, strict=True):
            settle = await pace.acquire(size)
            times.append(clock.now)
            settle(real)
        return times

    found = asyncio.run(all_of_them())
    assert clock.slept <= 3 * len(sizes), "it waits; it does not spin"
    return found


@settings(max_examples=60)
@given(st.integers(1, 5), st.lists(st.integers(1, 400), min_size=1, max_size=25), st.integers(100, 500))
def test_no_minute_holds_more_than_the_bounds(requests: int, sizes: list[int], tokens: int) -> None:
    times = starts(requests, tokens, sizes, sizes)
    for i, begun in enumerate(times):
        inside = [j for j in range(i, len(times)) if times[j] < begun + MINUTE - 1e-6]
        assert len(inside) <= requests
        assert len(inside) == 1 or sum(sizes[j] for j in inside) <= tokens


def test_without_bounds_nothing_waits() -> None:
    assert starts(None, None, [10**9] * 5, [0] * 5) == [0.0] * 5


def test_what_was_really_taken_counts() -> None:
    assert starts(None, 100, [90, 90, 90], [5, 5, 5]) == [0.0, 0.0, 0.0]
    assert starts(None, 100, [5, 5], [100, 5]) == [0.0, MINUTE]


def test_hold_keeps_everything_back() -> None:
    clock = Clock()
    pace = RateLimiter(None, None, clock=clock, sleep=clock.sleep)
    pace.pause_for(7)
    pace.pause_for(3)
    asyncio.run(pace.acquire(1))
    assert clock.now == 7


def test_retry_after_in_seconds_or_as_a_date() -> None:
    now = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
    assert parse_retry_after("Thu, 01 Jan 2026 12:00:30 GMT", now) == 30
    assert parse_retry_after("Thu, 01 Jan 2026 11:00:00 GMT", now) == 0
    assert parse_retry_after("1.5") == 1.5
    for nothing in (None, "", " ", "soon", "nan", "inf"):
        assert parse_retry_after(nothing) is None


def test_retry_after_in_every_unit() -> None:
    now = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
    seconds = now.timestamp()
    for text, expected in [
        *(("1m30s", 90), ("250ms", 0.25), ("6m0s", 360), ("2h", 7200), ("1h2m3.5s", 3723.5), ("1d", 86400), ("0s", 0)),
        *(("30 seconds", 30), ("2 minutes", 120), ("1 min", 60), ("500 milliseconds", 0.5), ("PT1M30S", 90)),
        *((str(int(seconds) + 20), 20), (str(int(seconds * 1000) + 20_000), 20), (str(int(seconds) - 20), 0)),
        *(("2026-01-01T12:00:40Z", 40), ("2026-01-01T12:00:40+00:00", 40), ("86400", 86400)),
    ]:
        assert parse_retry_after(text, now) == pytest.approx(expected), text
    for text in ("m5", "5x", "1m30", "s", "1 fortnight"):
        assert parse_retry_after(text, now) is None, text


def test_where_a_server_says_how_long() -> None:
    date = "Thu, 01 Jan 2026 12:00:00 GMT"
    cases: list[tuple[float | None, int, dict[str, str], object]] = [
        (1.5, 429, {"Retry-After-Ms": "1500", "Retry-After": "9"}, None),
        (9, 503, {"Retry-After": "9"}, None),
        (30, 429, {"Retry-After": "Thu, 01 Jan 2026 12:00:30 GMT", "Date": date}, None),
        (20, 429, {"X-RateLimit-Reset": "1767268820", "Date": date}, None),
        (20, 429, {"X-RateLimit-Reset": "1767268820000", "Date": date}, None),
        (12, 429, {"ratelimit-reset": "12"}, None),
        (
            0.25,
            429,
            {
                "x-ratelimit-reset-requests": "6m0s",
                "x-ratelimit-remaining-requests": "5",
                "x-ratelimit-reset-tokens": "250ms",
                "x-ratelimit-remaining-tokens": "0",
            },
            None,
        ),
        (
            360,
            429,
            {
                "x-ratelimit-reset-requests": "6m0s",
                "x-ratelimit-remaining-requests": "0",
                "x-ratelimit-reset-tokens": "250ms",
                "x-ratelimit-remaining-tokens": "0",
            },
            None,
        ),
        (0.25, 429, {"x-ratelimit-reset-requests": "6m0s", "x-ratelimit-reset-tokens": "250ms"}, None),
        (40, 429, {"anthropic-ratelimit-requests-reset": "2026-01-01T12:00:40Z", "Date": date}, None),
        (None, 500, {"x-ratelimit-reset-requests": "6m0s"}, None),
        (360, 429, {}, {"message": "Rate limit reached. Please try again in 6m0s. Visit our page."}),
        (0.25, 429, {}, {"message": "Please try again in 250ms."}),
        (20, 429, {}, "please retry after 20 seconds or so"),
        (37, 429, {}, [{"error": {"details": [{"@type": "x"}, {"retryDelay": "37s"}]}}]),
        (20, 429, {"Date": date}, {"metadata": {"headers": {"X-RateLimit-Reset": "1767268820000"}}}),
        (None, 429, {"Retry-After": "soon"}, {"message": "try again later"}),
    ]
    for expected, status, headers, error in cases:
        found = find_retry_delay(status, headers, error)
        assert found == (None if expected is None else pytest.approx(expected)), (headers, error)


def test_back_off_grows_varies_and_is_bounded() -> None:
    rng = random.Random(0)
    waits = [
        [compute_backoff(Retries(initial_backoff=1, max_backoff=20), n, rng) for _ in range(200)] for n in range(80)
    ]
    for n, found in enumerate(waits):
        whole = min(20, 2.0**n)
        assert whole / 2 <= min(found) < max(found) <= whole


def test_a_purse_reserves_the_worst_and_waits_for_what_is_under_way() -> None:
    purse = BudgetTracker(Budget(max_tokens=100), Prices())
    order: list[str] = []

    async def first() -> None:
        worst = purse.compute_max_usage(10, 70)
        await purse.wait_and_reserve(worst)
        await asyncio.sleep(0.01)
        order.append("first")
        purse.settle_usage(worst, Usage(10, 5, 0.0))

    async def second() -> None:
        await purse.wait_and_reserve(
            purse.compute_max_usage(10, 70)
        )  # fits only once the first took less than it might have
        order.append("second")

    async def third() -> None:
        with pytest.raises(TeacherStoppedError, match="15 of 100 tokens"):
            await purse.wait_and_reserve(purse.compute_max_usage(10, 80))

    async def both() -> None:
        await asyncio.gather(first(), second())

    asyncio.run(both())
    assert order == ["first", "second"]
    purse.reset_reserved()
    asyncio.run(third())


def test_configs_refuse_what_cannot_work() -> None:
    for wrong in ({"budget": {"max_cost": 1}}, {"modle": "m"}, {"concurrency": 0}, {"timeout": 0}):
        with pytest.raises(ValidationError):
            ApiTeacherConfig.model_validate(wrong)
    with pytest.raises(ValidationError, match="no price"):
        LocalTeacherConfig.model_validate({"budget": {"max_cost": 1}})
