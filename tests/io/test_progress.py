"""Progress where nobody looks at a terminal: a line every half minute, and one at the end."""

from __future__ import annotations

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
    assert lines[0].endswith("loss 30")


def test_what_is_not_shown_says_nothing(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr(progress, "EVERY", 0.0)
    with Progress("training", 3, shown=False) as bar:
        bar.advance(3)
    assert capsys.readouterr().err == ""
