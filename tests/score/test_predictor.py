"""Scores of rows, whether their prompts share a history or not."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from thinkrec.data.query import Query
from thinkrec.engine.capabilities import detect_capabilities
from thinkrec.engine.packing import pack_shared_prefix
from thinkrec.engine.recommender import Recommender
from thinkrec.model.adapters import attach_adapters
from thinkrec.model.backbone import load_backbone
from thinkrec.model.lora import MultiLoRAConfig
from thinkrec.prompts.config import PromptConfig
from thinkrec.score.predictor import Predictor
from thinkrec.score.ranker import score_prompts
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue

DS = simulate_catalogue(SimulatorConfig(users=12, items=60, interactions_per_user=(14, 20)), 5).dataset


@pytest.fixture(scope="module")
def recommender() -> Recommender:
    bone = load_backbone("nano")
    made = Recommender(bone, attach_adapters(bone.model, MultiLoRAConfig(rank=2, n_experts=0)))
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in made.adapters.get_parameters("global"):
            parameter.normal_(std=0.05)
    made.capabilities = detect_capabilities(made)
    return made.freeze_for_inference()


@pytest.mark.parametrize(("history", "block"), [(4, 1), (4, 6), (0, 1), (30, 1)])
def test_rows_that_share_a_history_score_as_alone(recommender, history: int, block: int, monkeypatch) -> None:
    system = Predictor(DS, recommender, PromptConfig(history=history, history_step=block))
    rows = np.random.default_rng(1).permutation(len(DS.interactions))[:90]
    packs: list[int] = []
    monkeypatch.setattr(
        "thinkrec.score.ranker.pack_shared_prefix",
        lambda forks, kept: packs.append(len(forks)) or pack_shared_prefix(forks, kept),
    )
    found = system.score(rows)
    prompts = system.render_prompts(rows)
    wanted = score_prompts(recommender, prompts.__getitem__, len(rows))
    assert np.std(wanted) > 0.1
    np.testing.assert_allclose(found, wanted, atol=1e-4)
    assert bool(packs) == (history > 0)


def test_a_window_in_blocks_shows_what_it_says(recommender) -> None:
    config = PromptConfig(history=4, history_step=6)
    it = DS.interactions
    first, end = (int(it.start[k]) for k in (2, 3))
    shown = [config.get_history_rows(it, row) for row in range(first, end)]
    assert [past.stop for past in shown] == list(range(first, end))
    assert [past.start - first for past in shown][:14] == [0] * 10 + [6] * 4
    assert max(past.stop - past.start for past in shown) == 9
    exact = config.model_copy(update={"history_step": 1})
    assert [exact.get_history_rows(it, row) for row in range(first, end)] == [
        slice(max(first, row - 4), row) for row in range(first, end)
    ]


@pytest.mark.parametrize("template", ["ratings-table", "prompt4nr"])
def test_a_querys_visible_past_is_what_its_prompt_shows(recommender, template: str) -> None:
    """A template that shows liked titles alone leaves the others out of citations and explanations too."""
    predictor = Predictor(DS, recommender, PromptConfig(history=6, template=template))
    table = DS.interactions
    for row in range(5, len(table), 37):
        query = Query.from_row(DS, row)
        visible = predictor.find_visible_past(query, int(table.item[row]))
        shown = predictor.renderer.list_visible_history(row, int(table.item[row]), slots=False)
        assert query.items[visible].tolist() == table.item[shown].tolist()
        assert query.labels[visible].tolist() == table.label[shown].tolist()
        assert template == "ratings-table" or query.labels[visible].all()
        allowed = predictor.find_allowed_titles(query, int(table.item[row]))
        assert len(allowed) <= len(visible) + 1
