"""--help, --version and `doctor`: what one asks before anything is trained."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.command_line import call, plain

import thinkrec
from thinkrec import __version__


def test_doctor_fails_only_where_something_stops_thinkrec(monkeypatch: pytest.MonkeyPatch) -> None:
    found = json.loads(call("doctor", "--json").stdout)
    assert {"versions", "devices", "problems"} <= set(found)
    fault = {"level": "note", "what": "no flowers", "remedy": "pick some"}
    monkeypatch.setattr("thinkrec.doctor.collect_system_info", lambda: {**found, "problems": [fault]})
    result = call("doctor")
    assert result.exit_code == 0
    assert "no flowers" in result.stdout
    assert "pick some" in result.stdout
    monkeypatch.setattr(
        "thinkrec.doctor.collect_system_info", lambda: {**found, "problems": [{**fault, "level": "error"}]}
    )
    assert call("doctor").exit_code == 1


def test_the_version_is_printed() -> None:
    result = call("--version")
    assert (result.exit_code, result.stdout) == (0, f"thinkrec {__version__}\n")


def test_help_teaches_with_examples() -> None:
    alone = (
        "demo",
        "run",
        "rank",
        "explain",
        "predict",
        "compare",
        "keywords",
        "report",
        "table",
        "study",
        "search",
        "cost",
        "example",
        "export",
        "doctor",
        "recipe",
        "recommend",
        "track",
        "mcp",
    )
    jobs = ("ranking", "text", "grounding", "faithfulness", "decoding", "thinking", "catalogue")
    grouped = [f"evaluate {job}" for job in jobs]
    grouped += [f"reasons {job}" for job in ("synthesize", "sample", "choose", "write")]
    grouped += [f"data {job}" for job in ("list", "show", "download")]
    for command in (*alone, *grouped, "data", "evaluate", "reasons"):
        text = plain(call(*command.split(), "--help").stdout)
        assert f"thinkrec {command}" in text, command


def test_commands_are_listed_from_the_first_thing_one_does() -> None:
    listed = re.findall(r"^[│|] ([a-z]+)  ", plain(call("--help").stdout), flags=re.MULTILINE)
    first = [
        "demo",
        "example",
        "data",
        "check",
        "run",
        "rank",
        "recommend",
        "explain",
        "predict",
        "evaluate",
        "compare",
    ]
    then = ["keywords", "reasons", "report", "table", "track", "study", "search", "cost", "serve", "mcp", "doctor"]
    assert listed == [*first, *then, "recipe", "weights", "export"]


@pytest.mark.parametrize(
    "command",
    [
        "",
        "rank",
        "evaluate",
        "evaluate text",
        "data download",
        "evaluate faithfulness",
        "reasons synthesize",
        "reasons choose",
        "predict",
    ],
)
def test_help_needs_no_heavy_package(command: str) -> None:
    heavy = ("torch", "transformers", "polars", "numpy", "scipy")
    code = (
        "import sys, contextlib, io\n"
        "from thinkrec.cli import app\n"
        f"with contextlib.redirect_stdout(io.StringIO()): app({[*command.split(), '--help']}, standalone_mode=False)\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(thinkrec.__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("run", {"device", "workers", "threads", "seed"}),
        ("demo", {"device", "workers", "threads", "seed"}),
        ("rank", {"device", "workers", "threads"}),
        ("explain", {"device", "workers", "threads"}),
    ],
)
def test_how_to_run_is_an_option_of_what_runs(command: str, options: set[str]) -> None:
    text = plain(call(command, "--help").stdout)
    assert {name for name in ("device", "workers", "threads", "seed") if f"--{name}" in text} == options
