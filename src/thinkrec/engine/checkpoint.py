"""The trained recommender on disk: adapters, projector and settings in one folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError

from thinkrec.engine.recommender import Recommender
from thinkrec.errors import CheckpointError
from thinkrec.io.files import read_tensors, write_json, write_tensors
from thinkrec.io.hashing import hash_bytes
from thinkrec.model.adapters import attach_adapters
from thinkrec.model.backbone import Backbone, BackboneConfig, load_backbone
from thinkrec.model.lora import MultiLoRAConfig
from thinkrec.model.projector import Projector

CONFIG_NAME = "recommender.json"
_FORMAT = 2


def save_recommender(folder: Path | str, recommender: Recommender, extra: Mapping[str, Any] | None = None) -> None:
    """Write adapters, projector and settings; the backbone is only named, with the digest of its contents.

    `recommender.json` is written last and names the weights by their hash, so a save that dies half-way leaves the
    earlier state readable. `extra`: further JSON values to keep (for instance the gate's settings), see
    `read_recommender_config`.
    """
    folder = Path(folder)
    tensors = {f"experts.{k}": v.cpu() for k, v in recommender.adapters.state_dict().items()}
    projector = recommender.projector
    if projector is not None:
        tensors |= {f"projector.{k}": v.detach().cpu().contiguous() for k, v in projector.state_dict().items()}
    weights = f"weights-{_hash_tensors(tensors)}.safetensors"
    write_tensors(folder / weights, tensors)
    config = {
        "format": _FORMAT,
        "weights": weights,
        "backbone": recommender.backbone.config.model_dump(),
        "backbone_digest": recommender.backbone.digest,
        "experts": recommender.adapters.config.model_dump(),
        "projector": None if projector is None else projector.get_config(),
        "extra": dict(extra or {}),
    }
    write_json(folder / CONFIG_NAME, config)
    for old in folder.glob("weights-*.safetensors"):
        if old.name != weights:
            old.unlink()


def load_recommender(folder: Path | str, backbone: Backbone | None = None) -> Recommender:
    """Read what `save_recommender` wrote.

    A given `backbone` (freshly loaded, without experts) is used instead of the named one. Raises CheckpointError where
    a file is missing, truncated, or the backbone is not the one of the training: weights that were learned on other
    ones would answer, and wrongly.
    """
    folder = Path(folder)
    config = read_recommender_config(folder)
    tensors = read_tensors(folder / config["weights"])
    try:
        base = backbone or load_backbone(BackboneConfig(**config["backbone"]))
        if base.digest != config["backbone_digest"]:
            raise CheckpointError(
                f"the adapters in {folder} were trained on another backbone: {config['backbone']['source']} had "
                f"contents {config['backbone_digest']} then, and {base.name} has {base.digest}; restore that backbone, "
                "or train again"
            )
        experts = attach_adapters(base.model, MultiLoRAConfig(**config["experts"]))
    except ValidationError as error:
        raise CheckpointError(f"{folder / CONFIG_NAME} holds settings this version does not know: {error}") from error
    experts.load_state_dict(_select_tensors(tensors, "experts."))
    projector = None
    if config["projector"] is not None:
        projector = Projector(**config["projector"])
        if projector.hidden != base.hidden_size:
            raise CheckpointError(
                f"the projector in {folder} makes vectors of {projector.hidden} numbers, the backbone {base.name} "
                f"takes {base.hidden_size}; load it with the backbone it was trained with"
            )
        projector.load_state_dict(_select_tensors(tensors, "projector."))
        projector.to(next(base.model.parameters()).device)
    return Recommender(base, experts, projector).eval()


def read_recommender_config(folder: Path | str) -> dict[str, Any]:
    """The settings that `save_recommender` wrote, `extra` included. Raises CheckpointError if missing or unreadable."""
    path = Path(folder) / CONFIG_NAME
    if not path.is_file():
        raise CheckpointError(f"there is no {CONFIG_NAME} in {folder}; give the folder of a trained recommender")
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise CheckpointError(f"{path} is no readable JSON ({error}); delete {folder}, train or copy again") from error
    if config.get("format") != _FORMAT:
        raise CheckpointError(f"{path} has format {config.get('format')}, this version reads {_FORMAT}; train again")
    return config


def _select_tensors(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}


def _hash_tensors(tensors: dict[str, torch.Tensor]) -> str:
    pairs = ((name.encode(), tensors[name].reshape(-1).view(torch.uint8).numpy().tobytes()) for name in sorted(tensors))
    return hash_bytes(chunk for pair in pairs for chunk in pair)[:12]
