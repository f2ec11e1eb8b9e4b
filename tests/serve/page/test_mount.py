"""The page on the service's app: its place, its headers, and what it says without a key."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("nicegui", reason="nicegui is missing; install thinkrec[serve]")
pytest.importorskip("httpx", reason="FastAPI's test client needs httpx")

from thinkrec.serve.page import key_form, mount

# One process can have one page, so that each is asked in its own.
ASK = """
import sys
from types import SimpleNamespace
from fastapi.testclient import TestClient
from thinkrec.serve import app
from thinkrec.serve.admission import Admission
class Store:
    def count(self): return 0
    def check(self): return None
service = SimpleNamespace(describe=lambda: 1 / 0, store=Store(), close=lambda: True, desk=SimpleNamespace(fallbacks={}))
service.admission = Admission(8)
keys = (b"0123456789abcdef",)
with TestClient(app.create_app(service, keys, page=True), follow_redirects=False) as client:
    print(client.get("/").headers["location"])
    page = client.get("/page/")
    print(page.status_code, page.headers["content-security-policy"].split(";")[0], page.headers["cache-control"])
    print(client.get("/v1/model").status_code, client.get("/v1/model", headers={"Host": "a/page/?x="}).status_code)
    print([address for address in ("http://", "https://") if address in page.text.replace("http://testserver", "")])
"""


def test_the_page_is_there_and_the_endpoints_keep_their_guard(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines() == ["/page/", "200 default-src 'self' no-store", "401 401", "[]"]
    # NiceGUI would keep what it remembers in files of the working folder.
    assert list(tmp_path.iterdir()) == []


def test_all_styles_are_there() -> None:
    folder = Path(mount.__file__).parent
    assert [name for name in mount.STYLE if not (folder / name).is_file()] == []
    assert sorted(path.name for path in folder.glob("*.css")) == sorted(mount.STYLE)
    text = "".join(path.read_text("utf-8") for path in folder.iterdir() if path.suffix in (".css", ".js"))
    assert "http" not in text and "@import" not in text and "url(" not in text
    assert key_form.PLACE
