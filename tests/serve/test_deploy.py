"""The files in deploy/: what they name is there. No container engine is needed, so that none of them is run here."""

from __future__ import annotations

import inspect
import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.testing import CliRunner

from thinkrec.cli import app

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"


def read_yaml(name: str) -> Any:
    return yaml.safe_load((DEPLOY / name).read_text(encoding="utf-8"))


def list_options(words: list[str]) -> set[str]:
    return {word.partition("=")[0] for word in words if word.startswith("--")}


@pytest.fixture(scope="module")
def known() -> set[str]:
    """Options of `thinkrec serve`."""
    command = typer.main.get_command(app).commands["serve"]  # type: ignore[attr-defined]
    return {option for parameter in command.params for option in parameter.opts}


def test_the_containerfile_copies_what_is_there_and_starts_the_service(known: set[str]) -> None:
    text = (DEPLOY / "Containerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    copied = [word for line in lines if line.startswith("COPY ") for word in line.split()[1:-1]]
    assert {"src", "pyproject.toml", "recipes"} <= set(copied)
    assert all((ROOT / name).exists() for name in copied)
    (extras,) = re.findall(r"/source\[([a-z,]+)\]", text)
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert all(re.search(rf"^{extra} = \[", project, re.MULTILINE) for extra in extras.split(","))
    entry, command = (json.loads(line.partition(" ")[2]) for line in lines if line.startswith(("ENTRYPOINT ", "CMD ")))
    assert entry[:2] == ["thinkrec", "serve"]
    assert list_options([*entry, *command]) <= known and "--key-file" in command
    assert next(line for line in lines if line.startswith("USER ")) != "USER root"


def test_the_compose_file_names_what_is_there(known: set[str]) -> None:
    compose = read_yaml("compose.yaml")
    services = compose["services"]
    assert set(services) == {"thinkrec", "postgres", "prometheus"}
    build = services["thinkrec"]["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).is_file()
    assert list_options(services["thinkrec"]["command"]) <= known
    for name, service in services.items():
        assert set(service.get("secrets", [])) <= set(compose["secrets"]), name
        assert set(service.get("depends_on", {})) <= set(services), name
        for volume in service.get("volumes", []):
            source = volume.rsplit(":", 2)[0] if volume.endswith(":ro") else volume.rpartition(":")[0]
            if source.startswith("./"):
                assert (DEPLOY / source).is_file(), source
            else:
                assert source in compose["volumes"] or source.startswith("${THINKREC_RUN:?"), source
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert all(f"deploy/{Path(secret['file']).name}" in ignored for secret in compose["secrets"].values())


def test_prometheus_asks_the_service_with_its_key() -> None:
    config, compose = read_yaml("prometheus.yml"), read_yaml("compose.yaml")
    (job,) = config["scrape_configs"]
    host, _, port = job["static_configs"][0]["targets"][0].partition(":")
    assert f"--port={port}" in compose["services"][host]["command"]
    key = Path(job["authorization"]["credentials_file"]).name
    assert key in compose["services"]["prometheus"]["secrets"]
    assert all((DEPLOY / name).is_file() for name in config["rule_files"])


def test_alerts_ask_for_figures_that_exist_and_are_explained(service) -> None:
    pytest.importorskip("prometheus_client", reason="thinkrec[serve] is not installed")
    from thinkrec.serve.metrics import ServiceMetrics

    metrics = ServiceMetrics(service)
    metrics.observe("/v1/rank", 200, 0.1)
    text = metrics.render()
    page = (ROOT / "docs" / "serve.md").read_text(encoding="utf-8")
    for rule in read_yaml("alerts.yml")["groups"][0]["rules"]:
        for name in re.findall(r"thinkrec_\w+", rule["expr"]):
            assert re.search(rf"^{name}[ {{]", text, re.MULTILINE), name
        assert f"`{rule['alert']}`" in page


def test_the_unit_of_systemd_starts_the_service(known: set[str]) -> None:
    lines = (DEPLOY / "thinkrec.service").read_text(encoding="utf-8").splitlines()
    (command,) = [line.partition("=")[2] for line in lines if line.startswith("ExecStart=")]
    words = shlex.split(command)
    assert words[1] == "serve" and list_options(words) <= known


def test_the_service_has_longer_to_stop_than_it_takes() -> None:
    pytest.importorskip("prometheus_client", reason="needs the extra serve")
    from thinkrec.serve import run_server

    (longest,) = map(int, re.findall(r"timeout_graceful_shutdown=(\d+)", inspect.getsource(run_server)))
    assert int(read_yaml("compose.yaml")["services"]["thinkrec"]["stop_grace_period"].rstrip("s")) > longest
    (unit,) = re.findall(r"TimeoutStopSec=(\d+)", (DEPLOY / "thinkrec.service").read_text(encoding="utf-8"))
    assert int(unit) > longest
    assert CliRunner().invoke(app, ["serve", "--help"]).exit_code == 0
