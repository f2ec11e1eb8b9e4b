"""A split that is not in time order: prompts of train rows hold no label of a validation or test row."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from thinkrec.collab.features.slot_vectors import PlaceholderVectors
from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TEST, TRAIN, VALID
from thinkrec.model.backbone import load_backbone
from thinkrec.prompts.config import PromptConfig
from thinkrec.prompts.render import PromptRenderer
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue

PLAIN = simulate_catalogue(SimulatorConfig(users=12, items=50, interactions_per_user=(14, 20)), 21).dataset
SPLIT = np.random.default_rng(2).choice(3, size=len(PLAIN.interactions), p=(0.6, 0.2, 0.2)).astype(np.int8)
DS = replace(PLAIN, interactions=replace(PLAIN.interactions, split=SPLIT))
GATE = np.array([1.0], dtype=np.float32)


@pytest.fixture(scope="module")
def text() -> SimpleNamespace:
    bone = load_backbone("nano")
    return SimpleNamespace(tokenizer=bone.tokenizer)


def flipped(*splits: int) -> Dataset:
    it = DS.interactions
    label = np.where(np.isin(it.split, splits), 1 - it.label, it.label).astype(np.int8)
    return replace(DS, interactions=replace(it, label=label))


def test_no_held_out_label_is_shown_to_a_train_row_or_taught_by_it(text) -> None:
    config = PromptConfig(history=8)
    mine, other = (PromptRenderer(ds, text, config) for ds in (DS, flipped(VALID, TEST)))
    it = DS.interactions
    for row in it.get_split_rows(TRAIN):
        a, b = (one.render_row(int(row), gate=GATE, with_answer=True, history_loss=1.0) for one in (mine, other))
        np.testing.assert_array_equal(a.ids, b.ids)
        np.testing.assert_array_equal(a.answer_label, b.answer_label)
        seen = [j for j in range(row) if it.user[j] == it.user[row] and it.split[j] == TRAIN][-8:]
        assert a.answer_label.tolist() == [*it.label[seen], it.label[row]]
    valid = it.get_split_rows(VALID)
    same = PromptRenderer(flipped(TEST), text, config)
    for row in valid:
        np.testing.assert_array_equal(
            mine.render_row(int(row), gate=GATE).ids, same.render_row(int(row), gate=GATE).ids
        )
    assert any(len(mine.render_row(int(row), gate=GATE).answer_at) > 1 for row in valid)


@pytest.mark.parametrize("block", [1, 4])
@pytest.mark.parametrize("room", [1024, 150])
def test_a_family_shows_each_row_what_its_own_prompt_shows(text, block: int, room: int) -> None:
    """Also where there is room for the lines of some histories alone."""
    config = PromptConfig(history=3, history_step=block, max_tokens=room)
    renderer, n = PromptRenderer(DS, text, config), len(DS.interactions)
    numbers = np.arange(n, dtype=np.float32)[:, None]
    vectors, rows = PlaceholderVectors(user=numbers, item=-numbers), np.random.default_rng(0).permutation(n)
    shared, alone = renderer.group_by_prefix(rows, np.repeat(GATE[None], n, axis=0))
    assert shared and sorted([*np.concatenate(shared), *alone]) == list(range(n))
    for places in shared:
        assert len(set(DS.interactions.split[rows[places]])) == 1
        fork = renderer.render_prefix_group(rows[places], gate=GATE, vectors=vectors)
        for row, prompt in zip(rows[places], fork.to_prompts(), strict=True):
            wanted = renderer.render_row(int(row), gate=GATE, vectors=vectors)
            for name in ("ids", "placeholder_at", "placeholder_vectors", "answer_at"):
                np.testing.assert_array_equal(getattr(prompt, name), getattr(wanted, name))
