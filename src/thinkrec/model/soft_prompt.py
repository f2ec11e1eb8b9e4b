"""Trainable vectors that stand in a prompt as tokens without words do (prompt tuning)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import nn

from thinkrec.errors import RecipeError
from thinkrec.model.backbone import Backbone


class SoftPrompt(nn.Module):
    """A table of n vectors (n, hidden) in the backbone's embedding space, which the prompts name by index.

    Prompt tuning (Lester et al. 2021, https://aclanthology.org/2021.emnlp-main.243), with the vectors wherever a
    template puts them.
    """

    def __init__(self, n_vectors: int, hidden: int):
        """All vectors zero; `init_from_tokens` gives them a place that the backbone can read.

        Args:
            n_vectors: how many different vectors there are.
            hidden: width of the backbone's token embeddings.
        """
        super().__init__()
        self.hidden = hidden
        self.weight = nn.Parameter(torch.zeros(n_vectors, hidden))

    def get_config(self) -> dict[str, int]:
        """The arguments that build a soft prompt of this shape."""
        return {"n_vectors": len(self.weight), "hidden": self.hidden}

    @torch.no_grad()
    def init_from_tokens(self, embedding: torch.Tensor, token_ids: Sequence[int] = ()) -> SoftPrompt:
        """Set the vectors to embeddings of words, which the backbone already knows how to read.

        Args:
            embedding: the backbone's token embeddings (V, hidden).
            token_ids: tokens whose embeddings are taken in turn, from the first again where they are fewer than the
                vectors; without any, every vector is the mean embedding.

        Returns:
            self.
        """
        n_vectors = len(self.weight)
        if not token_ids:
            self.weight.copy_(embedding.to(self.weight).mean(0).expand(n_vectors, -1))
            return self
        chosen = [token_ids[i % len(token_ids)] for i in range(n_vectors)]
        self.weight.copy_(embedding[chosen].to(self.weight))
        return self

    def forward(self, index: torch.Tensor) -> torch.Tensor:
        """int64 (m,) -> (m, hidden). Raises RecipeError for an index that there is no vector of."""
        if len(index) and int(index.max()) >= len(self.weight):
            raise RecipeError(
                f"a prompt asks for soft vector {int(index.max())}, and this recommender has {len(self.weight)} "
                "(0 is the first); train it with the template that the prompts are rendered by"
            )
        return self.weight[index]


def create_soft_prompt(backbone: Backbone, n_vectors: int, words: str = "") -> SoftPrompt:
    """An untrained soft prompt for `backbone`, on the CPU.

    It begins as the embeddings of the tokens of `words`, or as the mean embedding without words.
    """
    embedding = cast(torch.Tensor, backbone.model.get_input_embeddings().weight).detach().cpu()
    token_ids = backbone.tokenizer.encode(words, add_special_tokens=False) if words else []
    return SoftPrompt(n_vectors, backbone.hidden_size).init_from_tokens(embedding, token_ids)
