"""Progress where nobody looks at a terminal: a line every half minute, and one at the end."""

from __future__ import annotations

import logging
import time

import pytest

from thinkrec.io import progress
from thinkrec.io.progress import Progress


def test_a_file_gets_a_line_every_half_minute_and_one_at_the_end(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    with Progress("training [red]", 100, shown=True) as bar:
        for step in range(100):
            now[0] = float(step)
            bar.advance(1, f"loss {step}")
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(" in ")[0] for line in lines] == [
        "training [red]: 31 of 100",
        "training [red]: 61 of 100",
        "training [red]: 91 of 100",
        "training [red]: 100",
    ]
    assert lines[0] == "training [red]: 31 of 100 in 30 s (1 rows/s, 67 s left) loss 30"


def test_a_line_has_step_loss_metrics_rate_and_time_left(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    with Progress("global adapter", 300, shown=True, unit="tokens") as bar:
        bar.skip(100)
        bar.set_note("auc 0.610 uauc 0.580")
        now[0] = 40.0
        bar.advance(50, "loss 0.512", 136_000)
    first, last = capsys.readouterr().err.splitlines()
    assert first == "global adapter: 150 of 300 in 40 s (3,400 tokens/s, 120 s left) loss 0.512 auc 0.610 uauc 0.580"
    assert last == first.replace("150 of 300", "150").replace(", 120 s left", ""), "at the end nothing is left"


def test_where_steps_differ_much_neither_rate_nor_time_left_is_said(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    with Progress("study", 15, shown=True, unit="runs", has_rate=False) as bar:
        bar.set_note("running: MF, seed 1; about 3 min left")
        now[0] = 40.0
        bar.advance(3)
    assert capsys.readouterr().err.splitlines()[0] == "study: 3 of 15 in 40 s running: MF, seed 1; about 3 min left"


def test_what_comes_before_the_first_step_is_in_no_rate(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    with Progress("global adapter", 300, shown=True, unit="tokens") as bar:
        now[0] = 600.0  # validation before the first step
        bar.restart_clock()
        now[0] = 640.0
        bar.advance(100, "loss 0.512", 136_000)
    first = capsys.readouterr().err.splitlines()[0]
    assert first == "global adapter: 100 of 300 in 40 s (3,400 tokens/s, 80 s left) loss 0.512"


def test_a_long_step_does_not_keep_it_silent(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr(progress, "EVERY", 0.2)
    with Progress("boosting", 3, shown=True):
        time.sleep(1.0)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) >= 3 and all(line.startswith("boosting: 0 of 3 in") for line in lines[:-1])


def test_where_a_program_logs_the_lines_are_logged_shown_or_not(caplog, capsys, monkeypatch) -> None:
    monkeypatch.setattr(progress, "EVERY", 0.0)
    for shown in (True, False):
        caplog.clear()
        with caplog.at_level(logging.INFO, "thinkrec"), Progress("scoring", 4, shown=shown) as bar:
            bar.advance(3)
        assert [record.name for record in caplog.records] == ["thinkrec"] * len(caplog.records)
        assert caplog.messages[0].startswith("scoring: 3 of 4 in") and caplog.messages[-1].startswith("scoring: 3 in")
    assert capsys.readouterr().err == ""


def test_what_is_not_shown_says_nothing(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr(progress, "EVERY", 0.0)
    with Progress("training", 3, shown=False) as bar:
        bar.advance(3)
    assert capsys.readouterr().err == ""
