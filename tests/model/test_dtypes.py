"""Formats that devices are fastest in."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from thinkrec.model import backbone, dtypes
from thinkrec.model.backbone import BackboneConfig, load_backbone
from thinkrec.model.dtypes import detect_native_dtype, find_native_dtype


@pytest.mark.parametrize(
    ("device", "capability", "flags", "wanted"),
    [
        ("cuda", (9, 0), (), "bfloat16"),
        ("cuda", (8, 0), (), "bfloat16"),
        ("cuda", (7, 5), (), "float32"),
        ("cpu", (0, 0), ("avx2",), "float32"),
        ("cpu", (0, 0), ("avx2", "amx_bf16"), "bfloat16"),
        ("mps", (0, 0), (), "float32"),
        ("xpu", (0, 0), (), "float32"),
    ],
)
def test_the_first_row_that_fits_counts(
    device: str, capability: tuple[int, int], flags: tuple[str, ...], wanted: str
) -> None:
    assert find_native_dtype(device, capability, frozenset(flags)) == wanted


def test_this_machine_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert detect_native_dtype() in ("float32", "bfloat16")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (9, 0))
    assert detect_native_dtype() == "bfloat16"


def test_a_machine_that_does_not_name_its_instructions_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_, **__):
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", missing)
    assert dtypes.read_cpu_flags() == frozenset()


@pytest.mark.parametrize("wanted", ["float32", "bfloat16"])
def test_auto_loads_in_it(wanted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backbone, "detect_native_dtype", lambda: wanted)
    loaded = load_backbone(BackboneConfig(dtype="auto"))
    assert loaded.model.dtype == getattr(torch, wanted)
    assert loaded.config.dtype == "auto"
