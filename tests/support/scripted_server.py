"""A chat endpoint on loopback that behaves as badly as a script says, and writes down what it was asked."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Reaction:
    """What the server does with one request."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    hang: float = 0.0
    """Seconds of silence first."""
    announced: int = 0
    """Bytes more than there are in Content-Length: the connection ends too early."""
    drip: float = 0.0
    """Seconds between single bytes of the body."""


@dataclass(frozen=True)
class Request:
    """What came in."""

    messages: list[dict[str, str]]
    body: dict[str, Any]
    headers: Mapping[str, str]
    earlier: int
    """Requests with the same messages before this one."""
    path: str = "/v1/chat/completions"
    """Address without the host."""

    @property
    def asked(self) -> str:
        """The first words of the user: they name the row."""
        return next(message["content"] for message in self.messages if message["role"] == "user")


def says(text: str | None, finish: str = "stop", usage: bool = True, **more: Any) -> Reaction:
    """A well-formed answer; `more` goes into the message."""
    body: dict[str, Any] = {
        "id": "x",
        "object": "chat.completion",
        "created": 1,
        "model": "scripted",
        "choices": [
            {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text, **more}},
        ],
    }
    if usage:
        body["usage"] = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    return Reaction(body=json.dumps(body).encode())


def fails(status: int, message: str = "no", headers: Mapping[str, str] | None = None, **error: Any) -> Reaction:
    """An error status with the usual body."""
    body = json.dumps({"error": {"message": message, **error}}).encode()
    return Reaction(status=status, body=body, headers=headers or {})


def streams(pieces: list[dict[str, Any]], finish: str | None = "stop", done: bool = True) -> Reaction:
    """A stream of events whose deltas are `pieces`; the last one says how it finished, and [DONE] follows."""
    chunks = [{"choices": [{"index": 0, "delta": piece, "finish_reason": None}]} for piece in pieces]
    if finish is not None:
        chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
        chunks.append({"choices": [], "usage": {"prompt_tokens": 100, "completion_tokens": 20}})
    lines = [": keep-alive", *(f"data: {json.dumps(chunk, ensure_ascii=False)}" for chunk in chunks)]
    body = "\r\n\r\n".join([*lines, *(["data: [DONE]"] if done else []), ""])
    return Reaction(body=body.encode(), headers={"X-Kind": "stream"})


def truncated(text: str) -> Reaction:
    """Half of the JSON of an answer, its length announced as it is."""
    body = says(text).body
    return Reaction(body=body[: len(body) // 2])


@dataclass
class Served:
    """A running server."""

    url: str
    requests: list[Request]
    stop: threading.Event

    def counts(self) -> Counter[str]:
        """Requests by the full conversation."""
        return Counter(json.dumps(request.messages) for request in list(self.requests))


@contextmanager
def serve(react: Callable[[Request], Reaction], models: tuple[str, ...] = ()) -> Iterator[Served]:
    """`with serve(script) as served`: an endpoint at `served.url` until the block ends; it lists `models`, if any."""
    requests: list[Request] = []
    seen: Counter[str] = Counter()
    lock, stop = threading.Lock(), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"object": "list", "data": [{"id": name} for name in models]}).encode()
            known = bool(models) and self.path.endswith("/models")
            self._send(Reaction(status=200 if known else 404, body=body))

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                words = json.dumps(body["messages"])
                request = Request(
                    body["messages"],
                    body,
                    {name.lower(): value for name, value in self.headers.items()},
                    seen[words],
                    self.path,
                )
                seen[words] += 1
                requests.append(request)
            reaction = react(request)
            if reaction.hang and stop.wait(reaction.hang):
                return
            with suppress(OSError):  # the client has gone, which is what some scripts are about
                self._send(reaction)

        def _send(self, reaction: Reaction) -> None:
            self.send_response(reaction.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(reaction.body) + reaction.announced))
            for name, value in reaction.headers.items():
                self.send_header(name, value)
            self.end_headers()
            if not reaction.drip:
                self.wfile.write(reaction.body)
                return
            for byte in reaction.body:
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
                if stop.wait(reaction.drip):
                    return

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield Served(f"http://127.0.0.1:{server.server_port}/v1", requests, stop)
    finally:
        stop.set()
        server.shutdown()
        server.server_close()
        thread.join()
