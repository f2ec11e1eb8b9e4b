"""Backbone, experts and projector as one scorer and explainer; every row of a batch may use other experts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import cached_property
from typing import Any, Literal

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from thinkrec.engine.answer_logits import pool_answer_logits
from thinkrec.engine.batch import Batch, collate_prompts
from thinkrec.engine.capabilities import can_pack_varlen, can_prune_last_layer, can_share_prefix
from thinkrec.engine.generate import DecodingConstraint, generate_greedily
from thinkrec.engine.hooks import HOOK_STATE, UnsupportedAttentionError, install_attention, use_layout
from thinkrec.engine.last_layer import install_last_layer_hooks, prune_last_layer, select_positions
from thinkrec.engine.layout import PackedLayout
from thinkrec.engine.packing import pack_prompts
from thinkrec.engine.parts import MODULE_PARTS, list_modules
from thinkrec.errors import RecipeError
from thinkrec.model.adapters import AdapterSet
from thinkrec.model.backbone import Backbone
from thinkrec.model.projector import Projector
from thinkrec.model.soft_prompt import SoftPrompt
from thinkrec.prompts.answers import AnswerIds, find_answer_ids
from thinkrec.prompts.templates import DEFAULT_TEMPLATE, get_template
from thinkrec.prompts.types import Prompt

ScoreOption = Literal["difference", "yes"]


def compute_scores(logits: torch.Tensor, option: ScoreOption = "difference") -> torch.Tensor:
    """(q, 2) Yes and No logits -> (q,) scores: Yes minus No, or "yes" alone as in the authors' released code."""
    return logits[:, 0] if option == "yes" else logits[:, 0] - logits[:, 1]


def _is_other_device(at: torch.device, wanted: torch.device) -> bool:
    """Whether moving would change the device: "cuda" is any of its cards."""
    return at.type != wanted.type or wanted.index not in (None, at.index)


