"""Real processes of the service for the benchmarks: started, asked, killed.

Opening the interpreter and PyTorch takes most of a start. So one process imports everything once and forks a process
for every life of the service (`Nursery`); each of these opens the run and its log of interactions by itself.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

SOURCE = Path(__file__).parents[1] / "src"


def find_free_port() -> int:
    """A port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ask(port: int, path: str, body: Any = None, timeout: float = 30.0) -> tuple[int, Any]:
    """Status and JSON of one request over a connection of its own. Raises OSError where nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        return ask_over(connection, path, body)
    finally:
        connection.close()


def ask_over(connection: http.client.HTTPConnection, path: str, body: Any = None) -> tuple[int, Any]:
    """The same over a connection that is kept. Raises OSError, also where the answer breaks off."""
    text = None if body is None else json.dumps(body)
    try:
        connection.request(
            "GET" if body is None else "POST", path, text, {} if text is None else {"Content-Type": "application/json"}
        )
        answer = connection.getresponse()
        status, content = answer.status, answer.read()
    except http.client.HTTPException as error:
        raise ConnectionError(f"the answer broke off: {error!r}") from error
    return status, json.loads(content) if content[:1] in (b"{", b"[") else content.decode()


def wait_until_ready(port: int, pid: int, seconds: float = 60.0) -> float:
    """Seconds until the service answered; raises TimeoutError after `seconds`, ProcessLookupError if it ended."""
    begun = time.monotonic()
    while time.monotonic() < begun + seconds:
        os.kill(pid, 0)
        try:
            if ask(port, "/ready", timeout=5)[0] == 200:
                return time.monotonic() - begun
        except OSError:
            time.sleep(0.02)
    raise TimeoutError(f"the service on port {port} was not ready within {seconds:.0f} seconds")


class Nursery:
    """A process that has imported the service and forks one for every life."""

    def __init__(self, threads: int = 1, cores: str | None = None) -> None:
        """Start it. `threads`: of PyTorch in each service; `cores`: which it may use, as taskset writes them."""
        environment = {**os.environ, "PYTHONPATH": str(SOURCE), "OMP_NUM_THREADS": str(threads)}
        command = [sys.executable, str(Path(__file__)), str(threads)]
        self._process = subprocess.Popen(
            command if cores is None else ["taskset", "-c", cores, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self.pid = 0
        """Of the life under way; 0 between two."""

    def start(self, folder: Path, interactions: str, port: int, **options: Any) -> int:
        """Begin a life; its pid. It is not ready yet.

        `options`: `limits` of the service by name; `is_plain`: prompts are computed whole, as on a backbone that cannot
        share prefixes; `batch_tokens`: of a batch.
        """
        self._write({"folder": str(folder), "interactions": interactions, "port": port, **options})
        self.pid = int(self._read())
        return self.pid

    def kill(self) -> None:
        """End the life by SIGKILL. Raises RuntimeError where it had ended before, by itself."""
        os.kill(self.pid, signal.SIGKILL)
        self._expect_end(signal.SIGKILL)

    def stop(self) -> None:
        """End the life in order, by SIGTERM. Raises RuntimeError where that is not how it ended."""
        os.kill(self.pid, signal.SIGTERM)
        self._expect_end(0)

    def close(self) -> None:
        """End the process, and the life under way with it."""
        if self.pid:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(60)
        self._process.stdout.close()

    def _expect_end(self, status: int) -> None:
        ended, self.pid = int(self._read()), 0
        if ended != status:
            raise RuntimeError(f"the service ended with wait status {ended}, not {int(status)}")

    def _write(self, command: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()

    def _read(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the process that starts the service ended; what it wrote stands above")
        return line

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def raise_lives(threads: int) -> None:
    """What the process of a `Nursery` does: for every line one life, its pid, and how it ended."""
    from thinkrec.serve.run_server import run_server  # with all that a service imports

    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            out.close()
            os.close(0)
            live_once(run_server, json.loads(line), threads)
        out.write(f"{pid}\n")
        out.flush()
        out.write(f"{os.waitpid(pid, 0)[1]}\n")
        out.flush()


def live_once(run_server: Any, command: dict[str, Any], threads: int) -> None:
    """Serve until the process is told to stop, then leave it."""
    from thinkrec.engine import capabilities
    from thinkrec.run.options import RunOptions
    from thinkrec.score import ranker
    from thinkrec.serve.loaded_model import ServiceLimits

    status = 1
    if command.get("is_plain"):
        capabilities.can_share_prefix = lambda _: False
    if "batch_tokens" in command:
        ranker.BATCH_TOKENS["cpu"] = command["batch_tokens"]
    try:
        folder, log, port = Path(command["folder"]), command["interactions"], command["port"]
        options, limits = RunOptions(threads=threads), ServiceLimits(**command.get("limits", {}))
        run_server(folder, log, "127.0.0.1", port, None, None, options, say=lambda _: None, limits=limits)
        status = 0
    except BaseException as error:
        print(f"the service failed: {error!r}", file=sys.stderr)
    finally:
        os._exit(status)


if __name__ == "__main__":
    raise_lives(int(sys.argv[1]))
