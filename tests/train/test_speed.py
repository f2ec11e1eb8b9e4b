"""The probe of speed does what runs do, and counts what it did."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from support.tiny_lm import make_backbone
from support.tiny_run import tiny_backbone

from thinkrec.model.backbone_config import BackboneConfig
from thinkrec.train import speed
from thinkrec.train.speed import PROMPT_TOKENS, PROMPTS, SpeedProbe, measure_rate, measure_speed


@pytest.fixture
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prompts that fit the positions of a tiny model."""
    monkeypatch.setattr(speed, "PROMPT_TOKENS", 40)


def test_a_backbone_is_loaded_scored_with_and_trained(wide: None, tmp_path: Path) -> None:
    result = measure_speed(BackboneConfig(source=str(tiny_backbone(tmp_path / "tiny"))), seconds=0.2, device="cpu")
    assert (result.backbone, result.dtype, result.device) == ("tiny", "float32", "cpu")
    assert min(result.loading, result.scoring, result.training) > 0


def test_training_changes_the_adapters_and_scoring_answers_with_them(wide: None, monkeypatch) -> None:
    probe = SpeedProbe(make_backbone(), "cpu")
    scores = []
    score = speed.score_prompts
    monkeypatch.setattr(speed, "score_prompts", lambda *asked: scores.append(score(*asked)))
    before = [p.detach().clone() for p in probe.params]
    assert probe.score_batch() == PROMPTS * 40
    for _ in range(3):
        assert probe.train_batch() == PROMPTS // 2 * 40
    probe.score_batch()
    assert any(not torch.equal(p, old) for p, old in zip(probe.params, before, strict=True))
    assert abs(scores[0] - scores[1]).max() > 1e-5, "what was trained is what scores"
    assert probe.recommender.adapters.clear_merged_weights(), "scored as a run scores: adapters merged"


def test_a_prompt_is_as_long_as_it_is_said_to_be() -> None:
    assert {len(prompt) for prompt in SpeedProbe(make_backbone(), "cpu").prompts} == {PROMPT_TOKENS}


def test_a_rate_is_work_by_time_without_the_first_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    now, takes = [0.0], iter([100.0, 2.0, 3.0, 4.0])

    def work() -> int:
        now[0] += next(takes)
        return 10

    monkeypatch.setattr(speed.time, "monotonic", lambda: now[0])
    assert measure_rate(work, 5.0) == 20 / 5.0
