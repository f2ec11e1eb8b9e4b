"""Training steps of bench/smollm2.py: this package's own loop, and a plain loop around a PEFT model."""

from __future__ import annotations

import numpy as np
import torch
from accelerate import Accelerator
from models import ALL, plain_copy
from peft import LoraConfig, PeftModel, get_peft_model

from thinkrec.engine.batch import Batch, collate_prompts, split_by_token_budget
from thinkrec.engine.recommender import Recommender
from thinkrec.prompts.types import Prompt
from thinkrec.train.config import StageConfig
from thinkrec.train.loop import set_trainable_parameters, train_step
from thinkrec.train.loss import compute_losses

LR, OUR_TOKENS = 1e-4, 2048


class OurStage:
    """Steps as `thinkrec run` takes them."""

    def __init__(self, rec: Recommender, prompts: list[Prompt], tokens: int = OUR_TOKENS) -> None:
        self.config = StageConfig(train=("global",), lr=LR, batch_tokens=tokens)
        self.rec, self.accelerator = rec, Accelerator(cpu=True)
        self.start = [p.detach().clone() for p in rec.adapters.get_parameters("global")]
        self.params = set_trainable_parameters(rec, self.config)
        self.optimiser = torch.optim.AdamW(self.params, lr=LR)
        self.batches = cut_batches(prompts, tokens)
        self.losses: list[float] = []

    def run(self) -> None:
        """One pass."""
        for batch in self.batches:
            loss = train_step(self.rec, [batch], self.params, self.optimiser, self.config, self.accelerator)
            self.losses.append(loss)

    def close(self) -> None:
        """Put the adapters back to where they were, and settle the recommender for answering again."""
        with torch.no_grad():
            for parameter, value in zip(self.params, self.start, strict=True):
                parameter.copy_(value)
                parameter.requires_grad_(False)
        self.rec.freeze_for_inference()


class PeerStage:
    """The same steps on a PEFT model with the same adapters."""

    def __init__(self, rec: Recommender, prompts: list[Prompt], tokens: int) -> None:
        self.pad, (self.yes, self.no) = rec.backbone.pad_id, rec.answers.written_pair
        self.model = build_peft_model(rec).train()
        self.optimiser = torch.optim.AdamW([p for p in self.model.parameters() if p.requires_grad], lr=LR)
        self.batches = cut_batches(prompts, tokens)
        self.losses: list[float] = []

    def run(self) -> None:
        """One pass."""
        for prompts in self.batches:
            self.losses.append(self.take_step(collate_prompts(prompts, self.pad)))

    def take_step(self, batch: Batch) -> float:
        """One step; its loss."""
        at = torch.cat([batch.answer_at, batch.token_at])
        places, column = torch.unique(at[:, 1], return_inverse=True)
        mask = (torch.arange(batch.ids.shape[1])[None] < batch.lengths[:, None]).long()
        output = self.model(input_ids=batch.ids, attention_mask=mask, logits_to_keep=places, use_cache=False)
        logits = output.logits[at[:, 0], column].float()
        answers, tokens = logits.split([len(batch.answer_at), len(batch.token_at)])
        loss = compute_losses(answers[:, self.yes] - answers[:, self.no], tokens, batch, rows=len(batch)).total
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimiser.step()
        return float(loss.detach())


def build_peft_model(rec: Recommender) -> PeftModel:
    """A PEFT model for training, its adapters those of `rec`, in float32 as PEFT holds them by itself."""
    config = LoraConfig(
        r=rec.adapters.config.rank,
        lora_alpha=int(rec.adapters.config.alpha),
        lora_dropout=0.0,
        target_modules=list(ALL),
        layers_to_transform=rec.adapters.list_layer_numbers("global"),
        task_type="CAUSAL_LM",
    )
    model = get_peft_model(plain_copy(rec), config)
    own = dict(model.named_parameters())
    with torch.no_grad():
        for name, tensor in rec.adapters.get_peft_tensors(0).items():
            own[name.replace(".weight", ".default.weight")].copy_(tensor)
    return model


def cut_batches(prompts: list[Prompt], tokens: int) -> list[list[Prompt]]:
    """Batches of rows of similar length, at most so many padded tokens each, as training cuts them."""
    cut = split_by_token_budget(np.array([len(p) for p in prompts]), tokens, shuffle_seed=0)
    return [[prompts[i] for i in rows] for rows in cut]
