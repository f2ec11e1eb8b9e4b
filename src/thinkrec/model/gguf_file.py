"""Models in .gguf files: what their header says, and their conversion to a folder that loads in a second."""

from __future__ import annotations

import importlib.util
import mmap
import struct
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

from thinkrec.errors import CheckpointError
from thinkrec.model.token_ids import take_first_id

CONVERSION = 1
"""Version of `convert_gguf_file`: one more whenever its results change, so that older copies are not taken."""
_NUMBERS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
"""Type of a value in the header -> its layout (GGUF specification, version 3)."""
_STRING, _ARRAY = 8, 9


def check_gguf_file(path: Path) -> None:
    """Raises CheckpointError where a file cannot be read as GGUF: for want of a package, or because it is none."""
    if importlib.util.find_spec("gguf") is None:
        raise CheckpointError(f"reading {path} needs the package gguf; run: pip install gguf")
    with path.open("rb") as file:
        if file.read(4) != b"GGUF":
            raise CheckpointError(f"{path} is not a GGUF file or is damaged; delete it and download it again")


def read_gguf_hidden_size(path: Path) -> int:
    """Size of a token embedding, from the header. Raises CheckpointError where the header does not say it."""
    fields = read_gguf_fields(path)
    size = fields.get(f"{fields.get('general.architecture')}.embedding_length")
    if not isinstance(size, int):
        raise CheckpointError(f"{path} does not say its embedding_length; it holds no language model, or is damaged")
    return size


def read_gguf_fields(path: Path) -> dict[str, Any]:
    """The numbers and texts in a file's header by name; of arrays, such as the vocabulary, the length alone.

    Raises CheckpointError for a file that is no GGUF file or ends within its header.
    """
    with path.open("rb") as file:
        try:
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError as error:  # an empty file cannot be mapped
            raise CheckpointError(f"{path} is empty; delete it and download it again") from error
        with content:
            try:
                return _parse_header(content)
            except (struct.error, UnicodeDecodeError, KeyError) as error:
                raise CheckpointError(
                    f"{path} is not a GGUF file or is damaged; delete it and download it again ({error!r})"
                ) from error


def _parse_header(content: mmap.mmap) -> dict[str, Any]:
    magic, _, _, n_fields = struct.unpack_from("<4sIQQ", content)
    if magic != b"GGUF":
        raise KeyError("GGUF")
    fields: dict[str, Any] = {}
    at = 24
    for _ in range(n_fields):
        name, at = _parse_string(content, at)
        (kind,) = struct.unpack_from("<I", content, at)
        fields[name], at = _parse_value(content, at + 4, kind)
    return fields


def _parse_string(content: mmap.mmap, at: int) -> tuple[str, int]:
    (length,) = struct.unpack_from("<Q", content, at)
    begin, end = at + 8, at + 8 + length
    if end > len(content):
        raise struct.error("a text goes beyond the end of the file")
    return content[begin:end].decode("utf-8"), end


def _parse_value(content: mmap.mmap, at: int, kind: int) -> tuple[Any, int]:
    """A value and where the next one begins; of an array its length. Raises KeyError for a type that is unknown."""
    if kind == _STRING:
        return _parse_string(content, at)
    if kind != _ARRAY:
        layout = _NUMBERS[kind]
        return struct.unpack_from(layout, content, at)[0], at + struct.calcsize(layout)
    inner, length = struct.unpack_from("<IQ", content, at)
    at += 12
    if inner != _STRING:
        return length, at + length * struct.calcsize(_NUMBERS[inner])
    read_length = struct.Struct("<Q").unpack_from
    for _ in range(length):
        at += 8 + read_length(content, at)[0]
    return length, at


def convert_gguf_file(path: Path, dtype: torch.dtype, folder: Path) -> None:
    """Write the model of a .gguf file, dequantised to `dtype`, and its tokenizer into `folder`.

    The folder is then one that `save_pretrained` wrote: nothing in it says that the weights once were quantised.
    Raises CheckpointError for a file that cannot be read, OSError or SafetensorError where the folder cannot be
    written.
    """
    logging.disable_progress_bar()
    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()  # it would speak of weights that stay packed, which these do not
    try:
        tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
        model = AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=dtype)
    except (OSError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"cannot load backbone {path}: {error}") from error
    finally:
        logging.set_verbosity(verbosity)
    # A model read from GGUF remembers that it was quantised and refuses to be saved: move its weights to a plain one,
    # which needs no values of its own before.
    config = model.config
    if hasattr(config, "quantization_config"):
        delattr(config, "quantization_config")
    with torch.device("meta"):
        plain = AutoModelForCausalLM.from_config(config, dtype=dtype)
    plain.load_state_dict(model.state_dict(), assign=True)
    # Transformers 5.17 takes the beginning token of such a file for its end token; the file says which is which.
    for kind in ("bos", "eos", "pad"):
        token_id = take_first_id(getattr(config, f"{kind}_token_id", None))
        if token_id is not None:
            setattr(tokenizer, f"{kind}_token", tokenizer.convert_ids_to_tokens(token_id))
    plain.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
