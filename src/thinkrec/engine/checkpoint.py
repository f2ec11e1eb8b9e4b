"""The trained recommender on disk: one folder with a manifest and the files of its parts, adapters in PEFT's format.

recommender.json                                    manifest: backbone, shape of the adapters, parts with their files
adapters/global/adapter_model.safetensors           and adapter_config.json, as PEFT reads them
adapters/expert_1/...                               expert 1 in the upper layers, the global adapter below
projector.safetensors, soft_prompt.safetensors      where the recommender has these parts
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError

from thinkrec.engine.parts import TRAINABLE_PARTS, PartState
from thinkrec.engine.recommender import Recommender
from thinkrec.engine.weights_file import FORMAT_2, load_weights_file, upgrade_manifest
from thinkrec.errors import CheckpointError
from thinkrec.io.files import read_tensors, write_json, write_tensors
from thinkrec.io.hashing import hash_file
from thinkrec.model.adapters import attach_adapters
from thinkrec.model.backbone import Backbone, BackboneConfig, load_backbone
from thinkrec.model.lora import MultiLoRAConfig
from thinkrec.prompts.answers import AnswerIds

CONFIG_NAME = "recommender.json"
STAGING = ".saving"
"""Folder, inside that of the recommender, of a save that is under way; complete once it holds a manifest."""
_FORMAT = 3


def save_recommender(
    folder: Path | str,
    recommender: Recommender,
    extra: Mapping[str, Any] | None = None,
    dtype: torch.dtype | None = None,
) -> None:
    """Write the parts and the manifest; the backbone is only named, with the digest of its contents.

    Everything is written to a folder of its own first, the manifest last, and then moved to its place, so that a save
    that dies leaves the earlier state readable until the new one is complete, and the new one from then on.

    Args:
        folder: made if needed; an earlier recommender in it is replaced.
        recommender: whose parts (`thinkrec.engine.parts.TRAINABLE_PARTS`) are written.
        extra: further JSON values to keep (for instance the gate's settings), see `read_recommender_config`.
        dtype: number format of the files; by default that of the parts, float32.
    """
    folder = Path(folder)
    _move_complete_save(folder)
    staging = folder / STAGING
    shutil.rmtree(staging, ignore_errors=True)
    parts = {
        name: _write_part(staging, part.get_state(recommender), dtype)
        for name, part in TRAINABLE_PARTS.items()
        if part.has_part(recommender)
    }
    manifest = {
        "format": _FORMAT,
        "backbone": recommender.backbone.config.model_dump(),
        "backbone_digest": recommender.backbone.digest,
        "adapters": recommender.adapters.config.model_dump(),
        "parts": parts,
        "answers": asdict(recommender.answers),
        "extra": dict(extra or {}),
    }
    write_json(staging / CONFIG_NAME, manifest)
    _move_complete_save(folder)


def load_recommender(folder: Path | str, backbone: Backbone | None = None) -> Recommender:
    """Read what `save_recommender` wrote, in the format of today or the one before.

    A given `backbone` (freshly loaded, without experts) is used instead of the named one.
    Raises CheckpointError where a file is missing, truncated or another one than was saved, or the backbone is not the
    one of the training: weights that were learned on other ones would answer, and wrongly.
    """
    folder = Path(folder)
    manifest = read_recommender_config(folder)
    states = {name: _read_part(folder, name, entry) for name, entry in manifest["parts"].items()}
    try:
        base = backbone or load_backbone(BackboneConfig(**manifest["backbone"]))
        _check_backbone(base, folder, manifest)
        adapters = attach_adapters(base.model, MultiLoRAConfig(**manifest["adapters"]))
    except ValidationError as error:
        raise CheckpointError(f"{folder / CONFIG_NAME} holds settings this version does not know: {error}") from error
    recommender = Recommender(base, adapters, answers=_read_answer_ids(manifest))
    if manifest["format"] == FORMAT_2:
        load_weights_file(recommender, folder, manifest)
    for name, part in TRAINABLE_PARTS.items():
        if name in states:
            part.load_state(recommender, states[name])
    return recommender.eval()


def load_parts(recommender: Recommender, folder: Path | str, manifest: Mapping[str, Any], names: Sequence[str]) -> None:
    """Put some parts of a saved recommender into another one, whose adapters have the same shape.

    `manifest`: what `read_recommender_config` gives for the folder. Raises CheckpointError where it lacks one of the
    parts, was trained on another backbone, or as `load_recommender` does.
    """
    folder = Path(folder)
    _check_backbone(recommender.backbone, folder, manifest)
    if lacking := [name for name in names if name not in manifest["parts"]]:
        held = ", ".join(manifest["parts"]) or "nothing"
        raise CheckpointError(f"the weights in {folder} have no {lacking[0]}, they have {held}; give others, or train")
    for name in names:
        TRAINABLE_PARTS[name].load_state(recommender, _read_part(folder, name, manifest["parts"][name]))


def _check_backbone(base: Backbone, folder: Path, manifest: Mapping[str, Any]) -> None:
    if base.digest != manifest["backbone_digest"]:
        raise CheckpointError(
            f"the adapters in {folder} were trained on another backbone: {manifest['backbone']['source']} had "
            f"contents {manifest['backbone_digest']} then, and {base.name} has {base.digest}; restore that "
            "backbone, or train again"
        )


def _read_answer_ids(manifest: Mapping[str, Any]) -> AnswerIds | None:
    """The answer tokens of the training; None in folders of a version that had only one template."""
    if (answers := manifest.get("answers")) is None:
        return None
    return AnswerIds(tuple(answers["positive"]), tuple(answers["negative"]), answers["pooling"])


def read_recommender_config(folder: Path | str) -> dict[str, Any]:
    """The manifest that `save_recommender` wrote, `extra` included; one of format 2 with the keys of today.

    Raises CheckpointError if it is missing, unreadable, or of a format or with parts that this version does not know.
    """
    path = _find_file(Path(folder), CONFIG_NAME)
    if not path.is_file():
        raise CheckpointError(f"there is no {CONFIG_NAME} in {folder}; give the folder of a trained recommender")
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise CheckpointError(f"{path} is no readable JSON ({error}); delete {folder}, train or copy again") from error
    if manifest.get("format") == FORMAT_2:
        return upgrade_manifest(manifest)
    if manifest.get("format") != _FORMAT:
        raise CheckpointError(
            f"{path} has format {manifest.get('format')}, this version reads {FORMAT_2} and {_FORMAT}; train again"
        )
    if unknown := sorted(manifest["parts"].keys() - TRAINABLE_PARTS.keys()):
        raise CheckpointError(
            f"{path} names the part {unknown[0]}, which this version does not know; open it with the version of "
            "thinkrec that wrote it"
        )
    return manifest


def _write_part(folder: Path, state: PartState, dtype: torch.dtype | None) -> dict[str, Any]:
    """Write a part's files; returns its entry in the manifest, with each file's SHA-256."""
    for file, tensors in state.tensors.items():
        written = {name: tensor if dtype is None else tensor.to(dtype) for name, tensor in tensors.items()}
        write_tensors(folder / file, written, metadata={"format": "pt"})
    for file, settings in state.settings.items():
        write_json(folder / file, settings)
    return {**state.config, "files": {file: hash_file(folder / file) for file in (*state.tensors, *state.settings)}}


def _read_part(folder: Path, name: str, entry: Mapping[str, Any]) -> PartState:
    """The saved values of a part. Raises CheckpointError for a file that is not the one its manifest means."""
    tensors: dict[str, dict[str, torch.Tensor]] = {}
    for file, digest in entry["files"].items():
        if file.endswith(".safetensors"):
            path = _find_file(folder, file)
            tensors[file] = read_tensors(path)
            if hash_file(path) != digest:
                raise CheckpointError(
                    f"{path} is not the file that {CONFIG_NAME} names for the part {name} (its SHA-256 differs); copy "
                    "the whole folder again, or train again"
                )
    return PartState(tensors, entry)


def _find_file(folder: Path, file: str) -> Path:
    """Where a file of the state that counts lies: of a complete save not all may have been moved yet."""
    staged = folder / STAGING / file
    return staged if (folder / STAGING / CONFIG_NAME).is_file() and staged.is_file() else folder / file


def _move_complete_save(folder: Path) -> None:
    """Move a complete save to its place, the manifest last, and remove what only the state before it had."""
    staging = folder / STAGING
    if not (staging / CONFIG_NAME).is_file():
        return
    before = _list_files(folder / CONFIG_NAME)
    names = _list_files(staging / CONFIG_NAME)
    for name in names:
        if (staging / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (staging / name).replace(folder / name)
    # Until the manifest is moved the staged one counts, so that what the earlier state alone had is in nobody's way.
    for name in set(before) - set(names):
        (folder / name).unlink(missing_ok=True)
        if (folder / name).parent != folder:
            with contextlib.suppress(OSError):  # other files may lie there
                (folder / name).parent.rmdir()
    (staging / CONFIG_NAME).replace(folder / CONFIG_NAME)
    shutil.rmtree(staging)


def _list_files(manifest_path: Path) -> list[str]:
    """The files that a manifest names, those of format 2 included; none where it cannot be read."""
    try:
        manifest = json.loads(manifest_path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return []
    if "weights" in manifest:
        return [manifest["weights"]]
    return [file for entry in manifest.get("parts", {}).values() for file in entry["files"]]
