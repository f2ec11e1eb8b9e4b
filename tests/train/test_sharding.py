"""A backbone spread over two processes trains and scores as a whole one; what is saved moves between both."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from support.tiny_lm import make_prompt, make_recommender

import thinkrec
from thinkrec.engine.recommender import Recommender
from thinkrec.errors import RecipeError
from thinkrec.io.processes import compute_shares
from thinkrec.prompts.types import Prompt
from thinkrec.score.ranker import score_prompts
from thinkrec.train import sharding
from thinkrec.train.config import StageConfig
from thinkrec.train.loop import fit_stage
from thinkrec.train.sharding import count_backbone_bytes, fill_empty_share, is_sharded, move_recommender

STAGE = StageConfig(
    train=("global", "projector"), lr=1e-3, warmup_steps=1, batch_tokens=64, epochs=2, save_steps=2, evals_per_epoch=3
)
ROWS = np.arange(7)


class InterruptedRunError(Exception):
    """A run that is stopped."""


def make_prompts() -> list[Prompt]:
    """Long ones and short ones: some batches hold one prompt, so that the share of a process is empty."""
    rng = np.random.default_rng(0)
    return [make_prompt(rng, t, (1, 0, 0)) for t in (40, 9, 40, 17, 12, 40, 9)]


def fit(recommender: Recommender, folder: Path, accelerator: Accelerator, most_checks: int = 99) -> dict[str, Any]:
    """Train, at most up to a check; the log, the weights, what is held, and scores of shares with unequal batches."""
    prompts, checks = make_prompts(), []

    def score(rows: np.ndarray) -> np.ndarray:
        return score_prompts(recommender, lambda i: prompts[rows[i]], len(rows), batch_tokens=64)

    def check() -> dict[str, float]:
        with recommender.inference_mode():
            scores = compute_shares(ROWS, score)
        checks.append(scores)
        if len(checks) > most_checks:
            raise InterruptedRunError
        return {"auc": 0.5, "uauc": 0.5, "value": float(scores.mean())}

    folder.mkdir(exist_ok=True)
    options = {"seed": 1, "accelerator": accelerator, "title": "test"}
    try:
        log = fit_stage(recommender, lambda epoch: prompts, check, STAGE, folder, **options)
    except InterruptedRunError:
        return {}
    state = torch.cat([p.detach().flatten() for p in recommender.adapters.get_parameters("global")])
    held, whole = count_backbone_bytes(recommender)
    scores = checks[-1].tolist()
    return {"log": log, "state": state.tolist(), "held": held, "whole": whole, "scores": scores}


def work(folder: Path) -> None:
    """What each of two processes does: trains, is stopped, and goes on with what a process alone has begun."""
    from thinkrec.io.processes import make_accelerator

    accelerator, results = make_accelerator("cpu"), {}
    for name, most in (("spread", 99), ("stopped", 2), ("begun-alone", 99)):
        recommender = move_recommender(make_recommender(n=2), accelerator, "full")
        assert is_sharded(recommender)
        results[name] = fit(recommender, folder / name, accelerator, most)
    (folder / f"results-{accelerator.process_index}.json").write_text(json.dumps(results))


def assert_same(mine: dict[str, Any], theirs: dict[str, Any]) -> None:
    assert len(mine["log"]) == len(theirs["log"]) == 6
    for one, other in zip(mine["log"], theirs["log"], strict=True):
        assert one == pytest.approx(other, abs=1e-5)
    np.testing.assert_allclose(mine["state"], theirs["state"], atol=1e-4)
    np.testing.assert_allclose(mine["scores"], theirs["scores"], atol=1e-4)


def test_two_processes_with_half_of_the_layers_each_train_what_one_trains(tmp_path: Path) -> None:
    alone = Accelerator(cpu=True)
    whole = fit(make_recommender(n=2), tmp_path / "alone", alone)
    assert len({entry["loss"] for entry in whole["log"]}) == 6 and whole["held"] == whole["whole"]
    assert fit(make_recommender(n=2), tmp_path / "begun-alone", alone, 2) == {}
    tests, source = Path(__file__).parents[1], Path(thinkrec.__file__).parents[1]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    environment["PYTHONPATH"] = os.pathsep.join(map(str, (source, tests, Path(__file__).parent)))
    launcher = ("-m", "torch.distributed.run", "--nproc_per_node", "2", "--standalone")
    done = subprocess.run(
        [sys.executable, *launcher, str(Path(__file__)), str(tmp_path)],
        capture_output=True,
        text=True,
        env=environment,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    for rank in (0, 1):
        results = json.loads((tmp_path / f"results-{rank}.json").read_text())
        assert results["stopped"] == {}
        assert_same(results["spread"], whole)
        assert_same(results["begun-alone"], whole)
        assert results["spread"]["whole"] == whole["whole"]
        assert results["spread"]["held"] == pytest.approx(whole["whole"] / 2, rel=0.02)
    assert_same(fit(make_recommender(n=2), tmp_path / "stopped", alone), whole)


def test_a_process_without_rows_computes_one_that_counts_nothing() -> None:
    first, second, third = make_prompts()[:3]
    assert fill_empty_share([[first], [second]], 1) == ([second], 1.0)
    assert fill_empty_share([[first, second, third], []], 1) == ([second], 0.0)


def test_one_process_holds_all_and_the_main_one_inside_its_own_work_too(monkeypatch: pytest.MonkeyPatch) -> None:
    recommender = make_recommender(n=2)
    with pytest.warns(UserWarning, match=r"--sharding full .* there is one"):
        assert not is_sharded(move_recommender(recommender, Accelerator(cpu=True), "full"))
    monkeypatch.setattr(sharding, "is_inside_main", lambda: True)
    several: Any = SimpleNamespace(num_processes=2, device=torch.device("meta"))
    assert move_recommender(recommender, several, "full").device.type == "cpu"
    assert recommender.capabilities.shared_prefix


def test_weights_in_fewer_bits_are_refused() -> None:
    recommender = make_recommender(n=2)
    config = recommender.backbone.config.model_copy(update={"bits": 4})
    recommender.backbone = replace(recommender.backbone, config=config)
    with pytest.raises(RecipeError, match=r"4 bits cannot be spread.*--sharding"):
        sharding.spread_backbone(recommender, torch.device("cpu"))


if __name__ == "__main__":
    work(Path(sys.argv[1]))
