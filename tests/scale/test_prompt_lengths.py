"""Prompts are as long as those that are scored."""

from __future__ import annotations

import numpy as np

from thinkrec.data.query import Query
from thinkrec.model.backbone import load_backbone
from thinkrec.prompts.config import PromptConfig
from thinkrec.prompts.render import PromptRenderer
from thinkrec.scale.prompt_lengths import measure_prompt_lengths
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue

DS = simulate_catalogue(SimulatorConfig(users=12, items=30, interactions_per_user=(6, 12)), 1).dataset


def test_prefix_and_suffix_make_up_the_prompts_of_all_users() -> None:
    backbone, prompt = load_backbone("nano"), PromptConfig(history=4)
    lengths, asked = measure_prompt_lengths(DS, backbone, prompt, slots=False, users=100, seed=0)
    assert asked == DS.interactions.n_users
    renderer, totals = PromptRenderer(DS, backbone, prompt), []
    for user in range(asked):
        query = Query.from_dataset(DS, user)
        window = query.find_window(prompt.history)
        for item in range(len(DS.items)):
            drawn = renderer.render_candidate(
                item, query.items[window], query.labels[window], gate=np.ones(1, dtype=np.float32)
            )
            totals.append(len(drawn))
    assert abs(lengths.prefix + lengths.suffix - np.mean(totals)) < 1e-9
    with_slots, _ = measure_prompt_lengths(DS, backbone, prompt, slots=True, users=100, seed=0)
    assert with_slots.prefix > lengths.prefix and with_slots.suffix > lengths.suffix
