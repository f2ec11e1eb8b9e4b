"""One door for every causal language model: embedded, local folder, hub name, or GGUF file."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from huggingface_hub.errors import LocalEntryNotFoundError
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils import logging

from thinkrec.errors import CheckpointError, RecipeError
from thinkrec.io.files import check_complete
from thinkrec.io.hashing import hash_bytes, hash_file, hash_files
from thinkrec.model.backbone_config import BackboneConfig
from thinkrec.model.backbone_files import (
    explain_loading_error,
    find_backbone_folder,
    find_gguf_file,
    list_backbone_files,
    read_hidden_size,
    resolve_backbone_source,
)
from thinkrec.model.converted_cache import open_converted_copy
from thinkrec.model.dtypes import Format, choose_dtype
from thinkrec.model.gguf_file import CONVERSION, check_gguf_file, convert_gguf_file
from thinkrec.model.quantization import enable_quantized_gradients
from thinkrec.model.token_ids import take_first_id

_POSITIONS = ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len", "max_sequence_length", "seq_length")
"""What architectures call the number of their positions."""


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
        return take_first_id(self.tokenizer.bos_token_id)

    @property
    def eos_id(self) -> int:
        """End-of-sequence token: what ends a training target and a generated reason."""
        token_id = take_first_id(self.tokenizer.eos_token_id)
        assert token_id is not None, "wrap() refuses tokenizers without an end token"
        return token_id

    @property
    def pad_id(self) -> int:
        """Filler on the right of a batch; the end token where the tokenizer has none of its own."""
        token_id = take_first_id(self.tokenizer.pad_token_id)
        return self.eos_id if token_id is None else token_id


def load_backbone(source: str | BackboneConfig) -> Backbone:
    """Load a backbone, in evaluation mode and frozen, on the CPU; with `bits` on the GPU if there is one.

    Its `config` names its true source where `auto` was asked for.
    Raises CheckpointError where it is missing, truncated or needs a package that is not installed, and RecipeError
    where its tokenizer cannot serve (no end token).
    """
    config = resolve_backbone_source(source if isinstance(source, BackboneConfig) else BackboneConfig(source=source))
    if file := find_gguf_file(config):
        return _load_gguf(file, config, name="smollm2" if config.source == "smollm2" else file.stem)
    folder = find_backbone_folder(config)
    if folder is None:
        return _load_pretrained(config.source, config, config.source)
    for weights in sorted(folder.glob("*.safetensors")):
        check_complete(weights)
    return _load_pretrained(folder, config, "nano" if config.source == "nano" else folder.resolve().name)


def compute_backbone_digest(config: BackboneConfig) -> str:
    """Hash of the contents of a backbone (weights, settings, tokenizer), as its `Backbone.digest` will be.

    A hub model that is not in the cache yet is loaded for it. Raises as `load_backbone` does.
    """
    config = resolve_backbone_source(config)
    try:
        return hash_files(list_backbone_files(config))
    except LocalEntryNotFoundError:
        return load_backbone(config).digest


def resolve_backbone_dtype(config: BackboneConfig) -> Format:
    """The number format that a backbone is held in here: `dtype`, or what `auto` means on this machine.

    Raises CheckpointError where it takes the backbone's size to know, and that cannot be read.
    """
    return choose_dtype(read_hidden_size(resolve_backbone_source(config))) if config.dtype == "auto" else config.dtype


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
    if take_first_id(tokenizer.eos_token_id) is None:
        raise RecipeError(f"the tokenizer of {name} has no end-of-sequence token, so no reason could end; use another")
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    model.requires_grad_(False)
    model.eval()
    return Backbone(model, tokenizer, name, config, digest or _hash_weights(model))


def _load_pretrained(
    where: Path | str, config: BackboneConfig, name: str, digest: str | None = None, dtype: Format | None = None
) -> Backbone:
    """A backbone from a folder or the hub; `digest` and `dtype` where the caller knows them already."""
    options: dict[str, Any] = {} if config.bits is None else _build_quantization_options(config, name)
    revision = {} if config.revision is None or isinstance(where, Path) else {"revision": config.revision}
    held = getattr(torch, dtype or resolve_backbone_dtype(config))
    logging.disable_progress_bar()
    try:
        tokenizer = AutoTokenizer.from_pretrained(where, **revision)
        model = AutoModelForCausalLM.from_pretrained(
            where, dtype=held, attn_implementation=config.attention, **revision, **options
        )
    except SafetensorError as error:
        raise CheckpointError(
            f"checkpoint of {name} is truncated or damaged ({error}); "
            f"delete it from {where} or the hub cache and load it again"
        ) from error
    except (OSError, ValueError) as error:
        raise CheckpointError(explain_loading_error(where, error)) from error
    backbone = build_backbone(model, tokenizer, name, config, digest or hash_files(list_backbone_files(config)))
    if config.bits is not None:
        enable_quantized_gradients(model, name)
    return backbone


def _build_quantization_options(config: BackboneConfig, name: str) -> dict[str, Any]:
    """What Transformers is asked for to hold linear layers in few bits."""
    if importlib.util.find_spec("bitsandbytes") is None:
        raise CheckpointError(f"holding {name} in {config.bits} bits needs bitsandbytes; run: pip install bitsandbytes")
    from transformers import BitsAndBytesConfig

    if config.bits == 4:
        compute = getattr(torch, resolve_backbone_dtype(config))
        quantization = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=compute)
    else:
        quantization = BitsAndBytesConfig(load_in_8bit=True)
    # Weights are packed for the device that they are loaded on, and some cannot be moved afterwards.
    # Of several processes each has a card of its own, the current one.
    device = torch.cuda.current_device() if torch.cuda.is_available() else "cpu"
    return {"quantization_config": quantization, "device_map": {"": device}}


def _load_gguf(path: Path, config: BackboneConfig, name: str) -> Backbone:
    """A backbone from the copy of a .gguf file that is converted once; see `thinkrec.model.converted_cache`."""
    if config.bits is not None:
        raise RecipeError(
            f"backbone.bits is {config.bits}, but {path.name} is a GGUF file, whose weights are unpacked when it is"
            " read; give the folder or hub name of the same model, or leave bits out"
        )
    check_gguf_file(path)
    dtype = resolve_backbone_dtype(config)
    # Another version of Transformers may read the file in another way.
    key = f"{hash_file(path)[:32]}-{dtype}-{CONVERSION}-transformers-{version('transformers')}"
    with open_converted_copy(key, lambda folder: convert_gguf_file(path, getattr(torch, dtype), folder)) as folder:
        return _load_pretrained(folder, config, name, hash_files([path]), dtype)
