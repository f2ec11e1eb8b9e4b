"""The one training loop of every language-model stage: plain steps, best state kept, nothing lost when killed."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from accelerate import Accelerator
from torch import nn

from thinkrec.engine.batch import Batch, collate_prompts
from thinkrec.engine.frozen_cache import FrozenActivationCache
from thinkrec.engine.parts import TRAINABLE_PARTS, set_trainable_parts
from thinkrec.engine.recommender import Recommender, ScoreOption, compute_scores
from thinkrec.errors import RecipeError
from thinkrec.io.files import read_tensors, to_json_value, write_tensors
from thinkrec.io.progress import Progress
from thinkrec.prompts.types import Prompt
from thinkrec.train.config import StageConfig
from thinkrec.train.epochs import EpochBatches, list_eval_steps
from thinkrec.train.loss import compute_losses
from thinkrec.train.sharding import fill_empty_share, is_sharded

STATE = "state.safetensors"
MIN_IMPROVEMENT = 1e-3
"""Validation values this close, in the last digit that is printed, are no reason to give up what was trained."""
_MOMENTS = ("exp_avg", "exp_avg_sq")


@dataclass
class _LoopState:
    """Where the loop is; with the tensors of weights and optimiser this is all there is to resume from."""

    step: int = 0
    log: list[dict[str, Any]] = field(default_factory=list)
    window: list[float] = field(default_factory=list)
    scaler: dict[str, Any] = field(default_factory=dict)
    """Of float16 training: how losses are scaled now."""


def select_best_record(log: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The record of the state that is kept: the first with the largest value.

    The state before training (step 0) counts only where it is better than all that follow by more than CLOSE. A value
    that is not defined (None) is never preferred; without any defined value the last state stays.
    """
    known = [entry for entry in log if entry["value"] is not None]
    best = max((entry for entry in known if entry["step"]), key=lambda entry: entry["value"], default=None)
    start = next((entry for entry in known if not entry["step"]), None)
    if start is not None and (best is None or start["value"] > best["value"] + MIN_IMPROVEMENT):
        return start
    return log[-1] if best is None else best


def set_trainable_parameters(recommender: Recommender, config: StageConfig) -> list[nn.Parameter]:
    """Freeze everything but the stage's parts; returns their parameters (`thinkrec.engine.parts.set_trainable_parts`).

    Raises RecipeError where the recommender has none of the parts.
    """
    chosen = set_trainable_parts(recommender, config.train)
    if not chosen:
        existing = [name for name, part in TRAINABLE_PARTS.items() if part.has_part(recommender)]
        raise RecipeError(
            f"a stage trains {', '.join(config.train) or 'nothing'}, and the model has {', '.join(existing)}; "
            "name one of these in the stage's `train`"
        )
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
    option: ScoreOption = "difference",
    check_start: bool = False,
) -> list[dict[str, Any]]:
    """Train the stage's parts; leave the recommender in its best state by the validation value (`select_best_record`).

    Args:
        recommender: what is trained, in place.
        epoch_prompts: the prompts of pass e (0, 1, ...); the same call gives the same prompts. They are read once, in
            order, and kept in an Arrow file of `folder` while the stage lasts.
        check: validation metrics with a key "value", larger is better; NaN is what is not defined. It is called in all
            processes and gives the same in all, since they must keep the same states.
        config: the parts that learn, how long, and how.
        folder: holds `state.safetensors`; where one is there, training goes on from it.
        seed: of the order of the prompts and of dropout.
        accelerator: this process's place among the others, and its device.
        title: what the progress bar says.
        progress: whether there is one.
        option: what the score is, in training as in `check`.
        check_start: whether the state that comes in is checked too, as step 0.

    Returns one record per check: step, loss since the last check, learning rate, and the metrics; None is what is not
    defined. Raises RecipeError where gradients are not finite.
    """
    params = set_trainable_parameters(recommender, config)
    recommender.checkpoint_activations(config.gradient_checkpointing)
    optimiser = torch.optim.AdamW(params, lr=config.lr, weight_decay=config.weight_decay)
    place = _resume_state(folder / STATE, params, optimiser, accelerator)
    best = _load_best_parameters(folder / STATE, params)
    passes = EpochBatches(
        epoch_prompts, config, folder, seed=seed, accelerator=accelerator, title=title, progress=progress
    )
    total = sum(passes.steps)
    eval_steps = list_eval_steps(passes.steps, config.evals_per_epoch)
    with (
        _open_activation_cache(recommender, passes, config, folder, accelerator) as below,
        Progress(title, total, shown=progress and accelerator.is_main_process, unit="tokens") as bar,
    ):
        bar.skip(place.step)

        def record(rate: float) -> bool:
            """Check, and say whether this is now the state to keep."""
            metrics = check()
            mean = float(np.mean(place.window)) if place.window else math.nan
            place.log.append(to_json_value({"step": place.step, "loss": mean, "lr": rate, **metrics}))
            place.window.clear()
            bar.set_note(" ".join(f"{key} {_format_metric(metrics.get(key))}" for key in ("auc", "uauc")))
            return select_best_record(place.log) is place.log[-1]

        if check_start and not place.log and not place.step:
            record(0.0)
            bar.restart_clock()
        for step, shares in enumerate(passes):
            if step < place.step:
                continue
            # One seed per step: dropout is then the same in a resumed run, without any generator state to keep.
            torch.manual_seed((seed * 1_000_003 + step) * 64 + accelerator.process_index)
            rate = _compute_learning_rate(step, total, config)
            for options in optimiser.param_groups:
                options["lr"] = rate
            place.window.append(train_step(recommender, shares, params, optimiser, config, accelerator, below, option))
            place.step = step + 1
            bar.advance(1, f"loss {np.mean(place.window[-20:]):.3f}", sum(map(len, chain(*shares))))
            if place.step in eval_steps and record(rate):
                best = [p.detach().clone() for p in params]
            if (place.step % config.save_steps == 0 or place.step == total) and accelerator.is_main_process:
                place.scaler = {} if accelerator.scaler is None else accelerator.scaler.state_dict()
                _save_state(folder / STATE, place, params, best, optimiser)
    passes.close()
    recommender.checkpoint_activations(False)
    with torch.no_grad():
        for p, best_value in zip(params, best, strict=True):
            p.copy_(best_value)
    return place.log


