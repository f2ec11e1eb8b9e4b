"""What only the prompt of a reason has: sides in front of its lines, and fewer lines."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from pydantic import ValidationError

from thinkrec.collab.features.slot_vectors import PlaceholderVectors
from thinkrec.model.backbone import load_backbone
from thinkrec.prompts.config import PromptConfig
from thinkrec.prompts.render import PromptRenderer
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue

DS = simulate_catalogue(SimulatorConfig(users=6, items=50, interactions_per_user=(14, 20)), 21).dataset
GATE = np.array([1.0], dtype=np.float32)
PLAIN = PromptConfig(history=4, history_step=5)
SIDES = PLAIN.model_copy(update={"reason_sides": True})
ROWS = list(range(int(DS.interactions.start[2]) + 9, int(DS.interactions.start[3])))
REASON = "Yes. So it is."


@pytest.fixture(scope="module")
def text() -> SimpleNamespace:
    return SimpleNamespace(tokenizer=load_backbone("nano").tokenizer)


def lines_of(text: SimpleNamespace, prompt) -> list[str]:
    return text.tokenizer.decode(prompt.ids).splitlines()


def test_lines_of_a_reasons_prompt_open_with_their_side(text) -> None:
    plain, sides = (PromptRenderer(DS, text, config) for config in (PLAIN, SIDES))
    seen = set()
    for row in ROWS:
        np.testing.assert_array_equal(sides.render_row(row, gate=GATE).ids, plain.render_row(row, gate=GATE).ids)
        without = lines_of(text, plain.render_row(row, gate=GATE, reserve=20))
        opened = lines_of(text, sides.render_row(row, gate=GATE, reserve=20))
        labels = DS.interactions.label[PLAIN.get_history_rows(DS.interactions, row)]
        n = len(labels)
        assert opened[0] == without[0] and opened[n + 1 : -1] == without[n + 1 : -1]
        words = [("disliked: ", "liked: ")[label] for label in labels]
        assert opened[1 : n + 1] == [word + line for word, line in zip(words, without[1 : n + 1], strict=True)]
        assert opened[-1] == f"next: {without[-1]}"
        seen |= set(words)
    assert seen == {"liked: ", "disliked: "}


def test_told_labels_are_not_taught(text) -> None:
    plain, sides = (PromptRenderer(DS, text, config) for config in (PLAIN, SIDES))
    taught = {"with_answer": True, "history_loss": 1.0}
    for renderer, told in ((plain, False), (sides, True)):
        weights = renderer.render_row(ROWS[3], gate=GATE, reason=REASON, **taught).answer_weight
        assert (weights[:-1] == 0).all() == told and weights[-1] > 0
        np.testing.assert_allclose(weights.sum(), 0.1, rtol=1e-6)
        rating = renderer.render_row(ROWS[3], gate=GATE, **taught).answer_weight
        assert (rating > 0).all(), "a score's prompt tells no label in front"


@pytest.mark.parametrize("with_vectors", [False, True])
def test_training_and_asking_show_the_same(text, with_vectors: bool) -> None:
    renderer, n = PromptRenderer(DS, text, SIDES), len(DS.interactions)
    rng = np.random.default_rng(0)
    vectors = None
    if with_vectors:
        user, item = (rng.normal(size=(n, 3)).astype(np.float32) for _ in range(2))
        vectors = PlaceholderVectors(user, item)
    for row in ROWS:
        taught = renderer.render_row(row, gate=GATE, vectors=vectors, reason=REASON, with_answer=True)
        asked = renderer.render_row(row, gate=GATE, vectors=vectors, reserve=20)
        np.testing.assert_array_equal(taught.ids[: len(asked)], asked.ids)
        np.testing.assert_array_equal(taught.placeholder_at, asked.placeholder_at)
        if with_vectors:
            # A line's vector stands where the label's bar would follow: behind the item, whatever stands before it.
            bar = text.tokenizer.encode(" |", add_special_tokens=False)[0]
            assert (asked.ids[asked.placeholder_at[:-2] + 1] == bar).all()


def test_fewer_lines_in_prompts_of_reasons_alone(text) -> None:
    config = SIDES.model_copy(update={"reason_history": 2})
    renderer = PromptRenderer(DS, text, config)
    table, row = DS.interactions, ROWS[3]
    past = config.get_history_rows(table, row)
    shown = table.item[past]
    assert len(shown) > 4, "a window has more lines than `history`"
    asked = lines_of(text, renderer.render_row(row, gate=GATE, reserve=20))
    assert sum(line.startswith(("liked: ", "disliked: ")) for line in asked) == 2
    wide = lines_of(text, PromptRenderer(DS, text, SIDES).render_row(row, gate=GATE, reserve=20))
    assert asked[1:] == wide[1 + len(shown) - 2 :]
    visible = renderer.find_visible_past(shown, table.label[past], int(table.item[row]), slots=False, reserve=20)
    assert visible.tolist() == [len(shown) - 2, len(shown) - 1]
    [(_, shared)] = renderer.render_candidates(
        table.item[row : row + 1], shown, table.label[past], gate=GATE, reserve=20
    )
    np.testing.assert_array_equal(shared.to_prompts()[0].ids, renderer.render_row(row, gate=GATE, reserve=20).ids)
    assert len(renderer.find_visible_past(shown, table.label[past], 0, slots=False)) == len(shown)
    none = PromptRenderer(DS, text, config.model_copy(update={"reason_history": 0}))
    assert "None so far" in text.tokenizer.decode(none.render_row(row, gate=GATE, reserve=20).ids)


def test_sides_take_their_room(text) -> None:
    row = ROWS[3]
    whole = len(PromptRenderer(DS, text, SIDES).render_row(row, gate=GATE, reserve=20))
    for most in range(80, whole + 12):
        config = SIDES.model_copy(update={"max_tokens": most})
        assert len(PromptRenderer(DS, text, config).render_row(row, gate=GATE, reserve=20)) <= most


def test_a_template_without_words_for_sides_refuses() -> None:
    with pytest.raises(ValidationError, match="no words for reason_sides"):
        PromptConfig(template="prompt4nr", reason_sides=True)
