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

from thinkrec.engine.batch import Batch, collate
from thinkrec.engine.capabilities import can_line_up, can_pack, can_read
from thinkrec.engine.generate import Constraint, continue_greedily
from thinkrec.engine.hooks import ACTIVE, CannotPack, install, packed
from thinkrec.engine.last_layer import places, reading, watch
from thinkrec.engine.layout import Layout
from thinkrec.engine.packing import line_up
from thinkrec.errors import RecipeError
from thinkrec.model.adapters import Experts
from thinkrec.model.backbone import Backbone
from thinkrec.model.projector import Projector
from thinkrec.prompts.types import Prompt

ScoreOption = Literal["difference", "yes"]


def score_of(logits: torch.Tensor, option: ScoreOption = "difference") -> torch.Tensor:
    """(q, 2) Yes and No logits -> (q,) scores: Yes minus No, or "yes" alone as in the authors' released code."""
    return logits[:, 0] if option == "yes" else logits[:, 0] - logits[:, 1]


def _elsewhere(at: torch.device, wanted: torch.device) -> bool:
    """Whether moving would change the device: "cuda" is any of its cards."""
    return at.type != wanted.type or wanted.index not in (None, at.index)


class Recommender:
    """Scores and explains prompts.

    Batches are padded on the right and attention is causal, so no token ever looks at padding: neither padding nor the
    company in a batch can change a row's result.
    """

    def __init__(self, backbone: Backbone, experts: Experts, projector: Projector | None = None):
        self.backbone = backbone
        self.experts = experts
        self.projector = projector
        self.model = backbone.model
        self._checkpointing = False
        install(self.model)
        watch(self.model, experts.routing)

    @cached_property
    def packs(self) -> bool:
        """Whether packed batches (`thinkrec.engine.packing`) give what padded ones give; found out on first use."""
        return can_pack(self)

    @cached_property
    def lines_up(self) -> bool:
        """Whether prompts stand side by side in one row instead of being padded (`look`); found out likewise."""
        return can_line_up(self) and self.packs

    @cached_property
    def reads(self) -> bool:
        """Whether the last layer may be computed for some places alone (`last_layer`); found out likewise."""
        return can_read(self)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.model.parameters()).device

    def to(self, device: torch.device | str) -> Recommender:
        """Move all weights; returns self."""
        for module in self._modules():
            # Weights in few bits are where they belong from loading on, and refuse to be moved.
            if any(_elsewhere(p.device, torch.device(device)) for p in module.parameters()):
                module.to(device)
        return self

    def train(self, mode: bool = True) -> Recommender:
        """Dropout on (or off); returns self."""
        for module in self._modules():
            module.train(mode)
        return self

    def eval(self) -> Recommender:
        """Dropout off; returns self."""
        return self.train(False)

    def embed(self, batch: Batch) -> torch.Tensor:
        """Token embeddings (b, t, hidden) with projected vectors at the slots.

        Raises RecipeError if the batch has slots but there is no projector.
        """
        embeds = self.model.get_input_embeddings()(batch.ids)
        if not len(batch.slot_at):
            return embeds
        if self.projector is None:
            raise RecipeError(
                "the prompts have places for collaborative vectors, but this recommender has no projector; "
                "add one or render the prompts without vectors"
            )
        vectors = self.projector(batch.slot_vec).to(embeds.dtype)
        return embeds.index_put((batch.slot_at[:, 0], batch.slot_at[:, 1]), vectors)

    def hidden(self, batch: Batch) -> torch.Tensor:
        """Last hidden states (b, t, width) of the decoder, without the language-model head."""
        options: dict[str, Any] = {"inputs_embeds": self.embed(batch), "use_cache": False}
        if batch.layout is not None and batch.position is not None:
            # A mask of four dimensions is taken as it is; packed attention goes by the layout instead.
            nothing = torch.ones(1, 1, 1, 1, dtype=torch.bool, device=batch.ids.device)
            options |= {"position_ids": batch.position[None], "attention_mask": nothing}
        with self.experts.routing.use(self.weights(batch)), packed(batch.layout):
            return self.decoder(**options).last_hidden_state

    def states(self, batch: Batch, at: torch.Tensor) -> torch.Tensor:
        """(m, width): last hidden states at the places `at`, int64 (m, 2), those of `hidden`. What nobody reads is not
        computed in the last layer, where the backbone allows it.
        """
        found = places(batch, at) if self.reads and not self._checkpointing else None
        if found is not None:
            try:
                with reading(found):
                    return self.hidden(batch).flatten(0, 1)[found.where]
            except CannotPack:
                pass
        return self.hidden(batch)[at[:, 0], at[:, 1]]

    def look(self, prompts: Sequence[Prompt], at: Callable[[Batch], torch.Tensor]) -> tuple[Batch, torch.Tensor]:
        """The batch of these prompts, without padding where the device has a kernel for that, and its `states` at the
        places that `at` picks from it.
        """
        if self.lines_up:
            batch = line_up(prompts).to(self.device)
            try:
                return batch, self.states(batch, at(batch))
            except CannotPack:
                pass
        batch = collate(prompts, self.backbone.pad_id).to(self.device)
        return batch, self.states(batch, at(batch))

    @property
    def decoder(self) -> nn.Module:
        """The backbone without its head."""
        return self.model.base_model

    def weights(self, batch: Batch) -> torch.Tensor | None:
        """Routing weights of a batch, (b, 1 + n) or by token (1, t, 1 + n); None, the global adapter, where its gate
        has one column.

        Raises RecipeError if the gate has another number of experts than the model.
        """
        width = batch.gate.shape[1]
        if width == 1:
            return None
        if width != self.experts.slots:
            raise RecipeError(
                f"the prompts' gate has {width - 1} experts, the model {self.experts.slots - 1}; "
                "use the same number of groups for both"
            )
        if batch.owner is None or len(batch.gate) == 1:
            return batch.gate
        return batch.gate[batch.owner][None]

    def answer_logits(self, states: torch.Tensor) -> torch.Tensor:
        """(q, width) -> float32 (q, 2): logits of Yes and No as the next token, from two rows of the head."""
        head, pair = self._head(), [self.backbone.yes_id, self.backbone.no_id]
        bias = head.bias
        logits = F.linear(states.float(), head.weight[pair].float(), None if bias is None else bias[pair].float())
        return self._finish(logits)

    def next_logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """(..., width) -> float32 (..., V), exactly what the backbone's own forward gives."""
        return self._finish(self._head()(hidden).float())

    def score(self, batch: Batch, option: ScoreOption = "difference") -> torch.Tensor:
        """float32 (q,): scores of all answers of a batch, without dropout or gradients."""
        with self.inference():
            return score_of(self.answer_logits(self.states(batch, batch.answer_at)), option)

    def generate(
        self,
        prompts: Sequence[Prompt],
        max_new_tokens: int,
        first_tokens: Sequence[int] | None = None,
        constraints: Sequence[Constraint | None] | None = None,
    ) -> list[np.ndarray]:
        """Continue prompts greedily; see `thinkrec.engine.generate.continue_greedily`, which this calls."""
        with self.inference():
            return continue_greedily(self, prompts, max_new_tokens, first_tokens, constraints)

    @contextmanager
    def inference(self) -> Iterator[None]:
        """Evaluation mode without gradients, the global adapter merged; the former mode comes back at the end."""
        training = [(m, m.training) for root in self._modules() for m in root.modules()]
        try:
            self.eval()
            with torch.no_grad(), self.experts.merged():
                yield
        finally:
            for module, was in training:
                module.training = was

    def checkpoint_activations(self, on: bool = True) -> None:
        """Trade time for memory in training: recompute activations in the backward pass; `on` False: no more.

        The recomputation happens after `hidden` has returned and possibly in another thread, so it is handed the
        routing and the layout of its own forward pass; otherwise it would silently use the global adapter.
        """
        routing = self.experts.routing

        @contextmanager
        def again(weights: torch.Tensor | None, layout: Layout | None) -> Iterator[None]:
            with routing.use(weights), packed(layout):
                yield

        def contexts() -> tuple[Any, Any]:
            return nullcontext(), again(routing.weights, ACTIVE.layout)

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

    def _modules(self) -> list[nn.Module]:
        return [self.model] if self.projector is None else [self.model, self.projector]

    def _head(self) -> nn.Linear:
        head = self.model.get_output_embeddings()
        assert isinstance(head, nn.Linear), "a causal language model has a linear head"
        return head

    def _finish(self, logits: torch.Tensor) -> torch.Tensor:
        # What some architectures do after the head: Granite divides, Cohere multiplies, Gemma caps.
        config = self.model.config
        if (divisor := getattr(config, "logits_scaling", None)) is not None:
            logits = logits / divisor
        if (factor := getattr(config, "logit_scale", None)) is not None:
            logits = logits * factor
        if (cap := getattr(config, "final_logit_softcapping", None)) is not None:
            logits = cap * torch.tanh(logits / cap)
        return logits
