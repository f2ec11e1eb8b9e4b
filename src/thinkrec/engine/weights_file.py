"""Recommenders of format 2, which older versions wrote: adapters and projector in one weights file. Only read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from thinkrec.engine.parts import MODULE_PARTS, PartOwner, PartState
from thinkrec.io.files import read_tensors

FORMAT_2 = 2


def upgrade_manifest(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """A manifest of format 2 with the keys of format 3, without parts: these are in the file that `weights` names."""
    renamed = {"experts": "adapters"}
    return {**{renamed.get(key, key): value for key, value in manifest.items()}, "parts": {}}


def load_weights_file(recommender: PartOwner, folder: Path, manifest: Mapping[str, Any]) -> None:
    """Put the adapters and the projector, if any, of a folder of format 2 into a recommender with adapters attached.

    Raises CheckpointError where the file is missing, truncated, or does not fit.
    """
    tensors = read_tensors(folder / manifest["weights"])
    recommender.adapters.load_state_dict(_select_tensors(tensors, "experts."))
    if manifest["projector"] is not None:
        state = PartState(
            {"projector.safetensors": _select_tensors(tensors, "projector.")}, {"config": manifest["projector"]}
        )
        MODULE_PARTS["projector"].load_state(recommender, state)


def _select_tensors(tensors: Mapping[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}
