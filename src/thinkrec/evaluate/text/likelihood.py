"""Likelihood of texts under a reference model, in nats a token."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from thinkrec.io.progress import Progress
from thinkrec.model.backbone import Backbone, load_backbone
from thinkrec.model.backbone_config import BackboneConfig, BackboneDtype

POLICY = (
    "mean of -ln p(token | text before it) under {}, as its tokenizer encodes the text, every token but the first, cut "
    "to its longest input; mean over rows. Loops and common phrases are likely text: read it beside the others, never "
    "alone"
)


@dataclass(frozen=True)
class ReferenceModel:
    """A causal language model that judges how likely texts are."""

    backbone: Backbone

    @property
    def name(self) -> str:
        """What the policy calls it: the model and the format that it is held in."""
        held = str(next(self.backbone.model.parameters()).dtype).removeprefix("torch.")
        return f"{self.backbone.name} ({held})"

    @torch.inference_mode()
    def score(self, texts: Sequence[str], *, batch_tokens: int = 1024, progress: bool = False) -> np.ndarray:
        """Mean negative log-likelihood of each text's tokens in nats, float64 (n,); NaN for fewer than two tokens.

        `batch_tokens`: tokens of a batch, padding included; one text makes a batch whatever its length.
        """
        encoded = [self.encode_text(text) for text in texts]
        nats = np.full(len(texts), np.nan)
        rows = [row for row in range(len(texts)) if len(encoded[row]) > 1]
        device = next(self.backbone.model.parameters()).device
        with Progress("likelihood", len(rows), shown=progress) as bar:
            for batch in _split_batches(rows, [len(ids) for ids in encoded], batch_tokens):
                width = max(len(encoded[row]) for row in batch)
                ids = torch.full((len(batch), width), self.backbone.pad_id, device=device)
                mask = torch.zeros_like(ids)
                for i, row in enumerate(batch):
                    ids[i, : len(encoded[row])] = torch.tensor(encoded[row], device=device)
                    mask[i, : len(encoded[row])] = 1
                logits = self.backbone.model(input_ids=ids, attention_mask=mask, use_cache=False).logits[:, :-1]
                losses = torch.nn.functional.cross_entropy(logits.float().transpose(1, 2), ids[:, 1:], reduction="none")
                counted = mask[:, 1:]
                nats[batch] = ((losses * counted).sum(dim=1) / counted.sum(dim=1)).cpu().double().numpy()
                bar.advance(len(batch))
        return nats

    def encode_text(self, text: str) -> list[int]:
        """Token ids with what the tokenizer itself puts around a text, cut to the model's longest input."""
        return list(self.backbone.tokenizer(text)["input_ids"])[: self.backbone.max_positions]

    def count_truncated(self, texts: Sequence[str]) -> int:
        """Texts that are longer than the model's input."""
        limit = self.backbone.max_positions
        return sum(limit is not None and len(self.backbone.tokenizer(text)["input_ids"]) > limit for text in texts)


def load_reference_model(source: str, dtype: BackboneDtype = "auto") -> ReferenceModel:
    """A model by any source of `load_backbone`, held in `dtype` as `BackboneConfig` explains it.

    Raises CheckpointError or RecipeError as that does.
    """
    return ReferenceModel(load_backbone(BackboneConfig(source=source, dtype=dtype)))


def _split_batches(rows: Sequence[int], lengths: Sequence[int], batch_tokens: int) -> Iterator[list[int]]:
    """Rows in batches of texts of about one length, each of at most `batch_tokens` with its padding."""
    batch: list[int] = []
    for row in sorted(rows, key=lambda row: lengths[row]):
        if batch and lengths[row] * (len(batch) + 1) > batch_tokens:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch
