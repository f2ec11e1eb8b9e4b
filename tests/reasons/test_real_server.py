"""A synthesis against a real OpenAI-compatible server: `transformers serve` with thinkrec-nano, on loopback."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest
from support.asking import DS, QUICK, config, synthesise

from thinkrec.data.output_tables import write_table
from thinkrec.reasons import output
from thinkrec.reasons.config import ReasonFilterConfig
from thinkrec.reasons.written import read_written_reasons

# The embedded model knows no turns; what it should go on from is the last line of the question.
TEMPLATE = "{{ bos_token }}{% for m in messages %}{% if m.role != 'system' %}{{ m.content }}{% endif %}{% endfor %}"


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """(address, model name) of a running server."""
    for package in ("fastapi", "uvicorn"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"transformers serve needs {package}; install thinkrec[test]")
    folder = tmp_path_factory.mktemp("served")
    model = folder / "nano"
    shutil.copytree(str(resources.files("thinkrec.model") / "nano"), model)
    (model / "chat_template.jinja").write_text(TEMPLATE)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["serve", str(model), "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    code = "import sys; from transformers.cli.transformers import main; sys.argv[0] = 'transformers'; sys.exit(main())"
    log = folder / "log"
    with log.open("wb") as out:
        run = subprocess.Popen(
            [sys.executable, "-c", code, *words],
            stdout=out,
            stderr=out,
            env={**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
        )
    try:
        address, limit = f"http://127.0.0.1:{port}", time.monotonic() + 120
        while not healthy(address):
            assert run.poll() is None and time.monotonic() < limit, log.read_text(errors="replace")[-2000:]
            time.sleep(0.1)
        yield address + "/v1", str(model)
    finally:
        run.kill()
        run.wait()


def healthy(address: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        return opener.open(address + "/health", timeout=1).status == 200
    except (urllib.error.URLError, OSError):
        return False


def test_a_synthesis_completes(endpoint: tuple[str, str], tmp_path: Path) -> None:
    address, model = endpoint
    settings = config(
        address,
        n_rows=5,
        max_history=6,
        max_attempts=2,
        filter=ReasonFilterConfig(truncated=False),
        teacher={
            "model": model,
            "label": "nano",
            "timeout": 60.0,
            "concurrency": 1,
            "max_tokens": 20,
            "retries": QUICK,
        },
    )
    cases, report, stopped = synthesise(settings, tmp_path / "attempts.jsonl")
    assert stopped is None and report.failed == {} and report.not_asked == report.unfinished == 0
    assert report.first_answers == 5 and report.requests == sum(len(case.answers) for case in cases)
    for case in cases:
        assert all(found.prompt_tokens > 50 and 0 < found.completion_tokens <= 20 for found in case.answers)
    assert report.first_unreadable < 5, "it was trained to answer with a verdict"
    write_table(output.build_reason_table(DS, cases, settings), tmp_path / "reasons.parquet")
    reasons = read_written_reasons(DS, tmp_path / "reasons.parquet")
    assert len(reasons) == report.accepted
    again, second, _ = synthesise(settings, tmp_path / "attempts.jsonl")
    assert second.requests == report.requests and [c.answers for c in again] == [c.answers for c in cases]
