"""BLEURT-20 (Sellam et al., 2020; Pu et al., 2021) in PyTorch: a RemBERT encoder, a linear layer on its pooled output.

Reads the published checkpoint (a TensorFlow SavedModel, BLEURT-20.zip and its distilled D12, D6, D3) without
TensorFlow, and the common PyTorch conversions of it (config.json, safetensors or .bin, a SentencePiece model or
tokenizer.json), whose parts are called bleurt., rembert. or bert.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from thinkrec.errors import CheckpointError
from thinkrec.evaluate.text.bleurt_weights import BleurtWeights, read_weights
from thinkrec.evaluate.text.sentencepiece import SentencePieceTokenizer, read_sentencepiece_model, read_tokenizer_json
from thinkrec.io.progress import Progress

POLICY = "BLEURT of (reference, reason), cut to the checkpoint's longest input, not clipped; mean over rows"
PUBLISHED = "https://storage.googleapis.com/bleurt-oss-21/BLEURT-20.zip"
_CONFIGS = ("config.json", "bert_config.json")
_PIECES = ("sent_piece.model", "spm.model", "sentencepiece.model", "spiece.model")
_SPECIAL = 3
"""[CLS] reference [SEP] candidate [SEP]."""


@dataclass(frozen=True)
class BleurtScorer:
    """A loaded checkpoint."""

    encoder: torch.nn.Module
    """transformers' RemBertModel."""
    head: torch.nn.Linear
    tokenizer: SentencePieceTokenizer
    max_length: int
    """Tokens of the longest input."""

    @torch.inference_mode()
    def score(
        self, hypotheses: Sequence[str], references: Sequence[str], *, batch: int = 8, progress: bool = False
    ) -> np.ndarray:
        """Scores, float64 (n,), one per pair, about 0 to 1, higher is closer."""
        inputs = [self.encode_pair(text, reference) for text, reference in zip(hypotheses, references, strict=True)]
        out = np.empty(len(inputs), dtype=np.float64)
        by_length = sorted(range(len(inputs)), key=lambda row: len(inputs[row][0]))
        device = self.head.weight.device
        with Progress("bleurt", len(inputs), shown=progress) as bar:
            for start in range(0, len(inputs), batch):
                rows = by_length[start : start + batch]
                width = max(len(inputs[row][0]) for row in rows)
                ids, kinds, mask = torch.zeros(3, len(rows), width, dtype=torch.long, device=device)
                for i, row in enumerate(rows):
                    tokens, segments = inputs[row]
                    ids[i, : len(tokens)] = torch.tensor(tokens, device=device)
                    kinds[i, : len(tokens)] = torch.tensor(segments, device=device)
                    mask[i, : len(tokens)] = 1
                pooled = self.encoder(input_ids=ids, attention_mask=mask, token_type_ids=kinds).pooler_output
                out[rows] = self.head(pooled).squeeze(-1).cpu().double().numpy()
                bar.advance(len(rows))
        return out

    def count_truncated(self, hypotheses: Sequence[str], references: Sequence[str]) -> int:
        """Pairs that are longer than the checkpoint's input."""
        room = self.max_length - _SPECIAL
        pairs = zip(hypotheses, references, strict=True)
        return sum(len(self.tokenizer.encode(text)) + len(self.tokenizer.encode(other)) > room for text, other in pairs)

    def encode_pair(self, hypothesis: str, reference: str) -> tuple[list[int], list[int]]:
        """Token ids and segments of a pair, the reference first; the longer text is cut where both are too long."""
        a, b = self.tokenizer.encode(reference), self.tokenizer.encode(hypothesis)
        while len(a) + len(b) > self.max_length - _SPECIAL:
            (a if len(a) > len(b) else b).pop()
        ids = [self.tokenizer.cls_id, *a, self.tokenizer.sep_id, *b, self.tokenizer.sep_id]
        return ids, [0] * (len(a) + 2) + [1] * (len(b) + 1)


