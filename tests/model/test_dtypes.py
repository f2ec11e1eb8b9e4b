"""Formats that devices are fastest in, and what `dtype: auto` makes of them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from support.tiny_lm import make_backbone

from thinkrec.model import backbone, dtypes
from thinkrec.model.backbone import BackboneConfig, load_backbone, resolve_backbone_dtype
from thinkrec.model.dtypes import LEAST_HIDDEN_SIZE, choose_dtype, detect_native_dtype, find_native_dtype


@pytest.mark.parametrize(
    ("device", "capability", "flags", "wanted"),
    [
        ("cuda", (9, 0), (), "bfloat16"),
        ("cuda", (8, 0), (), "bfloat16"),
        ("cuda", (7, 5), (), "float32"),
        ("cpu", (0, 0), ("avx2",), "float32"),
        ("cpu", (0, 0), ("avx2", "avx512_bf16"), "float32"),
        ("cpu", (0, 0), ("avx2", "avx512_bf16", "amx_bf16"), "bfloat16"),
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


@pytest.mark.parametrize("native", ["float32", "bfloat16"])
def test_auto_is_the_devices_format_where_a_backbone_is_wide_enough_to_gain(
    native: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dtypes, "detect_native_dtype", lambda: native)
    assert choose_dtype(LEAST_HIDDEN_SIZE) == native
    assert choose_dtype(LEAST_HIDDEN_SIZE - 1) == "float32"
    assert choose_dtype(576) == native, "smollm2 gains"


def test_nano_is_held_in_float32_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dtypes, "detect_native_dtype", lambda: "bfloat16")
    assert load_backbone("nano").model.dtype == torch.float32
    assert resolve_backbone_dtype(BackboneConfig()) == "float32"


@pytest.mark.parametrize("wanted", ["float32", "bfloat16"])
def test_auto_loads_in_it(wanted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(backbone, "choose_dtype", lambda size: asked.append(size) or wanted)
    base = make_backbone()
    base.model.save_pretrained(tmp_path)
    base.tokenizer.save_pretrained(tmp_path)
    loaded = load_backbone(BackboneConfig(source=str(tmp_path), dtype="auto"))
    assert loaded.model.dtype == getattr(torch, wanted)
    assert set(asked) == {32}
    assert loaded.config.dtype == "auto", "another machine chooses for itself"
    held = "float16"
    assert resolve_backbone_dtype(BackboneConfig(source=str(tmp_path), dtype=held)) == held, "what is asked for is held"
