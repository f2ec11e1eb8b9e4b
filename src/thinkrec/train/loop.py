"""The one training loop of every language-model stage: plain steps, best state kept, nothing lost when killed."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from accelerate import Accelerator
from torch import nn

from thinkrec.fast.below import Below
from thinkrec.model.batch import Batch, Prompt, collate
from thinkrec.model.disk import read_tensors, write_tensors
from thinkrec.model.experts import Group
from thinkrec.model.loss import losses
from thinkrec.model.recommender import Recommender, score_of
from thinkrec.progress import Progress
from thinkrec.train.config import StageConfig
from thinkrec.train.passes import Passes

STATE = "state.safetensors"
_MOMENTS = ("exp_avg", "exp_avg_sq")


@dataclass
class _Place:
    """Where the loop is; with the tensors of weights and optimiser this is all there is to resume from."""

    step: int = 0
    best: float = -math.inf
    best_step: int = 0
    log: list[dict[str, Any]] = field(default_factory=list)
    window: list[float] = field(default_factory=list)


def trainable(recommender: Recommender, config: StageConfig) -> list[nn.Parameter]:
    """Freeze everything but the stage's parts; returns those, in a fixed order."""
    adapters: list[Group] = [part for part in config.train if part != "projector"]
    chosen = recommender.experts.train_only(*adapters)
    if recommender.projector is not None:
        learns = "projector" in config.train
        recommender.projector.requires_grad_(learns)
        chosen += list(recommender.projector.parameters()) if learns else []
    return chosen


def fit_stage(
    recommender: Recommender,
    epoch_prompts: Callable[[int], Sequence[Prompt]],
    check: Callable[[], dict[str, float]],
    config: StageConfig,
    folder: Path,
    *,
    seed: int,
    accelerator: Accelerator,
    title: str,
    progress: bool = False,
) -> list[dict[str, Any]]:
    """Train the stage's parts and leave the recommender in its best state by the validation value.

    Args:
        epoch_prompts: the prompts of pass e (0, 1, ...); the same call gives the same prompts. They are read once, in
            order, and kept in an Arrow file of `folder` while the stage lasts.
        check: validation metrics with a key "value", larger is better.
        folder: holds `state.safetensors`; where one is there, training goes on from it.

    Returns one record per check: step, loss since the last check, learning rate, and the metrics.
    """
    params = trainable(recommender, config)
    recommender.checkpoint_activations(config.recompute)
    optimiser = torch.optim.AdamW(params, lr=config.lr, weight_decay=config.weight_decay)
    place = _resume(folder / STATE, params, optimiser)
    best = _load_best(folder / STATE, params)
    passes = Passes(epoch_prompts, config, folder, seed=seed, accelerator=accelerator, title=title, progress=progress)
    total = sum(passes.steps)
    every = max(1, passes.steps[0] // config.checks)
    with (
        _below(recommender, passes, config, folder, accelerator) as below,
        Progress(title, total, shown=progress and accelerator.is_main_process) as bar,
    ):
        bar.advance(place.step)
        for step, group in enumerate(passes):
            if step < place.step:
                continue
            prompts = group[accelerator.process_index]
            # One seed per step: dropout is then the same in a resumed run, without any generator state to keep.
            torch.manual_seed((seed * 1_000_003 + step) * 64 + accelerator.process_index)
            rate = _rate(step, total, config)
            for options in optimiser.param_groups:
                options["lr"] = rate
            place.window.append(train_step(recommender, prompts, params, optimiser, config, accelerator, below))
            place.step = step + 1
            bar.advance(1, f"loss {np.mean(place.window[-20:]):.3f}")
            if place.step % every == 0 or place.step == total:
                found = check()
                place.log.append({"step": place.step, "loss": float(np.mean(place.window)), "lr": rate, **found})
                place.window.clear()
                if found["value"] > place.best:
                    place.best, place.best_step = found["value"], place.step
                    best = [p.detach().clone() for p in params]
                bar.note(f"valid AUC {found['auc']:.3f} UAUC {found['uauc']:.3f}")
            if (place.step % config.save_steps == 0 or place.step == total) and accelerator.is_main_process:
                _save(folder / STATE, place, params, best, optimiser)
    passes.close()
    recommender.checkpoint_activations(False)
    with torch.no_grad():
        for p, kept in zip(params, best, strict=True):
            p.copy_(kept)
    return place.log


@contextmanager
def _below(recommender: Recommender, passes: Passes, config: StageConfig, folder: Path,
           accelerator: Accelerator) -> Iterator[Below | None]:  # fmt: skip
    """The frozen layers' results, where rows come back to use them."""
    path = folder / f"below-{accelerator.process_index}.bin"
    most = int(config.cache_gb * 1e9) if config.epochs > config.stride else 0
    found = Below.of(recommender, path, most, passes.sample)
    try:
        yield found
    finally:
        if found is not None:
            found.close()


def train_step(
    recommender: Recommender,
    prompts: list[Prompt],
    params: list[nn.Parameter],
    optimiser: torch.optim.Optimizer,
    config: StageConfig,
    accelerator: Accelerator,
    below: Below | None = None,
) -> float:
    """One step on one batch; returns its loss. `below` stands for the layers under the first one that learns."""
    recommender.train()
    with accelerator.autocast():
        if below is None:
            batch, states = recommender.look(prompts, _read)
        else:
            batch = collate(prompts, recommender.backbone.pad_id).to(recommender.device)
            with below.given(prompts, batch):
                states = recommender.states(batch, _read(batch))
    answers, tokens = states.split([len(batch.answer_at), len(batch.token_at)])
    scores = score_of(recommender.answer_logits(answers))
    loss = losses(scores, recommender.next_logits(tokens), batch, rows=len(prompts)).total
    optimiser.zero_grad(set_to_none=True)
    accelerator.backward(loss)
    if accelerator.num_processes > 1:
        for p in params:
            if p.grad is not None:
                p.grad = cast(torch.Tensor, accelerator.reduce(p.grad, reduction="mean"))
    torch.nn.utils.clip_grad_norm_(params, config.clip)
    optimiser.step()
    recommender.eval()
    return float(loss.detach())


def _read(batch: Batch) -> torch.Tensor:
    """Where a step reads: at every answer, and before every token of a reason."""
    return torch.cat([batch.answer_at, batch.token_at])


def _rate(step: int, total: int, config: StageConfig) -> float:
    """Linear warm-up, then a cosine to zero at the last step."""
    warm = max(1, min(config.warmup, total // 5))
    if step < warm:
        return config.lr * (step + 1) / warm
    return config.lr * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, total - warm)))


