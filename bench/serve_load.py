"""Asks a served run at full concurrency, one at a time, or at a rate; a process of its own, used by bench/serve.py.

Reads one JSON line of settings from standard input and writes one JSON line of results. Requests are sent over
connections that are kept, by asyncio and the least of HTTP that the service speaks, so that the generator takes little
of the cores that the service needs.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

PAUSE = 0.5
"""Seconds that a client of a closed loop waits after a refusal, as one that reads Retry-After does."""
HEAD = b"POST /v1/rank HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: "


@dataclass(frozen=True)
class LoadSettings:
    """What is asked, and how hard."""

    port: int
    seconds: float
    clients: int
    """Closed loop: so many ask one request after the other. With a `rate`: connections, at most."""
    rate: float | None = None
    """Open loop: requests a second, that begin at random moments (Poisson) whether or not others have ended."""
    users: tuple[Any, ...] = ()
    """Who comes back: every request is about one of them, drawn at random."""
    items: tuple[Any, ...] = ()
    """Candidates are drawn from these, without repetition."""
    candidates: int = 50
    seed: int = 0
    says_sent: bool = False
    """With a rate: a line `sent` tells that no further request begins."""


@dataclass
class LoadResult:
    """What came of it."""

    seconds: float = 0.0
    """From the first request to the last answer, at most a little more than asked for."""
    latencies: list[float] = field(default_factory=list)
    """Seconds of the requests that were answered with 200. With a rate they count from the moment at which the
    request was due, so that waiting for a free connection counts."""
    statuses: dict[str, int] = field(default_factory=dict)
    """By status; `broken`: no answer."""
    retry_after_missing: int = 0
    """Answers 503 without that header."""
    faults: list[str] = field(default_factory=list)
    """The first few answers that are neither 200 nor 503."""
    parts: list[dict[str, float]] = field(default_factory=list)
    """Of each of these requests what the service says of it (Server-Timing: milliseconds, and counts)."""
    ended: list[float] = field(default_factory=list)
    """With a rate: when each request ended, seconds from the start, in the order of `codes`."""
    codes: list[int] = field(default_factory=list)


def parse_timing(head: bytes) -> dict[str, float]:
    """The durations of a head's Server-Timing by name; empty without one."""
    value = head.partition(b"\r\nserver-timing:")[2].partition(b"\r\n")[0].decode("ascii", "replace")
    parts = [part.strip().partition(";dur=") for part in value.split(",") if ";dur=" in part]
    return {name: float(duration) for name, _, duration in parts}


class _StaleError(Exception):
    """A connection that was used before ended without a byte of an answer."""


class Connection:
    """One connection that is kept, opened anew where it breaks."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: bytes) -> tuple[int, bytes, bytes]:
        """Status, head and body of an answer. Raises OSError where none comes.

        A server closes connections that nobody used for some seconds. Where it did so before this request was read, the
        request is sent once more on a new one, as clients of HTTP do.
        """
        try:
            return await self._send(request)
        except _StaleError:
            return await self._send(request)

    async def _send(self, request: bytes) -> tuple[int, bytes, bytes]:
        is_used = self._streams is not None
        try:
            if self._streams is None:
                self._streams = await asyncio.open_connection("127.0.0.1", self.port)
            reader, writer = self._streams
            writer.write(request)
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionResetError) as error:
                if is_used and not getattr(error, "partial", b""):
                    self.close()
                    raise _StaleError from error
                raise
            lower = head.lower()
            length = int(lower.partition(b"content-length:")[2].partition(b"\r\n")[0])
            body = await reader.readexactly(length)
            if b"connection: close" in lower:
                self.close()
            return int(head[9:12]), lower, body
        except (OSError, EOFError, ValueError) as error:
            self.close()
            raise ConnectionError(repr(error)) from error

    def close(self) -> None:
        """Let go of it."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


class Load:
    """One run of the generator."""

    def __init__(self, settings: LoadSettings) -> None:
        self.settings, self.result = settings, LoadResult()
        self.draw = random.Random(settings.seed)
        self.statuses: Counter[str] = Counter()
        self.begun = 0.0

    def build_request(self) -> bytes:
        """A ranking of random candidates for one of the users."""
        settings = self.settings
        candidates = self.draw.sample(settings.items, settings.candidates)
        body = json.dumps({"user": self.draw.choice(settings.users), "candidates": candidates, "top": 10}).encode()
        return b"".join([HEAD, str(len(body)).encode(), b"\r\n\r\n", body])

    async def ask(self, connection: Connection, since: float) -> int:
        """One request and its entry in the results; its status, 0 where no answer came."""
        code = 0
        try:
            code, head, body = await connection.ask(self.build_request())
        except ConnectionError as error:
            self.add_fault(str(error))
        else:
            if code == 200:
                self.result.latencies.append(time.perf_counter() - since)
                self.result.parts.append(parse_timing(head))
            elif code == 503:
                self.result.retry_after_missing += b"retry-after:" not in head
            else:
                self.add_fault(f"{code} {body[:200].decode('utf-8', 'replace')}")
        self.statuses[str(code or "broken")] += 1
        if self.settings.rate:
            self.result.codes.append(code)
            self.result.ended.append(time.perf_counter() - self.begun)
        return code

    def add_fault(self, text: str) -> None:
        """Note one of the first few."""
        if len(self.result.faults) < 5:
            self.result.faults.append(text)

    async def run_closed(self) -> None:
        """So many clients, each one request at a time."""
        end = time.perf_counter() + self.settings.seconds

        async def keep_asking() -> None:
            connection = Connection(self.settings.port)
            while (now := time.perf_counter()) < end:
                if await self.ask(connection, now) != 200:
                    await asyncio.sleep(PAUSE)
            connection.close()

        await asyncio.gather(*(keep_asking() for _ in range(self.settings.clients)))

    async def run_open(self) -> None:
        """Requests at their own moments; those that are due while no connection is free wait for one."""
        assert self.settings.rate is not None
        free: asyncio.Queue[Connection] = asyncio.LifoQueue()
        for _ in range(self.settings.clients):
            free.put_nowait(Connection(self.settings.port))
        due, tasks, end = time.perf_counter(), set[asyncio.Task[None]](), time.perf_counter() + self.settings.seconds

        async def ask_when_free(since: float) -> None:
            connection = await free.get()
            try:
                await self.ask(connection, since)
            finally:
                free.put_nowait(connection)

        while (due := due + self.draw.expovariate(self.settings.rate)) < end:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            task = asyncio.create_task(ask_when_free(due))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        if self.settings.says_sent:
            print("sent", flush=True)
        await asyncio.gather(*tasks)
        while not free.empty():
            free.get_nowait().close()

    async def run(self) -> LoadResult:
        """All of it."""
        self.begun = time.perf_counter()
        await (self.run_open() if self.settings.rate else self.run_closed())
        self.result.seconds = time.perf_counter() - self.begun
        self.result.statuses = dict(self.statuses)
        return self.result


def main() -> None:
    """Settings in, results out."""
    settings = LoadSettings(**json.loads(sys.stdin.readline()))
    print(json.dumps(asdict(asyncio.run(Load(settings).run()))), flush=True)


if __name__ == "__main__":
    main()