@contextmanager
def _open_activation_cache(
    recommender: Recommender, passes: EpochBatches, config: StageConfig, folder: Path, accelerator: Accelerator
) -> Iterator[FrozenActivationCache | None]:
    """The frozen layers' results, where rows come back to use them."""
    path = folder / f"below-{accelerator.process_index}.bin"
    most = int(config.cache_gb * 1e9) if config.epochs > config.subsample_stride else 0
    most = 0 if is_sharded(recommender) else most  # processes would collect layers at different times
    cache = FrozenActivationCache.build(recommender, path, most, passes.sample)
    try:
        yield cache
    finally:
        if cache is not None:
            cache.close()


def train_step(
    recommender: Recommender,
    shares: Sequence[list[Prompt]],
    params: list[nn.Parameter],
    optimiser: torch.optim.Optimizer,
    config: StageConfig,
    accelerator: Accelerator,
    below: FrozenActivationCache | None = None,
    option: ScoreOption = "difference",
) -> float:
    """One step on one batch; returns its loss. `below` stands for the layers under the first one that learns.

    `shares`: the batch's prompts, cut into one list per process, some of which may be empty. Loss and gradient are
    those of the whole batch, whatever the number of processes.

    Where the launcher asks for float16, gradients come scaled up; they are brought back before they are clipped, and a
    step whose gradients overflowed changes no weight. Raises RecipeError where they are not finite otherwise.
    """
    recommender.train()
    n_rows, prompts, weight = sum(map(len, shares)), shares[accelerator.process_index], 1.0
    if is_sharded(recommender):
        prompts, weight = fill_empty_share(shares, accelerator.process_index)
    with accelerator.autocast():
        # A share without rows takes part in every reduction all the same.
        loss = _compute_loss(recommender, prompts, n_rows, below, option) if prompts else params[0].sum() * 0.0
        loss = loss if weight == 1.0 else loss * weight
    optimiser.zero_grad(set_to_none=True)
    accelerator.backward(loss)
    value = loss.detach().float()
    if accelerator.num_processes > 1:
        value = _add_gradients(params, value, accelerator)
    scaler = accelerator.scaler
    if scaler is None:
        norm = torch.nn.utils.clip_grad_norm_(params, config.max_grad_norm)
        if not torch.isfinite(norm):
            raise RecipeError(
                f"the gradient of a step is not finite (its loss is {float(value):g}), so training would end in"
                f" weights that are no numbers; lower the stage's lr (now {config.lr:g}), or set"
                " model.backbone.dtype: float32"
            )
        optimiser.step()
    else:
        scaler.unscale_(optimiser)
        torch.nn.utils.clip_grad_norm_(params, config.max_grad_norm)
        scaler.step(optimiser)
        scaler.update()
    recommender.eval()
    return float(value)