class Recommender:
    """Scores and explains prompts.

    Batches are padded on the right and attention is causal, so no token ever looks at padding: neither padding nor the
    company in a batch can change a row's result.
    """

    def __init__(
        self,
        backbone: Backbone,
        experts: AdapterSet,
        projector: Projector | None = None,
        answers: AnswerIds | None = None,
    ):
        """`answers`: the tokens that scores compare; by default those for the words of the usual template."""
        self.backbone = backbone
        self.adapters = experts
        self.projector = projector
        self.soft_prompt: SoftPrompt | None = None
        words = get_template(DEFAULT_TEMPLATE).answers
        self.answers = answers or find_answer_ids(words, backbone.tokenizer, backbone.name)
        self.model = backbone.model
        self._checkpointing = False
        install_attention(self.model)
        install_last_layer_hooks(self.model, experts.routing)

    @cached_property
    def supports_shared_prefix(self) -> bool:
        """Whether packed batches (`thinkrec.engine.packing`) give what padded ones give; found out on first use."""
        return can_share_prefix(self)

    @cached_property
    def supports_varlen(self) -> bool:
        """Whether prompts stand side by side in one row without padding (`pack_and_forward`); found out likewise."""
        return can_pack_varlen(self) and self.supports_shared_prefix

    @cached_property
    def supports_last_layer_pruning(self) -> bool:
        """Whether the last layer may be computed for some places alone (`last_layer`); found out likewise."""
        return can_prune_last_layer(self)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.model.parameters()).device

    def to(self, device: torch.device | str) -> Recommender:
        """Move all weights; returns self."""
        for module in self._list_modules():
            # Weights in few bits are where they belong from loading on, and refuse to be moved.
            if any(_is_other_device(p.device, torch.device(device)) for p in module.parameters()):
                module.to(device)
        return self

    def train(self, mode: bool = True) -> Recommender:
        """Dropout on (or off); returns self."""
        for module in self._list_modules():
            module.train(mode)
        return self

    def eval(self) -> Recommender:
        """Dropout off; returns self."""
        return self.train(False)

    def embed(self, batch: Batch) -> torch.Tensor:
        """Token embeddings (b, t, hidden) with the vectors of the parts in their places (`thinkrec.engine.parts`).

        Raises RecipeError if the batch has places for a part that the recommender does not have.
        """
        embeds = self.model.get_input_embeddings()(batch.ids)
        for part in MODULE_PARTS.values():
            embeds = part.insert_vectors(self, embeds, batch)
        return embeds

    def compute_hidden(self, batch: Batch) -> torch.Tensor:
        """Last hidden states (b, t, width) of the decoder, without the language-model head."""
        options: dict[str, Any] = {"inputs_embeds": self.embed(batch), "use_cache": False}
        if batch.layout is not None and batch.position_ids is not None:
            # A mask of four dimensions is taken as it is; packed attention goes by the layout instead.
            nothing = torch.ones(1, 1, 1, 1, dtype=torch.bool, device=batch.ids.device)
            options |= {"position_ids": batch.position_ids[None], "attention_mask": nothing}
        with self.adapters.routing.use_weights(self.compute_routing_weights(batch)), use_layout(batch.layout):
            return self.decoder(**options).last_hidden_state

    def gather_hidden(self, batch: Batch, at: torch.Tensor) -> torch.Tensor:
        """(m, width): last hidden states at the places `at`, int64 (m, 2), those of `compute_hidden`.

        What nobody reads is not computed in the last layer, where the backbone allows it.
        """
        found = select_positions(batch, at) if self.supports_last_layer_pruning and not self._checkpointing else None
        if found is not None:
            try:
                with prune_last_layer(found):
                    return self.compute_hidden(batch).flatten(0, 1)[found.output_index]
            except UnsupportedAttentionError:
                pass
        return self.compute_hidden(batch)[at[:, 0], at[:, 1]]

    def pack_and_forward(
        self, prompts: Sequence[Prompt], at: Callable[[Batch], torch.Tensor]
    ) -> tuple[Batch, torch.Tensor]:
        """The batch of these prompts, and its `gather_hidden` at the places that `at` picks from it.

        It has no padding where the device has a kernel for that.
        """
        if self.supports_varlen:
            batch = pack_prompts(prompts).to(self.device)
            try:
                return batch, self.gather_hidden(batch, at(batch))
            except UnsupportedAttentionError:
                pass
        batch = collate_prompts(prompts, self.backbone.pad_id).to(self.device)
        return batch, self.gather_hidden(batch, at(batch))

    @property
    def decoder(self) -> nn.Module:
        """The backbone without its head."""
        return self.model.base_model

    def compute_routing_weights(self, batch: Batch) -> torch.Tensor | None:
        """Routing weights of a batch, (b, 1 + n) or by token (1, t, 1 + n).

        None, the global adapter alone, where its gate has one column. Raises RecipeError if the gate has another number
        of experts than the model.
        """
        width = batch.gate.shape[1]
        if width == 1:
            return None
        if width != self.adapters.n_adapters:
            raise RecipeError(
                f"the prompts' gate has {width - 1} experts, the model {self.adapters.n_adapters - 1}; "
                "use the same number of groups for both"
            )
        if batch.gate_index is None or len(batch.gate) == 1:
            return batch.gate
        return batch.gate[batch.gate_index][None]

    def compute_answer_logits(self, states: torch.Tensor) -> torch.Tensor:
        """(q, width) -> float32 (q, 2): logits of the positive and the negative class, from a few rows of the head.

        Of several words per class they are pooled (`AnswerIds.pooling`).
        """
        head, rows = self._get_lm_head(), [*self.answers.positive, *self.answers.negative]
        bias = head.bias
        logits = F.linear(states.float(), head.weight[rows].float(), None if bias is None else bias[rows].float())
        return pool_answer_logits(self._postprocess_logits(logits), self.answers)

    def compute_next_token_logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """(..., width) -> float32 (..., V), exactly what the backbone's own forward gives."""
        return self._postprocess_logits(self._get_lm_head()(hidden).float())

    def score(self, batch: Batch, option: ScoreOption = "difference") -> torch.Tensor:
        """float32 (q,): scores of all answers of a batch, without dropout or gradients."""
        with self.inference_mode():
            return compute_scores(self.compute_answer_logits(self.gather_hidden(batch, batch.answer_at)), option)

    def generate(
        self,
        prompts: Sequence[Prompt],
        max_new_tokens: int,
        first_tokens: Sequence[int] | None = None,
        constraints: Sequence[DecodingConstraint | None] | None = None,
    ) -> list[np.ndarray]:
        """Continue prompts greedily; see `thinkrec.engine.generate.generate_greedily`, which this calls."""
        with self.inference_mode():
            return generate_greedily(self, prompts, max_new_tokens, first_tokens, constraints)

    @contextmanager
    def inference_mode(self) -> Iterator[None]:
        """Evaluation mode without gradients, the global adapter merged; the former mode comes back at the end."""
        training = [(m, m.training) for root in self._list_modules() for m in root.modules()]
        try:
            self.eval()
            with torch.no_grad(), self.adapters.merge_global_adapter():
                yield
        finally:
            for module, was in training:
                module.training = was

    def checkpoint_activations(self, on: bool = True) -> None:
        """Trade time for memory in training: recompute activations in the backward pass; `on` False: no more.

        The recomputation happens after `compute_hidden` has returned and possibly in another thread, so it is handed
        the routing and the layout of its own forward pass; otherwise it would silently use the global adapter.
        """
        routing = self.adapters.routing

        @contextmanager
        def again(weights: torch.Tensor | None, layout: PackedLayout | None) -> Iterator[None]:
            with routing.use_weights(weights), use_layout(layout):
                yield

        def contexts() -> tuple[Any, Any]:
            return nullcontext(), again(routing.weights, HOOK_STATE.layout)

        if on == self._checkpointing:
            return
        self._checkpointing = on
        # Its name since Transformers 5.17 and until then; the old one is gone from 6 on.
        names = ("activation_checkpointing", "gradient_checkpointing")
        name = next(name for name in names if hasattr(self.model, f"{name}_enable"))
        if on:
            getattr(self.model, f"{name}_enable")({"use_reentrant": False, "context_fn": contexts})
        else:
            getattr(self.model, f"{name}_disable")()

    def _list_modules(self) -> list[nn.Module]:
        return [self.model, *list_modules(self)]

    def _get_lm_head(self) -> nn.Linear:
        head = self.model.get_output_embeddings()
        assert isinstance(head, nn.Linear), "a causal language model has a linear head"
        return head

    def _postprocess_logits(self, logits: torch.Tensor) -> torch.Tensor:
        # What some architectures do after the head: Granite divides, Cohere multiplies, Gemma caps.
        config = self.model.config
        if (divisor := getattr(config, "logits_scaling", None)) is not None:
            logits = logits / divisor
        if (factor := getattr(config, "logit_scale", None)) is not None:
            logits = logits * factor
        if (cap := getattr(config, "final_logit_softcapping", None)) is not None:
            logits = cap * torch.tanh(logits / cap)
        return logits
