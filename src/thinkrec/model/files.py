"""The trained recommender on disk: JSON and safetensors, every file written beside its name and then renamed."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from thinkrec.errors import CheckpointError

if TYPE_CHECKING:
    from thinkrec.model.backbone import Backbone
    from thinkrec.model.recommender import Recommender

CONFIG = "recommender.json"
_FORMAT = 1


def save(folder: Path | str, recommender: Recommender, extra: Mapping[str, Any] | None = None) -> None:
    """Write adapters, projector and settings; the backbone is only named.

    `recommender.json` is written last and names the weights by their hash, so a save that dies half-way leaves the
    earlier state readable. `extra`: further JSON values to keep (for instance the gate's settings), see `read_config`.
    """
    folder = Path(folder)
    tensors = {f"experts.{k}": v.cpu() for k, v in recommender.experts.state_dict().items()}
    projector = recommender.projector
    if projector is not None:
        tensors |= {f"projector.{k}": v.detach().cpu().contiguous() for k, v in projector.state_dict().items()}
    weights = f"weights-{_fingerprint(tensors)}.safetensors"
    write_tensors(folder / weights, tensors)
    config = {
        "format": _FORMAT,
        "weights": weights,
        "backbone": recommender.backbone.config.model_dump(),
        "experts": recommender.experts.config.model_dump(),
        "projector": None if projector is None else projector.shape(),
        "extra": dict(extra or {}),
    }
    write_json(folder / CONFIG, config)
    for old in folder.glob("weights-*.safetensors"):
        if old.name != weights:
            old.unlink()


def load(folder: Path | str, backbone: Backbone | None = None) -> Recommender:
    """Read what `save` wrote. A given `backbone` (freshly loaded, without experts) is used instead of the named one.

    Raises CheckpointError where a file is missing, truncated, or does not fit the backbone.
    """
    from thinkrec.model.backbone import BackboneConfig, load_backbone
    from thinkrec.model.experts import ExpertConfig, attach
    from thinkrec.model.projector import Projector
    from thinkrec.model.recommender import Recommender

    folder = Path(folder)
    config = read_config(folder)
    tensors = read_tensors(folder / config["weights"])
    try:
        base = backbone or load_backbone(BackboneConfig(**config["backbone"]))
        experts = attach(base.model, ExpertConfig(**config["experts"]))
    except ValidationError as error:
        raise CheckpointError(f"{folder / CONFIG} holds settings this version does not know: {error}") from error
    experts.load_state_dict(_part(tensors, "experts."))
    projector = None
    if config["projector"] is not None:
        projector = Projector(**config["projector"])
        if projector.hidden != base.hidden:
            raise CheckpointError(
                f"the projector in {folder} makes vectors of {projector.hidden} numbers, the backbone {base.name} "
                f"takes {base.hidden}; load it with the backbone it was trained with"
            )
        projector.load_state_dict(_part(tensors, "projector."))
        projector.to(next(base.model.parameters()).device)
    return Recommender(base, experts, projector).eval()


def read_config(folder: Path | str) -> dict[str, Any]:
    """The settings that `save` wrote, `extra` included. Raises CheckpointError if missing or unreadable."""
    path = Path(folder) / CONFIG
    if not path.is_file():
        raise CheckpointError(f"there is no {CONFIG} in {folder}; give the folder of a trained recommender")
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise CheckpointError(f"{path} is not readable JSON ({error}); delete {folder} and train or copy again") from error
    if config.get("format") != _FORMAT:
        raise CheckpointError(f"{path} has format {config.get('format')}, this version reads {_FORMAT}; train again")
    return config


def read_tensors(path: Path | str) -> dict[str, torch.Tensor]:
    """All tensors of a safetensors file. Raises CheckpointError if it is missing or truncated."""
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
    _replace(path, lambda beside: save_file(tensors, beside, metadata=metadata))


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON file atomically, making its folder if needed."""
    text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    _replace(path, lambda beside: beside.write_text(text, encoding="utf-8"))


def _replace(path: Path, write: Callable[[Path], object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        write(beside)
        with beside.open("rb") as file:
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _part(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}


def _fingerprint(tensors: dict[str, torch.Tensor]) -> str:
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(tensors[name].contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:12]
