"""A template with soft tokens: its vectors are trained in stage 1 and go on to the experts."""

from __future__ import annotations

from pathlib import Path

import torch
from support.opposite_tastes import data_set, model_values, personal, stage, teaching

from thinkrec.engine.checkpoint import load_recommender, read_recommender_config
from thinkrec.prompts.templates import get_template
from thinkrec.train import stages
from thinkrec.train.model_config import ThinkRecConfig


def test_soft_vectors_are_trained_with_the_adapter_and_handed_to_the_experts(tmp_path: Path) -> None:
    ds, template = data_set(), "prompt4nr-soft"
    config = ThinkRecConfig.model_validate(
        {
            **model_values(Path("nano")),
            "prompt": {"history": 3, "template": template},
            "global_stage": stage("global", "soft_prompt"),
            "expert_stage": stage("experts", lr=1e-3),
            "score": "yes",  # with it stage 1 never keeps the state before training
        }
    )
    for name in ("global", "experts"):
        (tmp_path / name).mkdir()
    context = teaching(ds, config)
    fresh = context.build_recommender(0).soft_prompt
    assert fresh is not None and len(fresh.weight) == get_template(template).n_soft_tokens > 0
    stages.train_global_adapter(context, tmp_path / "global")
    trained = load_recommender(tmp_path / "global").soft_prompt
    assert trained is not None and (trained.weight != fresh.weight).any(dim=1).all()
    stages.train_experts(context, tmp_path / "global", personal(ds), tmp_path / "experts")
    after = load_recommender(tmp_path / "experts").soft_prompt
    assert after is not None and torch.equal(after.weight, trained.weight)
    parts = read_recommender_config(tmp_path / "experts")["parts"]
    assert list(parts) == ["global", "experts", "soft_prompt"]


def test_a_template_of_words_has_no_soft_prompt(tmp_path: Path) -> None:
    config = ThinkRecConfig.model_validate(model_values(Path("nano")))
    assert teaching(data_set(), config).build_recommender(0).soft_prompt is None
