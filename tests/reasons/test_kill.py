"""Kill -9 in mid-run, start again: what was written down is not asked again, and nothing is lost."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

from support.asking import PROSE, SEED, WORLD, config, labels, synthesise, turns
from support.scripted_server import Reaction, Request, Served, says, serve

from thinkrec.reasons.config import SynthesisConfig

SCRIPT = """
import sys
from pathlib import Path
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue
from thinkrec.reasons.choose import choose_rows
from thinkrec.reasons.config import SynthesisConfig
from thinkrec.reasons.store import AttemptStore
from thinkrec.reasons.synthesis import Synthesis
from thinkrec.teacher.build import build_teacher
config = SynthesisConfig.model_validate_json(sys.argv[1])
ds = simulate_catalogue(SimulatorConfig.model_validate_json(sys.argv[3]), int(sys.argv[4])).dataset
with AttemptStore(Path(sys.argv[2])) as store:
    teacher = build_teacher(config.teacher)
    Synthesis(ds, config, teacher.name, store).run(choose_rows(ds, config), teacher)
"""
CONCURRENCY = 4
ROWS = 30


def start(settings: SynthesisConfig, store: Path) -> subprocess.Popen:
    words = [settings.model_dump_json(), str(store), WORLD.model_dump_json(), str(SEED)]
    source = Path(__file__).resolve().parents[2] / "src"
    environment = {**os.environ, "PYTHONPATH": str(source)}
    return subprocess.Popen([sys.executable, "-c", SCRIPT, *words], env=environment)


def wait_for(served: Served, requests: int, run: subprocess.Popen) -> None:
    limit = time.monotonic() + 60
    while len(served.requests) < requests:
        assert run.poll() is None and time.monotonic() < limit, "the run ended before it could be killed"
        time.sleep(0.002)


def recorded(store: Path) -> set[str]:
    """Numbers of the replies in the complete lines of the store."""
    lines = store.read_bytes().split(b"\n")[:-1] if store.exists() else []
    return {found for line in lines for found in re.findall(r"Reply (\d+)", json.loads(line)["text"])}


def test_killed_again_and_again_no_answer_is_asked_for_twice(tmp_path: Path) -> None:
    store, lock = tmp_path / "attempts.jsonl", threading.Lock()
    truth = labels(config(n_rows=ROWS))
    sent: dict[str, str] = {}  # number of a reply -> the conversation it answered

    def react(request: Request) -> Reaction:
        with lock:
            number = str(len(sent) + 1)
            sent[number] = json.dumps(request.messages)
        # Half the rows are wrong at first, so that both rounds meet a kill.
        wrong = not turns(request) and len(request.asked) % 2
        verdict = "Yes" if truth[request.asked] != wrong else "No"
        return Reaction(body=says(f"{verdict}. Reply {number}. {PROSE}").body, hang=0.03)

    with serve(react) as served:
        settings = config(
            served.url, n_rows=ROWS, max_attempts=2, teacher={"concurrency": CONCURRENCY, "timeout": 10.0}
        )
        kept: set[str] = set()
        for more in (8, 30):
            run = start(settings, store)
            wait_for(served, len(served.requests) + more, run)
            run.send_signal(signal.SIGKILL)
            run.wait()
            now = recorded(store)
            assert kept < now, "a start adds, and loses nothing"
            kept = now
        answered = Counter(sent[number] for number in kept)
        assert set(answered.values()) == {1}, "no question was answered twice"
        before = len(sent)
        assert start(settings, store).wait() == 0
        later = Counter(sent[str(number)] for number in range(before + 1, len(sent) + 1))
        repeats = sum(served.counts().values()) - len(served.counts())
        assert not set(answered) & set(later), "what was written down is not asked again"
        total = len(served.requests)
        _, report, _ = synthesise(settings, store)
        assert len(served.requests) == total, "there is nothing left to ask"
    wrong = sum(len(words) % 2 for words in truth)
    assert 0 < wrong < ROWS
    assert repeats <= 2 * CONCURRENCY, "at most what was under way at each kill"
    assert len(served.counts()) == len(recorded(store)) == ROWS + wrong
    assert (report.accepted, report.attempts) == (ROWS, {"1": ROWS - wrong, "2": wrong})


def test_ctrl_c_leaves_a_store_to_go_on_from(tmp_path: Path) -> None:
    truth = labels(config())

    def react(request: Request) -> Reaction:
        return Reaction(body=says(f"{'Yes' if truth[request.asked] else 'No'}. {PROSE}").body, hang=0.05)

    with serve(react) as served:
        settings = config(served.url, teacher={"concurrency": 2, "timeout": 10.0})
        run = start(settings, tmp_path / "a.jsonl")
        wait_for(served, 6, run)
        run.send_signal(signal.SIGINT)
        assert run.wait(timeout=10) != 0
        _, report, _ = synthesise(settings, tmp_path / "a.jsonl")
        assert report.accepted == 20 and len(served.requests) <= 22
