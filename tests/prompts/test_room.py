"""Where vectors stand, and how many history lines a prompt has room for."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from thinkrec.collab.features.slot_vectors import PlaceholderVectors
from thinkrec.model.backbone import load_backbone
from thinkrec.prompts.config import PromptConfig
from thinkrec.prompts.render import PromptRenderer
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue

DS = simulate_catalogue(SimulatorConfig(users=6, items=50, interactions_per_user=(14, 20)), 21).dataset
GATE = np.array([1.0], dtype=np.float32)
ROW = int(DS.interactions.start[3]) - 1


@pytest.fixture(scope="module")
def text() -> SimpleNamespace:
    bone = load_backbone("nano")
    return SimpleNamespace(tokenizer=bone.tokenizer)


def test_vectors_replace_tokens_of_their_own_and_no_word(text) -> None:
    n, own = len(DS.interactions), text.tokenizer.eos_token_id
    vectors = PlaceholderVectors(np.zeros((n, 2), dtype=np.float32), np.ones((n, 2), dtype=np.float32))
    for config in (PromptConfig(history=4), PromptConfig(history=4, history_vectors=False), PromptConfig(history=0)):
        with_vectors = PromptRenderer(DS, text, config).render_row(ROW, gate=GATE, vectors=vectors)
        without = PromptRenderer(DS, text, config).render_row(ROW, gate=GATE)
        np.testing.assert_array_equal(np.flatnonzero(with_vectors.ids == own), with_vectors.placeholder_at)
        words = text.tokenizer.decode(np.delete(with_vectors.ids, with_vectors.placeholder_at))
        assert words.replace("The viewer as a vector:\n", "") == text.tokenizer.decode(without.ids)
        # An item's vector stands behind its words and before its bar.
        for at in with_vectors.placeholder_at[[-1]]:
            assert text.tokenizer.decode(with_vectors.ids[at + 1 : at + 2]) == " |"


def test_as_many_of_the_newest_lines_are_shown_as_there_is_room_for(text) -> None:
    titles = [title + " and so on" * 8 * (i % 3 == 0) for i, title in enumerate(DS.items.titles)]
    ds = replace(DS, items=replace(DS.items, titles=titles))
    whole = {k: len(PromptRenderer(ds, text, PromptConfig(history=k)).render_row(ROW, gate=GATE)) for k in range(13)}
    lengths = np.diff([whole[k] for k in range(1, 13)])
    assert lengths.max() > 2 * lengths.min()
    # Room is kept for the line that stands where there is no history.
    spare = len(text.tokenizer("None so far; this viewer is new.\n", add_special_tokens=False)["input_ids"])
    for most in range(whole[1] + spare, whole[12], 5):
        cut = PromptRenderer(ds, text, PromptConfig(history=12, max_tokens=most)).render_row(ROW, gate=GATE)
        shown = len(cut.answer_at) - 1
        assert len(cut) == whole[shown] <= most
        assert whole[shown + 1] + spare > most, "one more would have fitted"