def _save(path: Path, place: _Place, params, best, optimiser: torch.optim.Optimizer) -> None:
    tensors = {"place": torch.tensor(list(json.dumps(vars(place)).encode()), dtype=torch.uint8)}
    for i, p in enumerate(params):
        tensors[f"param.{i}"] = p.detach().cpu().contiguous()
        if best is not None:
            tensors[f"best.{i}"] = best[i].cpu().contiguous().clone()
        for name in _MOMENTS:
            if name in optimiser.state.get(p, {}):
                tensors[f"{name}.{i}"] = optimiser.state[p][name].cpu().contiguous()
    write_tensors(path, tensors)


def _resume(path: Path, params: list[nn.Parameter], optimiser: torch.optim.Optimizer) -> _Place:
    if not path.is_file():
        return _Place()
    tensors = read_tensors(path)
    place = _Place(**json.loads(bytes(tensors["place"].tolist())))
    with torch.no_grad():
        for i, p in enumerate(params):
            p.copy_(tensors[f"param.{i}"])
            if f"exp_avg.{i}" in tensors:
                state = {name: tensors[f"{name}.{i}"].to(p.device) for name in _MOMENTS}
                optimiser.state[p] = {"step": torch.tensor(float(place.step)), **state}
    return place


def _load_best(path: Path, params: list[nn.Parameter]) -> list[torch.Tensor]:
    tensors = read_tensors(path) if path.is_file() else {}
    return [tensors.get(f"best.{i}", p.detach().clone()).to(p.device) for i, p in enumerate(params)]
