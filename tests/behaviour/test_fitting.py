"""`fit_stage` does what its docstring says: it learns, keeps the best state, and follows its schedule."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from support.tiny_lm import make_prompt, make_recommender

from thinkrec.engine.recommender import Recommender
from thinkrec.evaluate.metrics.ranking import compute_auc
from thinkrec.io.files import read_tensors
from thinkrec.prompts.types import Prompt
from thinkrec.score.ranker import score_prompts
from thinkrec.train.config import StageConfig
from thinkrec.train.loop import STATE, fit_stage, set_trainable_parameters

GLOBAL, FIRST, SECOND = (1, 0, 0), (0, 1, 0), (0, 0, 1)


def prompts(n: int, gates: tuple[tuple[float, ...], ...] = (GLOBAL,)) -> list[Prompt]:
    """`n` prompts of random tokens, half of them with the answer Yes, with `gates` in turn."""
    rng = np.random.default_rng(0)
    made = []
    for i in range(n):
        prompt = make_prompt(rng, 10, gates[i % len(gates)])
        prompt.answer_label[:] = (i // len(gates)) % 2
        prompt.token_weight[:] = 0
        made.append(prompt)
    return made


def fit(
    recommender: Recommender,
    taught: list[Prompt],
    folder: Path,
    config: StageConfig,
    check: Callable[[], dict[str, float]] | None = None,
) -> list[dict]:
    """Train on the same prompts in every pass."""
    rising = iter(range(10**6))
    return fit_stage(
        recommender,
        lambda epoch: taught,
        check or (lambda: steady(float(next(rising)))),
        config,
        folder,
        seed=1,
        accelerator=Accelerator(cpu=True),
        title="test",
    )


def steady(value: float) -> dict[str, float]:
    return {"auc": value, "uauc": value, "value": value}


def stage(*parts: str, **changes) -> StageConfig:
    options = {"lr": 1e-2, "warmup_steps": 2, "weight_decay": 0.0, "evals_per_epoch": 1, **changes}
    return StageConfig.model_validate({"train": parts, **options})


def states(recommender: Recommender, config: StageConfig) -> list[torch.Tensor]:
    return [p.detach().clone() for p in set_trainable_parameters(recommender, config)]


def equal(one: list[torch.Tensor], other: list[torch.Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("part", ["global", "projector"])
def test_eight_prompts_are_learned_by_heart(part: str, tmp_path: Path) -> None:
    recommender, taught = make_recommender(n=2), prompts(8)
    log = fit(recommender, taught, tmp_path, stage(part, epochs=60))
    losses = [entry["loss"] for entry in log]
    assert losses[0] > 0.2
    assert losses[-1] < losses[0] / 10
    scores = score_prompts(recommender, taught.__getitem__, 8)
    assert compute_auc(np.array([p.answer_label[-1] for p in taught]), scores) == 1.0


def test_each_expert_learns_its_own_answers_and_the_global_adapter_is_left_alone(tmp_path: Path) -> None:
    recommender = make_recommender(n=2)
    twins = prompts(8, (FIRST, SECOND))
    for first, second in zip(twins[::2], twins[1::2], strict=True):
        for name in ("ids", "placeholder_at", "placeholder_vectors", "answer_at", "token_at", "token_target"):
            object.__setattr__(second, name, getattr(first, name))
        second.answer_label[:] = 1 - first.answer_label
    before = [p.detach().clone() for p in recommender.adapters.get_parameters("global")]
    fit(recommender, twins, tmp_path, stage("experts", epochs=60))
    scores = score_prompts(recommender, twins.__getitem__, len(twins))
    labels = np.array([p.answer_label[-1] for p in twins])
    for expert in (0, 1):
        assert compute_auc(labels[expert::2], scores[expert::2]) == 1.0
    assert equal(before, list(recommender.adapters.get_parameters("global")))


@pytest.mark.parametrize(
    "values",
    [(0.9, 0.1, 0.2, 0.3), (0.1, 0.9, 0.3, 0.2), (0.1, 0.2, 0.3, 0.9), (0.5,) * 4],
    ids=["first", "second", "last", "equal: first"],
)
def test_the_best_state_is_put_back(values: tuple[float, ...], tmp_path: Path) -> None:
    recommender, config = make_recommender(n=2), stage("global", epochs=4)
    seen: list[list[torch.Tensor]] = []

    def check() -> dict[str, float]:
        seen.append(states(recommender, config))
        return steady(values[len(seen) - 1])

    log = fit(recommender, prompts(8), tmp_path, config, check)
    assert [entry["value"] for entry in log] == list(values)
    assert not any(equal(seen[i], seen[i + 1]) for i in range(3))
    assert [equal(states(recommender, config), state) for state in seen] == [i == np.argmax(values) for i in range(4)]


def schedule(step: int, total: int, warm: int, peak: float) -> float:
    """Linear up to the peak in `warm` steps, then half a cosine down to 0 at step `total`."""
    if step < warm:
        return peak * (step + 1) / warm
    return peak * (1 + math.cos(math.pi * (step - warm) / (total - warm))) / 2


def test_the_learning_rate_warms_up_and_falls_in_the_log_and_in_the_steps(tmp_path: Path) -> None:
    recommender, config = make_recommender(n=2, dim=0), stage("global", lr=1e-3, warmup_steps=4, epochs=40)
    seen = [states(recommender, config)]

    def check() -> dict[str, float]:
        seen.append(states(recommender, config))
        return steady(0.5)

    flat = [drop_slots(prompt) for prompt in prompts(8)]
    rates = [entry["lr"] for entry in fit(recommender, flat, tmp_path, config, check)]
    assert rates == pytest.approx([schedule(step, 40, 4, 1e-3) for step in range(40)])
    assert rates[:4] == pytest.approx([0.25e-3, 0.5e-3, 0.75e-3, 1e-3])
    assert rates[22] == pytest.approx(0.5e-3)  # halfway down
    moved = [max(float((b - a).abs().max()) for a, b in zip(x, y, strict=True)) for x, y in pairwise(seen)]
    # Adam's first step moves a weight by the learning rate; no step by more than 1 / sqrt(1 - .999) * .1 of it.
    assert moved[0] == pytest.approx(rates[0], rel=1e-2)
    assert moved[-1] < 3.2 * rates[-1] < rates[4] / 20
    assert max(moved) > rates[4] / 2


def drop_slots(prompt: Prompt) -> Prompt:
    return replace(prompt, placeholder_at=prompt.placeholder_at[:0], placeholder_vectors=prompt.placeholder_vectors[:0])


def test_only_the_named_parts_learn(tmp_path: Path) -> None:
    for part in ("global", "experts", "projector"):
        recommender = make_recommender(n=2)
        assert recommender.projector is not None
        parts = {
            "global": recommender.adapters.get_parameters("global"),
            "experts": recommender.adapters.get_parameters("experts"),
            "projector": list(recommender.projector.parameters()),
        }
        before = {name: [p.detach().clone() for p in those] for name, those in parts.items()}
        frozen = [p.detach().clone() for p in recommender.model.parameters()]
        (tmp_path / part).mkdir()
        fit(recommender, prompts(8, ((0.4, 0.3, 0.3),)), tmp_path / part, stage(part))
        assert {name for name, those in parts.items() if not equal(before[name], those)} == {part}
        own = {id(p) for p in parts["global"] + parts["experts"]}
        rest = [(a, b) for a, b in zip(frozen, recommender.model.parameters(), strict=True) if id(b) not in own]
        assert len(rest) > 10
        assert equal([a for a, _ in rest], [b for _, b in rest])


class StoppedError(Exception):
    """Stands for a kill."""


@pytest.mark.parametrize("at", [1, 3, 5])
def test_a_stage_that_was_stopped_ends_as_an_unbroken_one(at: int, tmp_path: Path) -> None:
    # Six steps; the best state is that after the second, so one stop falls before it and two behind it.
    values, config = (
        (0.1, 0.9, 0.3, 0.2, 0.4, 0.5),
        stage("global", epochs=6, save_steps=1, warmup_steps=1, weight_decay=0.1),
    )
    taught = [drop_slots(prompt) for prompt in prompts(8)]

    def run(folder: Path, stop: int | None) -> tuple[list[dict], list[torch.Tensor]]:
        recommender = make_recommender(n=2, dim=0, dropout=0.2)
        given = iter(values[len(json_log(folder)) :])
        count = 0

        def check() -> dict[str, float]:
            nonlocal count
            count += 1
            if stop is not None and count > stop:
                raise StoppedError
            return steady(next(given))

        log = fit(recommender, taught, folder, config, check)
        return log, states(recommender, config)

    (tmp_path / "unbroken").mkdir()
    (tmp_path / "stopped").mkdir()
    unbroken = run(tmp_path / "unbroken", None)
    with pytest.raises(StoppedError):
        run(tmp_path / "stopped", at)
    assert len(json_log(tmp_path / "stopped")) == at
    again = run(tmp_path / "stopped", None)
    assert again[0] == unbroken[0]
    assert equal(again[1], unbroken[1])
    assert [entry["step"] for entry in again[0]] == [1, 2, 3, 4, 5, 6]


def json_log(folder: Path) -> list[dict]:
    """The log of what a stage has saved so far."""
    path = folder / STATE
    return json.loads(bytes(read_tensors(path)["place"].tolist()))["log"] if path.is_file() else []


def test_gradients_are_clipped_and_weights_decay(tmp_path: Path, monkeypatch) -> None:
    norms: list[float] = []
    step = torch.optim.AdamW.step

    def watched(self, *rest, **options):
        norms.append(math.sqrt(sum(float(p.grad.square().sum()) for g in self.param_groups for p in g["params"])))
        return step(self, *rest, **options)

    monkeypatch.setattr(torch.optim.AdamW, "step", watched)
    for clip in (1e6, 0.05):
        (tmp_path / str(clip)).mkdir()
        fit(make_recommender(n=2), prompts(8), tmp_path / str(clip), stage("global", max_grad_norm=clip, epochs=3))
    assert min(norms[:3]) > 0.06
    assert max(norms[3:]) == pytest.approx(0.05, rel=1e-3)
    sizes = []
    for decay in (0.0, 20.0):
        (tmp_path / f"decay-{decay}").mkdir()
        recommender, config = make_recommender(n=2), stage("global", weight_decay=decay, epochs=5)
        fit(recommender, prompts(8), tmp_path / f"decay-{decay}", config)
        sizes.append(sum(float(p.square().sum()) for p in states(recommender, config)))
    assert sizes[1] < 0.5 * sizes[0]


def test_every_pass_is_checked_as_often_as_asked(tmp_path: Path) -> None:
    # Prompts of ten tokens and batches of twenty: four steps a pass.
    config = stage("global", epochs=3, evals_per_epoch=2, batch_tokens=64)
    many = prompts(24)
    log = fit(make_recommender(n=2), many, tmp_path, config)
    assert [entry["step"] for entry in log] == [2, 4, 6, 8, 10, 12]


def test_training_has_dropout_and_checks_have_none(tmp_path: Path) -> None:
    recommender, seen = make_recommender(n=2, dropout=0.5), []
    layers = list(recommender.adapters.layers.values())
    layers[0].dropout.register_forward_hook(lambda module, given, out: seen.append(not torch.equal(given[0], out)))
    modes = []

    def check() -> dict[str, float]:
        modes.append(any(module.training for module in recommender.model.modules()))
        return steady(0.5)

    fit(recommender, prompts(8), tmp_path, stage("global", epochs=2), check)
    assert any(seen)
    assert modes == [False, False]
    assert not any(module.training for module in recommender.model.modules())
