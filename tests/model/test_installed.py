"""Which language models lie on a machine: caches, packages, the embedded one, and what `auto` is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from thinkrec.errors import CheckpointError
from thinkrec.model import backbone_files, installed
from thinkrec.model.backbone_config import BackboneConfig
from thinkrec.model.converted_cache import open_converted_copy
from thinkrec.model.installed import describe_installed_models


def test_hub_settings(tmp_path: Path) -> None:
    (tmp_path / "hub" / "models--org--small").mkdir(parents=True)
    settings = {"HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "0"}
    models = describe_installed_models(settings)
    assert models["hub_cache"] == str(tmp_path / "hub")
    assert models["cached"] == ["org/small"]
    assert models["offline"] == ["HF_HUB_OFFLINE"]


def test_the_embedded_model_is_counted_and_damage_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installed, "NANO", tmp_path)
    lacking = describe_installed_models({})["nano"]["broken"]
    assert "lacks config.json, tokenizer.json, model.safetensors" in lacking
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "tokenizer.json").write_text("{}")
    weights = tmp_path / "model.safetensors"
    save_file({"a": np.zeros((3, 5), dtype=np.float32), "b": np.zeros(7, dtype=np.float32)}, weights)
    whole = describe_installed_models({})["nano"]
    assert whole == {"bytes": weights.stat().st_size, "weights": 22, "broken": ""}
    weights.write_bytes(weights.read_bytes()[:-4])
    assert "cannot be read" in describe_installed_models({})["nano"]["broken"]


def test_converted_copies_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THINKREC_CACHE", str(tmp_path))
    settings = {"THINKREC_CACHE": str(tmp_path)}
    empty = {"folder": str(tmp_path / "backbones"), "count": 0, "bytes": 0}
    assert describe_installed_models(settings)["converted"] == empty
    with open_converted_copy("key", lambda folder: (folder / "weights").write_bytes(b"w" * 5000)):
        pass
    one = describe_installed_models(settings)["converted"]
    assert one["count"] == 1 and 5000 < one["bytes"] < 6000


@pytest.mark.parametrize(("size", "dtype"), [(576, "bfloat16"), (192, "float32")])
def test_auto_is_told_with_its_format(size: int, dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        backbone_files, "resolve_backbone_source", lambda config: config.model_copy(update={"source": "x"})
    )
    monkeypatch.setattr(backbone_files, "read_hidden_size", lambda config: {BackboneConfig(source="x"): size}[config])
    monkeypatch.setattr(installed, "choose_dtype", lambda size: "bfloat16" if size == 576 else "float32")
    assert describe_installed_models({})["auto"] == {"source": "x", "dtype": dtype}


def test_auto_whose_files_cannot_be_read_is_told_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(config: object) -> int:
        raise CheckpointError("damaged")

    monkeypatch.setattr(backbone_files, "read_hidden_size", refuse)
    assert describe_installed_models({})["auto"]["dtype"] == "unknown"
