"""Backbone, experts and projector as one scorer and explainer; every row of a batch may use other experts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Literal, Self

import torch
from torch import nn
from torch.nn import functional as F
from transformers import PreTrainedModel

from thinkrec.engine.answer_logits import pool_answer_logits
from thinkrec.engine.batch import Batch, collate_prompts
from thinkrec.engine.fused_layers import install_fused_layers, use_fused_layers
from thinkrec.engine.hooks import (
    HOOK_STATE,
    UnsupportedAttentionError,
    install_attention,
    is_attention_installed,
    use_layout,
)
from thinkrec.engine.last_layer import install_last_layer_hooks, prune_last_layer, select_positions
from thinkrec.engine.layout import PackedLayout
from thinkrec.engine.packing import pack_prompts
from thinkrec.engine.parts import MODULE_PARTS
from thinkrec.engine.prefix_cache import PrefixCache
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


@dataclass(frozen=True)
class Capabilities:
    """Which fast paths leave a backbone's results as they are on its device; by default none is taken.

    Found out by trying (`thinkrec.engine.capabilities.detect_capabilities`), once, by whoever loads a recommender.
    """

    shared_prefix: bool = False
    """Packed rows (`thinkrec.engine.packing`) give what padded batches give."""
    varlen: bool = False
    """Prompts stand side by side in one row instead of being padded (`Recommender.pack_and_forward`)."""
    last_layer_pruning: bool = False
    """The last layer may be computed at some positions alone (`thinkrec.engine.last_layer`)."""
    fused_layers: bool = False
    """Layers are computed in fewer passes and larger products (`thinkrec.engine.fused_layers`)."""


class Recommender(nn.Module):
    """Backbone, adapters and projector as one module: prompts -> logits of Yes and No.

    Batches are padded on the right and attention is causal, so no token ever looks at padding: neither padding nor the
    company in a batch can change a row's result.

    The submodules are `model`, the backbone with its adapters inside, and `projector`, if there is one; `state_dict`
    has the weights of both. For training its mode is that of any module. For answering it is settled once, when it is
    loaded (`freeze_for_inference`); after that many threads may ask it at the same time.
    """

    model: PreTrainedModel
    projector: Projector | None

    def __init__(
        self,
        backbone: Backbone,
        experts: AdapterSet,
        projector: Projector | None = None,
        answers: AnswerIds | None = None,
        capabilities: Capabilities | None = None,
    ):
        """`answers`: the tokens that scores compare; by default those for the words of the usual template."""
        super().__init__()
        self.backbone = backbone
        self.adapters = experts
        self.soft_prompt: SoftPrompt | None = None
        words = get_template(DEFAULT_TEMPLATE).answers
        self.answers = answers or find_answer_ids(words, backbone.tokenizer, backbone.name)
        self.model = backbone.model
        self.register_module("projector", projector)
        self.capabilities = capabilities or Capabilities()
        """Settled by whoever loads it, with the weights where they stay."""
        self.max_workers: int | None = None
        """Batches worked on at the same time, at most (`thinkrec.engine.workers`); None: what the machine allows."""
        self.prefix_cache: PrefixCache | None = None
        """Shared prefixes kept from one call to the next; None: computed in each. Emptied where weights change."""
        self._checkpointing = False
        self.training = backbone.model.training
        install_attention(self.model)
        install_last_layer_hooks(self.model, experts.routing)
        install_fused_layers(self.model, experts.routing)
        # Merged weights are copies: whatever changes what they were made of makes them anew.
        self.register_load_state_dict_post_hook(lambda module, _: module._refresh_merged_weights())

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.model.parameters()).device

    def forward(self, batch: Batch) -> torch.Tensor:
        """float32 (q, 2): logits of Yes and No at every answer of a batch."""
        return self.compute_answer_logits(self.gather_hidden(batch, batch.answer_at))

    def train(self, mode: bool = True) -> Self:
        """As of any module; training mode ends what `freeze_for_inference` settled."""
        if mode:
            self.adapters.clear_merged_weights()
            self._forget_prefixes()
        return super().train(mode)

    def freeze_for_inference(self) -> Self:
        """Settle it for answering until `train()`: dropout off, the global adapter merged into a copy of its weights.

        Nothing is switched per call from then on, so that calls from several threads do not disturb one another.
        """
        self.eval()
        self.adapters.compute_merged_weights()
        return self

    def require_evaluation_mode(self) -> None:
        """Raises RuntimeError in training mode, in which answers would be random."""
        if self.training or self.model.training:
            raise RuntimeError(
                "the recommender is in training mode, so that dropout would change its answers; call "
                "freeze_for_inference() or eval() first, or wrap the call in inference_mode()"
            )

    def _apply(self, fn: Callable[[torch.Tensor], torch.Tensor], recurse: bool = True) -> Self:
        # What `to`, `cuda`, `float` and their like go through.
        super()._apply(fn, recurse)
        self._refresh_merged_weights()
        return self

    def _forget_prefixes(self) -> None:
        if self.prefix_cache is not None:
            self.prefix_cache.clear()

    def _refresh_merged_weights(self) -> None:
        self._forget_prefixes()
        if self.adapters.clear_merged_weights():
            self.adapters.compute_merged_weights()

    def embed(self, batch: Batch) -> torch.Tensor:
        """Token embeddings (b, t, hidden) with the vectors of the parts in their places (`thinkrec.engine.parts`).

        Raises RecipeError if the batch has places for a part that the recommender does not have.
        """
        embeds = self.model.get_input_embeddings()(batch.ids)
        for part in MODULE_PARTS.values():
            embeds = part.insert_vectors(self, embeds, batch)
        return embeds

    def compute_hidden(self, batch: Batch) -> torch.Tensor:
        """Last hidden states (b, t, width) of the decoder, without the language-model head.

        Raises UnsupportedAttentionError for a packed batch where the model's attention is not this package's any more.
        """
        options: dict[str, Any] = {"inputs_embeds": self.embed(batch), "use_cache": False}
        if batch.layout is not None and batch.position_ids is not None:
            if not is_attention_installed(self.model):
                raise UnsupportedAttentionError("the attention of this model was exchanged after it was loaded")
            # A mask of four dimensions is taken as it is; packed attention goes by the layout instead.
            nothing = torch.ones(1, 1, 1, 1, dtype=torch.bool, device=batch.ids.device)
            options |= {"position_ids": batch.position_ids[None], "attention_mask": nothing}
        weights = self.compute_routing_weights(batch)
        with (
            self.adapters.routing.use_weights(weights),
            use_layout(batch.layout),
            use_fused_layers(self.capabilities.fused_layers),
        ):
            return self.decoder(**options).last_hidden_state

    def gather_hidden(self, batch: Batch, at: torch.Tensor) -> torch.Tensor:
        """(m, width): last hidden states at the places `at`, int64 (m, 2), those of `compute_hidden`.

        What nobody reads is not computed in the last layer, where the backbone allows it.
        """
        places = (
            select_positions(batch, at) if self.capabilities.last_layer_pruning and not self._checkpointing else None
        )
        if places is not None:
            try:
                with prune_last_layer(places):
                    return self.compute_hidden(batch).flatten(0, 1)[places.output_index]
            except UnsupportedAttentionError:
                pass
        return self.compute_hidden(batch)[at[:, 0], at[:, 1]]

    def pack_and_forward(
        self, prompts: Sequence[Prompt], at: Callable[[Batch], torch.Tensor]
    ) -> tuple[Batch, torch.Tensor]:
        """The batch of these prompts, and its `gather_hidden` at the positions that `at` picks from it.

        It has no padding where the device has a kernel for that.
        """
        if self.capabilities.varlen:
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
        """float32 (q,): scores of all answers of a batch, without gradients. Raises RuntimeError in training mode."""
        self.require_evaluation_mode()
        with torch.no_grad():
            return compute_scores(self(batch), option)

    @contextmanager
    def inference_mode(self) -> Iterator[None]:
        """A pause in training: evaluation mode without gradients, the global adapter merged, until the block ends.

        Of all threads, so not for a recommender that several ask: see `freeze_for_inference`.
        """
        training = [(module, module.training) for module in self.modules()]
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
        def restore_context(weights: torch.Tensor | None, layout: PackedLayout | None, fused: bool) -> Iterator[None]:
            with routing.use_weights(weights), use_layout(layout), use_fused_layers(fused):
                yield

        def contexts() -> tuple[Any, Any]:
            return nullcontext(), restore_context(routing.weights, HOOK_STATE.layout, HOOK_STATE.is_fused)

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
