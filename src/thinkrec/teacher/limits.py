"""Rate limits (requests and tokens per minute), back-off, and budgets."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from thinkrec.teacher.client import NOTHING, TeacherStoppedError, Usage
from thinkrec.teacher.config import Budget, Prices, Retries

MINUTE = 60.0


_UNITS = {"us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(
    r"(\d+(?:\.\d+)?)\s*(us|µs|ms|milliseconds?|msecs?|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?)"
    r"(?![a-zµ])[\s,]*",
    re.IGNORECASE,
)
_EPOCH, _EPOCH_MS = 1e9, 1e11
"""From here on a number is no span of seconds (31 years) but a time: seconds, or milliseconds, since 1970."""


def parse_duration(text: str) -> float | None:
    """Seconds in a span with units, such as 1m30s, 250ms, 6m0s, 2 minutes, PT1M30S; None where it is none.

    >>> [parse_duration(text) for text in ("1m30s", "250ms", "6m0s", "PT1M30S", "30", "soon")]
    [90.0, 0.25, 360.0, 90.0, None, None]
    """
    rest, total = re.sub(r"^P(?:T|(?=\d+D))|(?<=D)T", "", text.strip()).lower(), 0.0
    if not rest:
        return None
    while rest:
        part = _PART.match(rest)
        if part is None:
            return None
        unit = part.group(2)
        short = "ms" if unit.startswith(("ms", "milli")) else unit if unit in _UNITS else unit[0]
        total += float(part.group(1)) * _UNITS[short]
        rest = rest[part.end() :]
    return total


def parse_retry_after(value: str | None, now: datetime | None = None) -> float | None:
    """Seconds that a header asks to wait: a number of seconds, a span with units, or a time; None for anything else.

    A time is an HTTP date, an ISO 8601 date, or a number since 1970, in seconds or (from 1e11 on) milliseconds; `now`
    is the clock it is compared with. What has passed is 0.

    >>> [parse_retry_after(text) for text in ("2", "1m30s", "soon", "-3")]
    [2.0, 90.0, None, 0.0]
    """
    text = (value or "").strip()
    try:
        seconds: float | None = float(text)
    except ValueError:
        seconds = parse_duration(text)
    if seconds is None:
        when = _parse_date(text)
        seconds = None if when is None else (when - (now or datetime.now(UTC))).total_seconds()
    elif _EPOCH <= seconds < float("inf"):
        then = seconds / 1000 if seconds >= _EPOCH_MS else seconds
        seconds = then - (now or datetime.now(UTC)).timestamp()
    return max(0.0, seconds) if seconds is not None and seconds < float("inf") else None


def _parse_date(text: str) -> datetime | None:
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            when = read(text)
        except (ValueError, TypeError, IndexError):
            continue
        return when if when.tzinfo is not None else when.replace(tzinfo=UTC)
    return None


def compute_backoff(retries: Retries, attempt: int, rng: random.Random) -> float:
    """Seconds before repetition `attempt` (from 0): doubled every time up to a bound, half of it by chance."""
    whole = min(retries.max_backoff, retries.initial_backoff * 2.0 ** min(attempt, 60))
    return whole * (0.5 + 0.5 * rng.random())


class RateLimiter:
    """Lets requests start no faster than so many requests and tokens in any minute; one event loop uses it.

    A request reserves tokens when it starts and says later what it took. One that alone is larger than the bound starts
    when the minute before it is empty.
    """

    def __init__(
        self,
        requests: int | None,
        tokens: int | None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """A limiter to `requests` and `tokens` per minute; None: without bound."""
        self._requests, self._tokens, self._clock, self._sleep = requests, tokens, clock, sleep
        self._recent: deque[list[float]] = deque()  # [time, tokens] of each start within the last minute
        self._not_before = 0.0

    def pause_for(self, seconds: float) -> None:
        """Start nothing for so many seconds, as the server asked."""
        self._not_before = max(self._not_before, self._clock() + seconds)

    async def acquire(self, tokens: int) -> Callable[[int], None]:
        """Wait for a turn; call what it returns with the tokens that were really used."""
        while True:
            wait = self._compute_wait(tokens)
            if wait <= 0:
                break
            await self._sleep(wait)
        entry = [self._clock(), float(tokens)]
        self._recent.append(entry)

        def settle(taken: int) -> None:
            entry[1] = float(taken)

        return settle

    def _compute_wait(self, tokens: int) -> float:
        now = self._clock()
        while self._recent and self._recent[0][0] <= now - MINUTE:
            self._recent.popleft()
        if now < self._not_before:
            return self._not_before - now
        if self._requests is not None and len(self._recent) >= self._requests:
            return self._recent[-self._requests][0] + MINUTE - now
        if self._tokens is not None and self._recent:
            room, wait = self._tokens - sum(entry[1] for entry in self._recent), 0.0
            for begun, taken in self._recent:
                if tokens <= room:
                    break
                room, wait = room + taken, begun + MINUTE - now
            return wait
        return 0.0


class BudgetTracker:
    """Tracks a budget: what was spent, and what requests under way may still use.

    A request starts only if the budget holds even should it use all it may, so the bound holds as far as prompts are
    counted rightly (`estimate_tokens`).
    """

    def __init__(self, budget: Budget, prices: Prices, spent: Usage = NOTHING) -> None:
        """`spent`: usage of earlier starts."""
        self._budget, self._prices = budget, prices
        self.spent = spent
        self._reserved = NOTHING
        self._free: asyncio.Event | None = None

    def reset_reserved(self) -> None:
        """Forget all reservations; called at the start of every round of asking, when nothing is under way."""
        self._reserved, self._free = NOTHING, None

    def compute_max_usage(self, prompt: int, completion: int) -> Usage:
        """The largest usage of a request."""
        return Usage(prompt, completion, self._prices.compute_cost(prompt, completion), 1)

    def can_reserve(self, more: Usage) -> bool:
        """Whether the budget holds beside everything under way."""
        return self._is_within_budget(self.spent + self._reserved + more)

    def reserve_usage(self, more: Usage) -> None:
        """Reserve the usage of a request that is under way."""
        self._reserved += more

    def settle_usage(self, reserved: Usage, taken: Usage) -> None:
        """Replace the reservation of a request that came back by what it used."""
        self._reserved += Usage(
            -reserved.prompt_tokens, -reserved.completion_tokens, -reserved.cost, -reserved.requests
        )
        self.spent += taken
        if self._free is not None:
            self._free.set()

    async def wait_and_reserve(self, more: Usage) -> None:
        """Reserve `more`, waiting while requests under way may still leave room for it.

        Raises TeacherStoppedError where none of them can.
        """
        while not self.can_reserve(more):
            if self._reserved.requests <= 0:
                raise self.make_exhausted_error()
            self._free = self._free or asyncio.Event()
            self._free.clear()
            await self._free.wait()
        self.reserve_usage(more)

    def make_exhausted_error(self) -> TeacherStoppedError:
        """The error that says the budget is spent."""
        b, s = self._budget, self.spent
        bounds = [
            f"{s.requests} of {b.max_requests} requests" if b.max_requests is not None else "",
            f"{s.tokens} of {b.max_tokens} tokens" if b.max_tokens is not None else "",
            f"{s.cost:.4f} of {b.max_cost} in money" if b.max_cost is not None else "",
        ]
        text = ", ".join(filter(None, bounds))
        return TeacherStoppedError(
            f"the budget is spent ({text}; the next request might exceed it); raise it and start the same command "
            "again to go on",
            budget=True,
        )

    def _is_within_budget(self, total: Usage) -> bool:
        b = self._budget
        return (
            (b.max_requests is None or total.requests <= b.max_requests)
            and (b.max_tokens is None or total.tokens <= b.max_tokens)
            and (b.max_cost is None or total.cost <= b.max_cost + 1e-12)
        )
