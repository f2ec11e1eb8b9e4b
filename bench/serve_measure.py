"""Load and overload of a served run: the phases that bench/serve.py puts into rows."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from serve_load import LoadResult, LoadSettings
from serve_process import Nursery, ask, find_free_port, wait_until_ready

GENERATOR = Path(__file__).with_name("serve_load.py")
CLIENTS = 12
"""Full concurrency: enough that the next batch is always there, and not so many that any is refused."""


@dataclass(frozen=True)
class Questions:
    """What is asked about in all phases."""

    users: tuple[Any, ...]
    """Who comes back; each has at least ten opinions, so that a prompt shows ten."""
    items: tuple[Any, ...]


@dataclass
class Overload:
    """What happened far beyond saturation."""

    load: LoadResult
    rate: float
    """Requests a second that were asked for."""
    memory: list[tuple[float, int]] = field(default_factory=list)
    """(seconds from the start, bytes that the service holds in memory)."""
    recovery: float = math.inf
    """Seconds from the last request until an answer came as quickly as `calm`."""
    calm: float = 0.0

    @property
    def others(self) -> int:
        """Requests that were neither answered nor refused with 503."""
        return sum(n for status, n in self.load.statuses.items() if status not in ("200", "503"))

    def list_memory(self, first: float, last: float) -> list[int]:
        """Bytes in a stretch of the phase, as shares of its length."""
        end = self.memory[-1][0]
        return [size for second, size in self.memory if first * end <= second <= last * end]


def compute_percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least a share of all do not exceed (nearest rank)."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def run_load(settings: LoadSettings) -> LoadResult:
    """One run of the generator in a process of its own."""
    process = subprocess.run(
        [sys.executable, str(GENERATOR)],
        input=json.dumps(asdict(settings)) + "\n",
        capture_output=True,
        text=True,
        timeout=settings.seconds + 120,
    )
    if process.returncode:
        raise RuntimeError(f"the load generator failed: {process.stderr[-2000:]}")
    return LoadResult(**json.loads(process.stdout))


@contextmanager
def serve(nursery: Nursery, folder: Path, log: Path, **options: Any) -> Iterator[tuple[int, int]]:
    """A served run until the block ends; port and pid."""
    port = find_free_port()
    pid = nursery.start(folder, str(log), port, **options)
    try:
        wait_until_ready(port, pid)
        yield port, pid
    finally:
        nursery.stop()


def choose_questions(port: int, n_users: int) -> Questions:
    """So many users with ten opinions or more, and all items, as the service lists them."""
    users, first = [], ask(port, "/v1/users?most=100")[1]
    names = [str(card["user"]) for card in first]
    # The service lists at most 100 users a question: further ones are found by the beginning of their id.
    for begin in "123456789":
        names += [str(card["user"]) for card in ask(port, f"/v1/users?most=100&q={begin}")[1]]
    for name in dict.fromkeys(names):
        if len(users) < n_users and len(ask(port, f"/v1/users/{name}/history")[1]) >= 10:
            users.append(name)
    items = {str(card["item"]) for q in range(10) for card in ask(port, f"/v1/items?most=100&q={q}")[1]}
    return Questions(tuple(users), tuple(sorted(items)))


def warm_prefixes(port: int, questions: Questions) -> None:
    """Every user has asked twice, so that the third request finds the prefix."""
    for _ in range(2):
        for user in questions.users:
            ask(port, "/v1/rank", {"user": user, "candidates": [questions.items[0]]})


def read_metrics(port: int) -> dict[str, float]:
    """The figures of /metrics by name."""
    lines = [line.rpartition(" ") for line in ask(port, "/metrics")[1].splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


def read_memory(pid: int) -> int:
    """Bytes of a process that are in memory."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024


def read_cpu_seconds(pid: int) -> float:
    """Seconds that a process has computed, all threads together."""
    import os

    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def run_overload(port: int, pid: int, settings: LoadSettings, calm: float) -> Overload:
    """Ask at a rate beyond saturation; watch the memory, and how soon a single request is quick again.

    `calm`: seconds of an answer that counts as recovered.
    """
    assert settings.rate is not None
    result, done = Overload(LoadResult(), settings.rate, calm=calm), threading.Event()
    begun = time.monotonic()

    def watch_memory() -> None:
        while not done.wait(0.5):
            result.memory.append((time.monotonic() - begun, read_memory(pid)))

    watcher = threading.Thread(target=watch_memory)
    generator = subprocess.Popen(
        [sys.executable, str(GENERATOR)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    watcher.start()
    try:
        assert generator.stdin is not None and generator.stdout is not None
        generator.stdin.write(json.dumps(asdict(settings)) + "\n")
        generator.stdin.flush()
        # The generator says when it has sent its last request; answers to some of them are still to come.
        if generator.stdout.readline() != "sent\n":
            raise RuntimeError("the load generator ended before its time")
        result.recovery = measure_recovery(port, settings, calm)
        result.load = LoadResult(**json.loads(generator.stdout.read()))
        generator.wait(60)
    finally:
        done.set()
        watcher.join()
        generator.kill()
        generator.wait()
        generator.stdout.close() if generator.stdout else None
    return result


def measure_recovery(port: int, settings: LoadSettings, calm: float, most: float = 60.0) -> float:
    """Seconds until a request is answered with 200 within `calm` seconds; infinite where that takes `most`."""
    begun, n = time.monotonic(), 0
    while time.monotonic() < begun + most:
        asked, n = time.monotonic(), n + 1
        first = n * 7 % (len(settings.items) - settings.candidates)
        candidates = settings.items[first : first + settings.candidates]
        body = {"user": settings.users[n % len(settings.users)], "candidates": list(candidates)}
        if ask(port, "/v1/rank", body)[0] == 200 and time.monotonic() - asked <= calm:
            return time.monotonic() - begun
        time.sleep(0.05)
    return math.inf
