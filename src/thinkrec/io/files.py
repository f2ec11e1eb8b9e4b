"""JSON and safetensors files: written beside their name and then renamed, checked for completeness when read."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError

from thinkrec.errors import CheckpointError

if TYPE_CHECKING:
    import torch

# PyTorch takes seconds to import: inside the two functions that need it, so that texts and tables go without.


def read_tensors(path: Path | str) -> dict[str, torch.Tensor]:
    """All tensors of a safetensors file. Raises CheckpointError if it is missing or truncated."""
    from safetensors.torch import load_file

    check_complete(path)
    try:
        return load_file(path)
    except SafetensorError as error:
        raise CheckpointError(f"{path} cannot be read ({error}); delete it and copy or train it again") from error


def check_complete(path: Path | str) -> None:
    """Compare a safetensors file's size with what its header announces. Raises CheckpointError."""
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f"checkpoint {path} is missing; copy it there or train again")
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(8)
        length = int.from_bytes(head, "little")
        expected = 8 + length
        if len(head) == 8 and expected <= size:
            try:
                header = json.loads(file.read(length))
                expected += max((v["data_offsets"][1] for k, v in header.items() if k != "__metadata__"), default=0)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise CheckpointError(f"checkpoint {path} has no valid header; delete it and copy it again") from error
    if len(head) < 8 or size < expected:
        raise CheckpointError(
            f"checkpoint {path} is truncated: expected {max(expected, 8)} bytes, found {size}; "
            "delete it and copy, download or train it again"
        )


def write_tensors(path: Path, tensors: dict[str, torch.Tensor], metadata: dict[str, str] | None = None) -> None:
    """Write a safetensors file atomically, making its folder if needed."""
    from safetensors.torch import save_file

    write_atomically(path, lambda beside: save_file(tensors, beside, metadata=metadata))


def to_json_value(value: Any) -> Any:
    """Nested values as JSON holds them: tuples as lists, and null for what is not a finite number."""
    if isinstance(value, Mapping):
        return {key: to_json_value(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [to_json_value(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON file atomically, making its folder if needed; `to_json_value` values, since JSON has no NaN."""
    write_text(path, json.dumps(to_json_value(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a text file (UTF-8) atomically, making its folder if needed."""
    write_atomically(path, lambda beside: beside.write_text(text, encoding="utf-8"))


def write_atomically(path: Path, write: Callable[[Path], object], *, sync: bool = True) -> None:
    """Have `write(beside)` make a file beside `path`, then rename it to `path`: there is a whole file or none.

    The folder of `path` is made if needed. What was at `path` stays as it was if `write` fails or is killed.

    Args:
        path: the file's name in the end.
        write: makes the file whose name it is given, in the folder of `path`.
        sync: whether the contents are on the disk before the file is renamed; not needed for what is computed again
            after a crash of the machine.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        write(beside)
        if sync:
            with beside.open("rb") as file:
                os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
