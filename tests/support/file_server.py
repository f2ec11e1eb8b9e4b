"""Files over HTTP on loopback, with ranges, and with the faults that downloads meet."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class FileServer:
    """What the server has and how it behaves; tests change it while it runs."""

    files: dict[str, bytes]
    """Path, such as /a.zip -> contents."""
    cuts: list[int] = field(default_factory=list)
    """Bytes after which the next connections end, though more was announced; each is used once."""
    statuses: list[int] = field(default_factory=list)
    """Statuses that the next requests get in place of the file."""
    tag: str | None = '"one"'
    """ETag of every file."""
    ranges: bool = True
    """Whether parts may be asked for."""
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    """Path and Range of every request."""
    address: str = ""

    def find_part(self, content: bytes, wanted: str | None, condition: str | None) -> int:
        """Where the answer begins in the file."""
        if not self.ranges or wanted is None or (condition is not None and condition != self.tag):
            return 0
        return int(wanted.removeprefix("bytes=").removesuffix("-"))


@contextmanager
def serve_files(files: dict[str, bytes]) -> Iterator[FileServer]:
    """A server until the block ends."""
    state = FileServer(files)

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            del format, args

        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            state.requests.append((self.path, wanted))
            if state.statuses:
                self.send_error(state.statuses.pop(0))
                return
            if self.path not in state.files:
                self.send_error(404)
                return
            content = state.files[self.path]
            start = state.find_part(content, wanted, self.headers.get("If-Range"))
            if start and start >= len(content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(content)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            if state.tag is not None:
                self.send_header("ETag", state.tag)
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            body = content[start:]
            self.wfile.write(body[: state.cuts.pop(0)] if state.cuts else body)
            self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
