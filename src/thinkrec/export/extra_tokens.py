"""Vectors of a prompt as tokens: each is projected once and becomes a row of the embedding table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from tokenizers import AddedToken
from transformers import PreTrainedModel

from thinkrec.data.query import Query
from thinkrec.errors import DataError
from thinkrec.prompts.types import Prompt
from thinkrec.score.predictor import Predictor


@dataclass(frozen=True, eq=False)
class ExtraTokens:
    """Tokens that stand for the vectors of users and items as known now, and for a soft prompt's."""

    names: tuple[str, ...]
    """Their texts, such as `<|user:17|>`."""
    rows: torch.Tensor
    """float32 (m, hidden): what stands in the embedding table for each."""
    by_vector: dict[bytes, int]
    """Bytes of a raw vector -> place in `names`; of equal vectors the first."""
    first_soft: int
    """Place of the soft prompt's first token."""

    def replace_placeholders(self, prompt: Prompt, token_ids: list[int]) -> np.ndarray:
        """int64 (t,): a prompt's token ids with the extra tokens where vectors stand.

        `token_ids`: id of each of `names`. Raises DataError where a vector has no token: it is not the one of a user or
        an item as known now.
        """
        ids = prompt.ids.astype(np.int64)
        for at, vector in zip(prompt.placeholder_at, prompt.placeholder_vectors, strict=True):
            place = self.by_vector.get(np.ascontiguousarray(vector, dtype=np.float32).tobytes())
            if place is None:
                raise DataError(
                    f"the vector at position {int(at)} of a prompt is that of no user and no item as known now; export "
                    "from the data that the model answers by"
                )
            ids[at] = token_ids[place]
        for at, index in zip(prompt.soft_at, prompt.soft_index, strict=True):
            ids[at] = token_ids[self.first_soft + int(index)]
        return ids


@torch.no_grad()
def build_extra_tokens(predictor: Predictor) -> ExtraTokens:
    """A token per user and per item of the predictor's data, where its prompts carry vectors, and per soft vector.

    Raises DataError where an item's vector differs by user (`model.votes`), so that no row of a table can stand for it.
    """
    names: list[str] = []
    raw = np.zeros((0, 0), dtype=np.float32)
    recommender, slots, ds = predictor.recommender, predictor.slot_encoder, predictor.ds
    rows: list[torch.Tensor] = []
    if slots is not None:
        if slots.neighbourhood is not None:
            raise DataError(
                "this run's item vectors hold the neighbourhood residual (model.votes), which differs by user, so that "
                "no extra token can stand for an item; export --model experts or global, whose prompts are text alone"
            )
        queries = [Query.from_dataset(ds, user) for user in range(len(ds.user_ids))]
        items = slots.encode_candidates(ds, queries[0], np.arange(len(ds.items)))
        raw = np.concatenate([items, np.stack([slots.encode_query(ds, query).user for query in queries])])
        names = [f"<|item:{i}|>" for i in ds.items.ids] + [f"<|user:{u}|>" for u in ds.user_ids]
        assert recommender.projector is not None
        rows.append(recommender.projector(torch.from_numpy(raw).to(recommender.device)).float().cpu())
    first_soft = len(names)
    if recommender.soft_prompt is not None:
        n = len(recommender.soft_prompt.weight)
        rows.append(recommender.soft_prompt(torch.arange(n, device=recommender.device)).float().cpu())
        names += [f"<|soft:{k}|>" for k in range(n)]
    by_vector: dict[bytes, int] = {}
    for place, vector in enumerate(np.ascontiguousarray(raw, dtype=np.float32)):
        by_vector.setdefault(vector.tobytes(), place)
    hidden = recommender.backbone.hidden_size
    return ExtraTokens(tuple(names), torch.cat(rows) if rows else torch.zeros(0, hidden), by_vector, first_soft)


@torch.no_grad()
def add_extra_tokens(model: PreTrainedModel, tokenizer: Any, extra: ExtraTokens) -> list[int]:
    """Put extra tokens into a bare backbone and its tokenizer, in place; returns their ids.

    Raises DataError where the tokenizer has one of them already.
    """
    if not extra.names:
        return []
    known = set(tokenizer.get_vocab()).intersection(extra.names)
    if known:
        raise DataError(f"the tokenizer has the token {min(known)} already; rename the id in the data")
    # The original table as a whole is kept: some have more rows than their tokenizer has tokens.
    marks = [AddedToken(name, special=True, normalized=False, lstrip=False, rstrip=False) for name in extra.names]
    tokenizer.add_tokens(marks, special_tokens=True)
    ids = [int(i) for i in tokenizer.convert_tokens_to_ids(list(extra.names))]
    if len(set(ids)) != len(ids):
        raise DataError("two users or two items have ids that read alike; an export needs a token for each")
    table = model.get_input_embeddings().weight
    assert isinstance(table, torch.Tensor)
    model.resize_token_embeddings(max(len(table), max(ids) + 1), mean_resizing=False)
    table = model.get_input_embeddings().weight
    assert isinstance(table, torch.Tensor)
    table[torch.tensor(ids, device=table.device)] = extra.rows.to(table)
    return ids
