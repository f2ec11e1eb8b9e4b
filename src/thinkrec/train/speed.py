"""How fast this machine scores and trains with a backbone: a probe of a few seconds, on random words."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from thinkrec.engine.capabilities import detect_capabilities
from thinkrec.engine.recommender import Recommender
from thinkrec.io.processes import make_accelerator
from thinkrec.model.adapters import attach_adapters
from thinkrec.model.backbone import Backbone, BackboneConfig, load_backbone
from thinkrec.model.lora import ALL_LINEAR, MultiLoRAConfig
from thinkrec.prompts.types import Prompt
from thinkrec.score.ranker import score_prompts
from thinkrec.train.config import StageConfig
from thinkrec.train.loop import set_trainable_parameters, train_step

PROMPT_TOKENS = 256
"""Length of a prompt: about ten lines of history with their keywords."""
PROMPTS = 8
"""Prompts of a batch."""
RANK = 16
"""Of the probe's adapters, which stand on every linear layer: what the recipes for small backbones train."""


@dataclass(frozen=True)
class Speed:
    """What a probe measured, in tokens of prompts per second."""

    backbone: str
    dtype: str
    device: str
    loading: float
    """Seconds until the backbone was loaded."""
    scoring: float
    training: float
    """Forward, backward and step of all adapters, no layer left out."""


class SpeedProbe:
    """A backbone with untrained adapters, and prompts of random words, each with one answer."""

    def __init__(self, backbone: Backbone, device: str | None = None) -> None:
        """`device`: as `RunOptions.device`."""
        self.accelerator = make_accelerator(device)
        config = MultiLoRAConfig(rank=RANK, alpha=2 * RANK, dropout=0.0, targets=(ALL_LINEAR,), n_experts=0)
        recommender = Recommender(backbone, attach_adapters(backbone.model, config)).to(self.accelerator.device)
        recommender.capabilities = detect_capabilities(recommender)
        self.recommender = recommender
        self.prompts = _make_prompts(backbone.model.config.get_text_config().vocab_size)
        self.stage = StageConfig(train=("global",))
        self.params = set_trainable_parameters(recommender, self.stage)
        self.optimiser = torch.optim.AdamW(self.params, lr=self.stage.lr)
        self._is_frozen = False

    def score_batch(self) -> int:
        """Score the prompts as a run does; returns their tokens."""
        if not self._is_frozen:
            self.recommender.freeze_for_inference()
            self._is_frozen = True
        score_prompts(self.recommender, self.prompts.__getitem__, len(self.prompts))
        return len(self.prompts) * PROMPT_TOKENS

    def train_batch(self) -> int:
        """A step of training on half of the prompts; returns their tokens."""
        self._is_frozen = False
        half = self.prompts[: PROMPTS // 2]
        train_step(self.recommender, [half], self.params, self.optimiser, self.stage, self.accelerator)
        return len(half) * PROMPT_TOKENS


def measure_speed(config: BackboneConfig, *, seconds: float = 5.0, device: str | None = None) -> Speed:
    """Load a backbone, then score and train for about `seconds` together, at least one batch of each after warming up.

    Raises as `load_backbone` does.
    """
    began = time.monotonic()
    backbone = load_backbone(config)
    loading = time.monotonic() - began
    probe = SpeedProbe(backbone, device)
    scoring = measure_rate(probe.score_batch, seconds / 2)
    training = measure_rate(probe.train_batch, seconds / 2)
    held = str(backbone.model.dtype).removeprefix("torch.")
    return Speed(backbone.name, held, str(probe.recommender.device), loading, scoring, training)


def measure_rate(work: Callable[[], int], seconds: float) -> float:
    """Units per second of `work`, which returns how many it did: after one turn to warm up, for about `seconds`."""
    work()
    done, began = 0, time.monotonic()
    while True:
        done += work()
        passed = time.monotonic() - began
        if passed >= seconds:
            return done / passed


def _make_prompts(n_words: int) -> list[Prompt]:
    rng = np.random.default_rng(0)
    nowhere = np.zeros(0, dtype=np.int32)
    return [
        Prompt(
            ids=rng.integers(0, n_words, PROMPT_TOKENS).astype(np.int32),
            placeholder_at=nowhere,
            placeholder_vectors=np.zeros((0, 1), dtype=np.float32),
            answer_at=np.array([PROMPT_TOKENS - 1], dtype=np.int32),
            answer_label=np.array([i % 2], dtype=np.int8),
            answer_weight=np.ones(1, dtype=np.float32),
            token_at=nowhere,
            token_target=nowhere,
            token_weight=np.zeros(0, dtype=np.float32),
            gate=np.ones(1, dtype=np.float32),
        )
        for i in range(PROMPTS)
    ]
