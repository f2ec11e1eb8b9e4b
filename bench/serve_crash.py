"""Kills the service under writes and counts what was acknowledged and is gone; used by bench/serve.py and its tests."""

from __future__ import annotations

import http.client
import random
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from serve_process import Nursery, ask, ask_over, find_free_port, wait_until_ready

from thinkrec.serve.interaction_store import InteractionStore
from thinkrec.serve.open_store import open_store

LONGEST = 0.4
"""Seconds of writing before a kill, at most."""


@dataclass
class CrashResult:
    """What became of the writes of all lives."""

    kills: int = 0
    acknowledged: int = 0
    lost: list[str] = field(default_factory=list)
    """Acknowledged ones that are not there, or not as they were sent."""
    unacknowledged: int = 0
    """Rows that are there although the answer never arrived; both are right for these."""
    doubled: int = 0
    """Rows beyond one per request."""
    idle_kills: int = 0
    """Kills before the first acknowledgement of a life: they show nothing."""
    restart_seconds: list[float] = field(default_factory=list)
    """From the start of a process to its first answer, the run opened."""


@dataclass(eq=False)
class Writer:
    """One client that sends one interaction after the other and notes what was acknowledged."""

    user: str
    items: list[Any]
    sent: int = 0
    acknowledged: dict[int, int] = field(default_factory=dict)
    """Number of the request -> number in the log."""
    refused: list[str] = field(default_factory=list)
    """Answers other than 201."""

    def build_body(self, n: int) -> dict[str, Any]:
        """The n-th request: everything in it follows from n, so that the row can be checked."""
        item = self.items[n % len(self.items)]
        return {"user": self.user, "item": item, "liked": n % 3 > 0, "timestamp": n, "key": f"{self.user}-{n}"}

    def write(self, port: int) -> None:
        """Send until the connection breaks."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        with closing(connection):
            while True:
                n, self.sent = self.sent, self.sent + 1
                try:
                    status, answer = ask_over(connection, "/v1/interactions", self.build_body(n))
                except OSError:
                    return
                if status != 201:
                    self.refused.append(f"request {n} of {self.user}: {status} {answer}")
                    return
                self.acknowledged[n] = answer["number"]


def run_crashes(
    nursery: Nursery,
    folder: Path,
    interactions: str,
    items: list[Any],
    *,
    kills: int,
    seed: int,
    n_writers: int = 4,
    say: Callable[[str], None] = print,
) -> CrashResult:
    """Start the service, write, kill it at a random moment, and again, on one log; then see what stands in the log.

    Every new life must answer what the lives before acknowledged: one request per writer is sent again and has to be
    known by its key.
    """
    draw, result, port = random.Random(seed), CrashResult(), find_free_port()
    writers = [Writer(f"writer-{n}", items) for n in range(n_writers)]
    for life in range(kills + 1):
        pid = nursery.start(folder, interactions, port)
        result.restart_seconds.append(wait_until_ready(port, pid))
        result.lost += [fault for writer in writers if (fault := repeat_last(writer, port))]
        if life == kills:
            nursery.stop()
            break
        before = sum(len(writer.acknowledged) for writer in writers)
        threads = [threading.Thread(target=writer.write, args=(port,), daemon=True) for writer in writers]
        for thread in threads:
            thread.start()
        time.sleep(draw.uniform(0.0, LONGEST))
        nursery.kill()
        for thread in threads:
            thread.join(60)
        result.kills += 1
        result.idle_kills += sum(len(writer.acknowledged) for writer in writers) == before
        if result.kills % 10 == 0:
            acknowledged = sum(len(writer.acknowledged) for writer in writers)
            say(f"  {result.kills} of {kills} kills, {acknowledged} acknowledged")
    for writer in writers:
        result.lost += writer.refused
    with closing(open_store(interactions)) as store:
        check_log(store, writers, result)
    return result


def repeat_last(writer: Writer, port: int) -> str | None:
    """What is wrong with the answer to the last acknowledged request, sent once more; None where nothing is."""
    if not writer.acknowledged:
        return None
    n, number = list(writer.acknowledged.items())[-1]
    status, answer = ask(port, "/v1/interactions", writer.build_body(n))
    if status == 200 and answer == {"number": number, "is_new": False}:
        return None
    return f"request {n} of {writer.user} was number {number}; sent again: {status} {answer}"


def check_log(store: InteractionStore, writers: list[Writer], result: CrashResult) -> None:
    """Compare the rows of all writers with what was acknowledged."""
    for writer in writers:
        rows = store.list_user(writer.user)
        by_request = {row.timestamp: row for row in rows}
        result.acknowledged += len(writer.acknowledged)
        result.doubled += len(rows) - len(by_request)
        result.unacknowledged += len(by_request.keys() - writer.acknowledged.keys())
        for n, number in writer.acknowledged.items():
            row, body = by_request.get(n), writer.build_body(n)
            if row is None or (row.number, row.item, row.liked) != (number, str(body["item"]), body["liked"]):
                result.lost.append(f"request {n} of {writer.user}, number {number}: the log has {row}")
