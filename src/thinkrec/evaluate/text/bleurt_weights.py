"""The weights of a BLEURT checkpoint under the names of transformers' RemBertModel, whatever wrote the file."""

from __future__ import annotations

import pickle
import re
from dataclasses import dataclass
from pathlib import Path

import torch

from thinkrec.errors import CheckpointError
from thinkrec.evaluate.text.tf_checkpoint import read_tensor_bundle
from thinkrec.io.files import read_tensors

_TENSORFLOW = Path("variables") / "variables"
_SHARED = "encoder.embedding_hidden_mapping_in"


@dataclass(frozen=True)
class BleurtWeights:
    """An encoder's weights and the head's."""

    tensors: dict[str, torch.Tensor]
    """Name in RemBertModel -> float32 tensor."""
    head: torch.Tensor
    """(1, hidden)."""
    bias: torch.Tensor
    """(1,)."""
    n_layers: int


def read_weights(folder: Path) -> BleurtWeights:
    """Weights from safetensors, a .bin file, or a TensorFlow SavedModel, in this order. Raises CheckpointError."""
    if (folder / "model.safetensors").is_file():
        return _split_weights(
            folder, {_convert_torch_name(k): v for k, v in read_tensors(folder / "model.safetensors").items()}
        )
    if (folder / "pytorch_model.bin").is_file():
        return _split_weights(
            folder, {_convert_torch_name(k): v for k, v in _read_bin(folder / "pytorch_model.bin").items()}
        )
    if (folder / _TENSORFLOW).with_name("variables.index").is_file():
        tensors = {}
        for name, array in read_tensor_bundle(folder / _TENSORFLOW).items():
            tensor = torch.tensor(array)
            if name.endswith("kernel"):
                tensor = tensor.T.contiguous()
            tensors[_convert_tensorflow_name(name)] = tensor
        return _split_weights(folder, tensors)
    raise CheckpointError(
        f"{folder} holds no weights (looked for model.safetensors, pytorch_model.bin and {_TENSORFLOW}.index)"
    )


def _read_bin(path: Path) -> dict[str, torch.Tensor]:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise CheckpointError(f"{path} cannot be read ({error}); copy it again") from error


def _convert_torch_name(name: str) -> str:
    if name in ("dense.weight", "dense.bias"):
        return name.replace("dense", "classifier")
    name = re.sub(r"^(bleurt|rembert|bert)\.", "", name)
    return name.replace("encoder.embedding_projection", _SHARED)


def _convert_tensorflow_name(name: str) -> str:
    """Such as bert/encoder/layer_3/attention/self/query/kernel -> encoder.layer.3.attention.self.query.weight."""
    segments = re.sub(r"^(bert|rembert|bleurt)/", "", name).split("/")
    if segments[0] == "dense":
        segments[0] = "classifier"
    segments = [re.sub(r"^layer_(\d+)$", r"layer.\1", segment) for segment in segments]
    last = {"kernel": "weight", "gamma": "weight", "beta": "bias"}.get(segments[-1], segments[-1])
    if segments[-1].endswith("_embeddings"):
        last = f"{segments[-1]}.weight"
    return ".".join([*segments[:-1], last])


def _split_weights(folder: Path, tensors: dict[str, torch.Tensor]) -> BleurtWeights:
    """The encoder's weights and the head's; optimizer states and other tensors are left out."""
    prefixes = ("embeddings.", "encoder.", "pooler.")
    encoder = {
        name: tensor.float()
        for name, tensor in tensors.items()
        if name.startswith(prefixes) and tensor.is_floating_point() and not re.search(r"/|adam_|Adam", name)
    }
    layers = {int(match[1]) for name in encoder if (match := re.match(r"encoder\.layer\.(\d+)\.", name))}
    needed = (
        "embeddings.word_embeddings.weight",
        "embeddings.position_embeddings.weight",
        "embeddings.token_type_embeddings.weight",
        "pooler.dense.weight",
    )
    lacking = [name for name in needed if name not in encoder]
    lacking += [name for name in ("classifier.weight", "classifier.bias") if name not in tensors]
    if lacking or not layers:
        raise CheckpointError(f"{folder} is no BLEURT checkpoint: {lacking[0] if lacking else 'an encoder'} is missing")
    narrow, wide = encoder["embeddings.word_embeddings.weight"].shape[1], encoder["pooler.dense.weight"].shape[0]
    if f"{_SHARED}.weight" not in encoder and narrow == wide:
        # An encoder as wide as its embeddings needs no layer between them.
        encoder |= {f"{_SHARED}.weight": torch.eye(wide), f"{_SHARED}.bias": torch.zeros(wide)}
    head, bias = tensors["classifier.weight"].float(), tensors["classifier.bias"].float()
    if head.shape != (1, wide) or bias.shape != (1,):
        raise CheckpointError(
            f"{folder}: the head has shape {tuple(head.shape)}, expected (1, {wide}): no BLEURT model"
        )
    return BleurtWeights(encoder, head, bias, len(layers))
