"""Which state of a stage is kept, whatever the validation value does; and what the score option changes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from support.tiny_lm import make_prompts, make_recommender

from thinkrec.engine.recommender import Recommender
from thinkrec.errors import RecipeError
from thinkrec.io.files import read_tensors, write_json, write_tensors
from thinkrec.io.progress import Progress
from thinkrec.train import loop
from thinkrec.train.config import StageConfig
from thinkrec.train.loop import STATE, fit_stage, select_best_record, set_trainable_parameters, train_step

STAGE = StageConfig(
    train=("global",), epochs=3, lr=1e-2, warmup_steps=1, batch_tokens=4096, evals_per_epoch=1, save_steps=1
)
NAN = float("nan")


def fitted(values: Sequence[float], folder: Path, **options) -> tuple[list[dict], list[torch.Tensor], Recommender]:
    """A stage whose checks give `values`: its log, the global adapter at every check, and the recommender after it."""
    folder.mkdir(exist_ok=True)
    rec, seen, coming = make_recommender(), [], iter(values)
    params = rec.adapters.get_parameters("global")

    def check() -> dict[str, float]:
        seen.append(torch.cat([p.detach().flatten().clone() for p in params]))
        return {"auc": 0.5, "uauc": NAN, "value": next(coming)}

    log = fit_stage(
        rec,
        lambda epoch: make_prompts(epoch),
        check,
        STAGE,
        folder,
        seed=0,
        accelerator=Accelerator(),
        title="stage",
        **options,
    )
    return log, seen, rec


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        ((0.5, 0.9, 0.6, 0.7), 1),
        ((0.5, 0.6, 0.9, 0.9), 2),
        ((0.5, NAN, 0.6, NAN), 2),
        ((NAN, 0.4, 0.3, 0.2), 1),
        ((0.5, 0.1, 0.5, 0.5), 2),
        ((0.5, 0.4995, 0.499, 0.49), 1),
        ((0.9, 0.8, NAN, 0.7), 0),
        ((NAN, NAN, NAN, NAN), 3),
    ],
)
def test_the_best_defined_value_is_kept_and_the_start_only_where_it_is_better(
    values: tuple[float, ...], kept: int, tmp_path: Path
) -> None:
    log, seen, rec = fitted(values, tmp_path, check_start=True)
    after = torch.cat([p.detach().flatten() for p in rec.adapters.get_parameters("global")])
    assert len({tuple(state[:20].tolist()) for state in seen}) == 4
    assert [bool(torch.equal(after, state)) for state in seen] == [i == kept for i in range(4)]
    assert [entry["step"] for entry in log] == [0, 1, 2, 3] and select_best_record(log) is log[kept]
    assert log[0]["loss"] is None and log[1]["loss"] > 0


def test_checking_the_start_changes_no_trained_state(tmp_path: Path) -> None:
    values = (0.5, 0.6, 0.7)
    states = [fitted((0.4, *values), tmp_path / "a", check_start=True)[1][1:], fitted(values, tmp_path / "b")[1]]
    assert all(torch.equal(a, b) for a, b in zip(*states, strict=True))


def test_a_run_goes_on_from_an_undefined_value(tmp_path: Path) -> None:
    class StoppedError(Exception):
        pass

    def values():
        yield from (0.9, NAN, 0.8)
        raise StoppedError

    with pytest.raises(StoppedError):
        fitted(values(), tmp_path, check_start=True)  # type: ignore[arg-type]
    assert (tmp_path / STATE).is_file()
    log, _, rec = fitted([0.7], tmp_path, check_start=True)
    assert [entry["value"] for entry in log] == [0.9, None, 0.8, 0.7]
    whole, _, other = fitted((0.9, NAN, 0.8, 0.7), tmp_path / "whole", check_start=True)
    assert whole == log and select_best_record(log) is log[0]
    for p, q in zip(rec.adapters.get_parameters("global"), other.adapters.get_parameters("global"), strict=True):
        assert torch.equal(p, q)


def test_a_state_of_steps_on_other_rows_is_refused(tmp_path: Path) -> None:
    fitted((0.9, 0.8, 0.7), tmp_path)
    tensors = read_tensors(tmp_path / STATE)
    place = json.loads(bytes(tensors["place"].tolist()))
    assert "processes" not in place
    for processes, refused in ((1, False), (3, True)):
        content = json.dumps({**place, "processes": processes}).encode()
        tensors["place"] = torch.tensor(list(content), dtype=torch.uint8)
        write_tensors(tmp_path / STATE, tensors)
        if refused:
            with pytest.raises(RecipeError, match=r"begun by several processes of an older version.*delete"):
                fitted([], tmp_path)
        else:
            fitted([], tmp_path)


def test_no_file_holds_a_word_that_is_no_json(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"a": NAN, "b": [float("inf"), {"c": (-float("inf"), 1.5)}]})
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": None, "b": [None, {"c": [None, 1.5]}]}


@pytest.mark.parametrize("option", ["difference", "yes"])
def test_the_score_that_is_asked_for_is_the_one_that_is_trained(option, tmp_path: Path) -> None:
    rec, prompts = (
        make_recommender(),
        [
            replace(p, answer_label=np.array([i % 2], dtype=np.int8))
            for i, p in enumerate(make_prompts() + make_prompts(4)[:3])
        ],
    )
    before = torch.stack(
        [rec.compute_answer_logits(rec.pack_and_forward([p], lambda b: b.answer_at)[1])[0] for p in prompts]
    ).detach()
    config = StageConfig(train=("global", "experts"), epochs=60, lr=2e-2, warmup_steps=1, evals_per_epoch=1)

    later = count()

    def check() -> dict[str, float]:
        return {"auc": 0.5, "uauc": 0.5, "value": next(later)}

    fit_stage(
        rec,
        lambda _: prompts,
        check,
        config,
        tmp_path,
        seed=0,
        accelerator=Accelerator(),
        title="overfit",
        option=option,
    )
    logits = torch.stack(
        [rec.compute_answer_logits(rec.pack_and_forward([p], lambda b: b.answer_at)[1])[0] for p in prompts]
    ).detach()
    labels = torch.tensor([bool(p.answer_label[0]) for p in prompts])
    score = logits[:, 0] if option == "yes" else logits[:, 0] - logits[:, 1]
    assert ((score > 0) == labels).all()
    # With `yes` that threshold was learned: before, logit(Yes) alone had other signs.
    if option == "yes":
        assert ((before[:, 0] > 0) != labels).any()


def test_the_two_scores_train_different_weights(tmp_path: Path) -> None:
    states = [fitted((0.1, 0.2, 0.3), tmp_path / option, option=option)[1][-1] for option in ("difference", "yes")]
    assert not torch.allclose(states[0], states[1])


def test_a_gradient_that_is_not_finite_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    rec = make_recommender()
    params = set_trainable_parameters(rec, STAGE)
    with torch.no_grad():
        params[0].fill_(float("inf"))
    before = [p.detach().clone() for p in params]
    with pytest.raises(RecipeError, match=r"gradient of a step is not finite.*lower the stage's lr \(now 0\.01\)"):
        train_step(rec, [make_prompts()], params, torch.optim.AdamW(params), STAGE, Accelerator())
    assert all(torch.equal(p, q) for p, q in zip(params, before, strict=True))


def scaled_step(
    factor: float, scale: float | None, clip: float = 1.0
) -> tuple[list[torch.Tensor], list[torch.Tensor], float]:
    """One step with gradients scaled as float16 training does: weights before and after, and the scale after."""
    rec, accelerator, config = make_recommender(), Accelerator(), STAGE.model_copy(update={"max_grad_norm": clip})
    params = set_trainable_parameters(rec, STAGE)
    before = [p.detach().clone() for p in params]
    if scale is not None:
        accelerator.scaler = torch.amp.GradScaler("cpu", init_scale=scale)
    prompts = [replace(p, token_weight=p.token_weight * factor) for p in make_prompts()]
    # Its first step hardly depends on the gradient's size; this one does, so that clipping shows.
    train_step(rec, [prompts], params, torch.optim.SGD(params, lr=1.0), config, accelerator)
    return before, [p.detach().clone() for p in params], 0.0 if scale is None else accelerator.scaler.get_scale()


@pytest.mark.parametrize("clip", [1e-3, 1e9])
def test_scaled_gradients_are_unscaled_before_they_are_clipped(clip: float) -> None:
    _, plain, _ = scaled_step(1.0, None, clip)
    before, scaled, _ = scaled_step(1.0, 65536.0, clip)
    for p, q, r in zip(plain, scaled, before, strict=True):
        torch.testing.assert_close(p, q, rtol=1e-4, atol=1e-7)
        assert not torch.equal(q, r)


def test_a_step_whose_gradients_overflow_changes_no_weight_and_lowers_the_scale() -> None:
    before, after, scale = scaled_step(1e30, 1e38)
    assert all(torch.equal(p, q) for p, q in zip(before, after, strict=True))
    assert scale == pytest.approx(0.5e38)


def test_the_rate_counts_from_the_first_step_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[str] = []

    class Watched(Progress):
        def restart_clock(self) -> None:
            events.append("clock")

        def advance(self, *_: object) -> None:
            events.append("step")

    monkeypatch.setattr(loop, "Progress", Watched)
    fitted((0.5, 0.6, 0.7, 0.8), tmp_path, check_start=True)
    assert events == ["clock", "step", "step", "step"]