def _compute_loss(
    recommender: Recommender,
    prompts: list[Prompt],
    n_rows: int,
    below: FrozenActivationCache | None,
    option: ScoreOption,
) -> torch.Tensor:
    """What prompts add to the loss of a batch of `n_rows` rows, a scalar."""
    if below is None:
        batch, states = recommender.pack_and_forward(prompts, _select_positions)
    else:
        batch = collate_prompts(prompts, recommender.backbone.pad_id).to(recommender.device)
        with below.use_cached_states(prompts, batch):
            states = recommender.gather_hidden(batch, _select_positions(batch))
    answers, tokens = states.split([len(batch.answer_at), len(batch.token_at)])
    scores = compute_scores(recommender.compute_answer_logits(answers), option)
    return compute_losses(scores, recommender.compute_next_token_logits(tokens), batch, rows=n_rows).total


def _add_gradients(params: list[nn.Parameter], loss: torch.Tensor, accelerator: Accelerator) -> torch.Tensor:
    """Sum gradients over processes, in place, and the loss, which is returned: one exchange for all of them."""
    gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in params]
    flat = torch.cat([loss.reshape(1), *(gradient.float().reshape(-1) for gradient in gradients)])
    total, *parts = cast(torch.Tensor, accelerator.reduce(flat, reduction="sum")).split([1, *map(torch.numel, params)])
    for p, part in zip(params, parts, strict=True):
        p.grad = part.reshape(p.shape).to(p.dtype)
    return total[0]


def _format_metric(value: float | None) -> str:
    return "n/a" if value is None or math.isnan(value) else f"{value:.3f}"


def _select_positions(batch: Batch) -> torch.Tensor:
    """Where a step reads: at every answer, and before every token of a reason."""
    return torch.cat([batch.answer_at, batch.token_at])


def _compute_learning_rate(step: int, total: int, config: StageConfig) -> float:
    """Linear warm-up, then a cosine to zero at the last step."""
    warm = max(1, min(config.warmup_steps, total // 5))
    if step < warm:
        return config.lr * (step + 1) / warm
    return config.lr * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, total - warm)))


def _save_state(path: Path, place: _LoopState, params, best, optimiser: torch.optim.Optimizer) -> None:
    tensors = {"place": torch.tensor(list(json.dumps(vars(place), allow_nan=False).encode()), dtype=torch.uint8)}
    for i, p in enumerate(params):
        tensors[f"param.{i}"] = p.detach().cpu().contiguous()
        if best is not None:
            tensors[f"best.{i}"] = best[i].cpu().contiguous().clone()
        for name in _MOMENTS:
            if name in optimiser.state.get(p, {}):
                tensors[f"{name}.{i}"] = optimiser.state[p][name].cpu().contiguous()
    write_tensors(path, tensors)


def _resume_state(
    path: Path, params: list[nn.Parameter], optimiser: torch.optim.Optimizer, accelerator: Accelerator
) -> _LoopState:
    if not path.is_file():
        return _LoopState()
    tensors = read_tensors(path)
    content = json.loads(bytes(tensors["place"].tolist()))
    # Steps of several processes were as many batches, before one batch was shared among them.
    if content.pop("processes", 1) != 1:
        raise RecipeError(
            f"{path.parent} was begun by several processes of an older version, whose steps were of other rows; delete"
            f" {path} to train this stage from its start"
        )
    place = _LoopState(**content)
    if place.scaler and accelerator.scaler is not None:
        accelerator.scaler.load_state_dict(place.scaler)
    with torch.no_grad():
        for i, p in enumerate(params):
            p.copy_(tensors[f"param.{i}"])
            if f"exp_avg.{i}" in tensors:
                state = {name: tensors[f"{name}.{i}"].to(p.device) for name in _MOMENTS}
                optimiser.state[p] = {"step": torch.tensor(float(place.step)), **state}
    return place


def _load_best_parameters(path: Path, params: list[nn.Parameter]) -> list[torch.Tensor]:
    tensors = read_tensors(path) if path.is_file() else {}
    return [tensors.get(f"best.{i}", p.detach().clone()).to(p.device) for i, p in enumerate(params)]