def load_bleurt(source: str | Path, *, device: str = "cpu") -> BleurtScorer:
    """A checkpoint from a folder, or by its name on the Hugging Face hub. Raises CheckpointError."""
    folder = Path(source).expanduser()
    if not folder.is_dir():
        folder = _download_checkpoint(str(source))
    config = _read_config(folder)
    weights = read_weights(folder)
    try:
        encoder, head = _build_encoder(weights, config)
    except (RuntimeError, ValueError, KeyError) as error:
        raise CheckpointError(f"{folder}: the weights do not fit a RemBERT encoder ({error})") from error
    limits = [weights.tensors["embeddings.position_embeddings.weight"].shape[0]]
    limits += [int(config["max_seq_length"])] if "max_seq_length" in config else []
    return BleurtScorer(encoder.eval().to(device), head.eval().to(device), _load_tokenizer(folder), min(limits))


def _build_encoder(weights: BleurtWeights, config: dict[str, Any]) -> tuple[torch.nn.Module, torch.nn.Linear]:
    from transformers import RemBertConfig, RemBertModel

    tensors = weights.tensors
    words = tensors["embeddings.word_embeddings.weight"]
    heads = config.get("num_attention_heads")
    if not isinstance(heads, int):
        raise ValueError("config.json does not say num_attention_heads")
    shape = RemBertConfig(
        vocab_size=words.shape[0],
        input_embedding_size=words.shape[1],
        hidden_size=tensors["pooler.dense.weight"].shape[0],
        num_hidden_layers=weights.n_layers,
        num_attention_heads=heads,
        intermediate_size=tensors["encoder.layer.0.intermediate.dense.weight"].shape[0],
        # What TensorFlow's BERT calls gelu is the tanh form.
        hidden_act="gelu_pytorch_tanh" if config.get("hidden_act", "gelu") == "gelu" else config["hidden_act"],
        max_position_embeddings=tensors["embeddings.position_embeddings.weight"].shape[0],
        type_vocab_size=tensors["embeddings.token_type_embeddings.weight"].shape[0],
        layer_norm_eps=float(config.get("layer_norm_eps", 1e-12)),
        pad_token_id=0,
    )
    with torch.device("meta"):  # its random weights would take seconds and as much memory again
        encoder = RemBertModel(shape)
    lacking = set(encoder.state_dict()) - set(tensors)
    if lacking:
        raise ValueError(f"{len(lacking)} weights are missing, among them {min(lacking)}")
    encoder.load_state_dict(tensors, assign=True, strict=True)
    # Not part of the weights, hence still without values.
    position_ids = torch.arange(shape.max_position_embeddings).expand((1, -1))
    encoder.embeddings.register_buffer("position_ids", position_ids, persistent=False)
    head = torch.nn.Linear(weights.head.shape[1], 1)
    head.load_state_dict({"weight": weights.head, "bias": weights.bias})
    return encoder, head


def _read_config(folder: Path) -> dict[str, Any]:
    path = next((folder / name for name in _CONFIGS if (folder / name).is_file()), None)
    if path is None:
        raise CheckpointError(
            f"{folder} has neither config.json nor bert_config.json; unpack {PUBLISHED} and give its folder"
        )
    own = folder / "bleurt_config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        return {**config, **(json.loads(own.read_text(encoding="utf-8")) if own.is_file() else {})}
    except ValueError as error:
        raise CheckpointError(f"{folder}: a config file is no valid JSON ({error}); copy it again") from error


def _load_tokenizer(folder: Path) -> SentencePieceTokenizer:
    for name in _PIECES:
        if (folder / name).is_file():
            return read_sentencepiece_model(folder / name)
    if (folder / "tokenizer.json").is_file():
        return read_tokenizer_json(folder / "tokenizer.json")
    raise CheckpointError(
        f"{folder} has no SentencePiece model ({', '.join(_PIECES)}) and no tokenizer.json; only BLEURT-20 and its "
        "distilled forms can be read, older BLEURT checkpoints have another kind of vocabulary"
    )


def _download_checkpoint(name: str) -> Path:
    from huggingface_hub import snapshot_download

    if name.startswith((".", "/", "~")) or name.count("/") != 1:
        raise CheckpointError(
            f"there is no folder {name}; unpack {PUBLISHED} and give its folder, or a name on the hub"
        )
    try:
        return Path(snapshot_download(name, allow_patterns=["*.json", "*.safetensors", "*.bin", "*.model"]))
    except Exception as error:  # offline, no such name, no right to it: all mean that there is no checkpoint
        raise CheckpointError(f"BLEURT {name!r} is no folder and cannot be had from the hub ({error})") from error
