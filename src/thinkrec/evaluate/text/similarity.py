"""Similarity of texts by an encoder's token vectors, matched greedily (BERTScore, Zhang et al., 2020)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from thinkrec.errors import CheckpointError
from thinkrec.io.progress import Progress

POLICY = (
    "every token's vector with the most similar one of the other text (cosine), F of both directions, special tokens "
    "left out, no weights by rarity, not rescaled; mean over rows"
)


@dataclass(frozen=True)
class TextEncoder:
    """A language model and its tokenizer."""

    model: torch.nn.Module
    tokenizer: Any
    layer: int
    """Hidden states that are compared: 0 the embeddings, -1 the last layer."""
    max_length: int

    @torch.inference_mode()
    def embed_tokens(self, text: str) -> torch.Tensor:
        """Token vectors, float32 (tokens, hidden), of length 1 each; no special tokens, cut to the longest input."""
        inputs = self.tokenizer(
            text, return_tensors="pt", truncation=True, max_length=self.max_length, return_special_tokens_mask=True
        )
        keep = inputs.pop("special_tokens_mask")[0] == 0
        if not bool(keep.any()):
            return torch.zeros(0, 1)
        states = self.model(**inputs, output_hidden_states=True).hidden_states[self.layer][0].float()
        return torch.nn.functional.normalize(states[keep], dim=-1)

    def compute_unknown_share(self, texts: Sequence[str]) -> float:
        """Share of the tokens of `texts`, 0..1, that the vocabulary does not have: all of them have one vector."""
        unknown = self.tokenizer.unk_token_id
        ids = [id_ for text in texts for id_ in self.tokenizer(text, add_special_tokens=False)["input_ids"]]
        return 0.0 if unknown is None or not ids else sum(id_ == unknown for id_ in ids) / len(ids)

    def count_truncated(self, hypotheses: Sequence[str], references: Sequence[str]) -> int:
        """Pairs of which a text is longer than the encoder's input."""
        long = {text: len(self.tokenizer(text)["input_ids"]) > self.max_length for text in {*hypotheses, *references}}
        return sum(long[text] or long[other] for text, other in zip(hypotheses, references, strict=True))

    def score(self, hypotheses: Sequence[str], references: Sequence[str], *, progress: bool = False) -> np.ndarray:
        """Similarity of each pair, float64 (n,), at most 1; 0 where one of two different texts has no tokens."""
        known: dict[str, torch.Tensor] = {}
        out = np.zeros(len(hypotheses))
        with Progress("similarity", len(out), shown=progress) as bar:
            for row, pair in enumerate(zip(hypotheses, references, strict=True)):
                for text in pair:
                    if text not in known:
                        known[text] = self.embed_tokens(text)
                # A text of which the encoder knows nothing is still the same as itself.
                same = pair[0] == pair[1] and pair[0].strip() and not len(known[pair[0]])
                out[row] = 1.0 if same else compute_greedy_f1(known[pair[0]], known[pair[1]])
                bar.advance(1)
        return out


def compute_greedy_f1(hypothesis: torch.Tensor, reference: torch.Tensor) -> float:
    """F of greedy matching between two sets of unit vectors (a, hidden) and (b, hidden); 0 where one is empty."""
    if not len(hypothesis) or not len(reference):
        return 0.0
    cosine = hypothesis @ reference.T
    precision, recall = float(cosine.max(dim=1).values.mean()), float(cosine.max(dim=0).values.mean())
    total = precision + recall
    return 2 * precision * recall / total if precision > 0 and recall > 0 else 0.0


def load_encoder(folder: Path, *, layer: int = -1) -> TextEncoder:
    """Any model folder that transformers' AutoModel and AutoTokenizer read. Raises CheckpointError."""
    from transformers import AutoModel, AutoTokenizer

    if not folder.is_dir():
        raise CheckpointError(f"there is no folder {folder}; give one with a model and its tokenizer")
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        model = AutoModel.from_pretrained(folder, local_files_only=True, dtype=torch.float32).eval()
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise CheckpointError(f"{folder} cannot be read as an encoder with its tokenizer ({error})") from error
    layers = int(model.config.num_hidden_layers)
    if not -layers - 1 <= layer <= layers:
        raise CheckpointError(f"{folder}: there is no layer {layer}; it has {layers}, 0 being the embeddings")
    bound = int(getattr(model.config, "max_position_embeddings", 512) or 512)
    return TextEncoder(model, tokenizer, layer, min(bound, int(tokenizer.model_max_length)))
