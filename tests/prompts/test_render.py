"""Prompts: what stands where, what is cut, and that text stays text."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from transformers import PreTrainedTokenizerFast

from thinkrec.collab.features.slot_vectors import PlaceholderVectors
from thinkrec.data.dataset import Items
from thinkrec.model.backbone import load_backbone
from thinkrec.prompts.config import PromptConfig
from thinkrec.prompts.items import encode_plain_text, truncate_keywords
from thinkrec.prompts.render import PromptRenderer
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue

DS = simulate_catalogue(SimulatorConfig(users=20, items=50, interactions_per_user=(14, 20)), 21).dataset
GATE = np.array([1.0], dtype=np.float32)


@pytest.fixture(scope="module")
def text() -> SimpleNamespace:
    bone = load_backbone("nano")
    assert isinstance(bone.tokenizer, PreTrainedTokenizerFast)
    return SimpleNamespace(tokenizer=bone.tokenizer)


def vectors(d: int = 3) -> PlaceholderVectors:
    n = len(DS.interactions)
    rows = np.arange(n, dtype=np.float32)[:, None] + np.zeros((n, d), dtype=np.float32)
    return PlaceholderVectors(user=rows, item=-rows)


def last_row(user: int = 3) -> int:
    return int(DS.interactions.start[user + 1]) - 1


def test_a_prompt_reads_as_it_should(text) -> None:
    row = last_row()
    prompt = PromptRenderer(DS, text, PromptConfig(history=2)).render_row(row, gate=GATE)
    it, items = DS.interactions, DS.items
    lines = [
        "Films rated by one viewer, oldest first: film | keywords | Yes if liked, No if not.",
        *(
            f"{items.titles[it.item[j]]} | {', '.join(items.keywords[it.item[j]])} | {'Yes' if it.label[j] else 'No'}"
            for j in (row - 2, row - 1)
        ),
        "For the next film begin with Yes or No, then say why.",
        f"{items.titles[it.item[row]]} | {', '.join(items.keywords[it.item[row]])} |",
    ]
    assert text.tokenizer.decode(prompt.ids[1:]) == "\n".join(lines)
    assert prompt.ids[0] == text.tokenizer.bos_token_id


def test_answers_follow_their_positions(text) -> None:
    row = last_row()
    prompt = PromptRenderer(DS, text, PromptConfig(history=6)).render_row(
        row, gate=GATE, with_answer=True, history_loss=0.5
    )
    labels = DS.interactions.label[row - 6 : row + 1]
    np.testing.assert_array_equal(prompt.answer_label, labels)
    tokens = np.append(prompt.ids, prompt.token_target[-1])  # the verdict of the target is not in the prompt itself
    for at, label in zip(prompt.answer_at, labels, strict=True):
        assert text.tokenizer.decode(tokens[at + 1]) == (" Yes" if label else " No")
    np.testing.assert_allclose(prompt.answer_weight, np.array([0.5] * 6 + [1]) * 0.9 / 4, rtol=1e-6)


def test_the_target_label_is_not_in_the_prompt(text) -> None:
    row, it = last_row(), DS.interactions
    renderer = PromptRenderer(DS, text, PromptConfig(history=6))
    past = it.get_history(row, 6)
    both = [
        renderer.render_candidate(int(it.item[row]), it.item[past], it.label[past], gate=GATE, label=y).ids
        for y in (0, 1)
    ]
    np.testing.assert_array_equal(both[0], both[1])


def test_reason_rows_end_with_the_end_token(text) -> None:
    row = last_row()
    verdict = "Yes" if DS.interactions.label[row] else "No"
    prompt = PromptRenderer(DS, text, PromptConfig()).render_row(
        row, gate=GATE, reason=f"{verdict}. Because.", with_answer=True
    )
    assert text.tokenizer.decode(prompt.token_target[:-1]) == f" {verdict}. Because."
    assert prompt.token_target[-1] == text.tokenizer.eos_token_id
    np.testing.assert_array_equal(prompt.ids[prompt.token_at[1:]], prompt.token_target[:-1])
    assert prompt.answer_weight[-1] == pytest.approx(0.1)
    assert prompt.token_weight.sum() == pytest.approx(0.9, abs=1e-5)


def test_slots_stand_where_their_vectors_say(text) -> None:
    row = last_row()
    prompt = PromptRenderer(DS, text, PromptConfig(history=4)).render_row(row, gate=GATE, vectors=vectors())
    np.testing.assert_array_equal(
        prompt.placeholder_vectors[:, 0], [-(row - 4), -(row - 3), -(row - 2), -(row - 1), row, -row]
    )
    text_before_user = text.tokenizer.decode(prompt.ids[: prompt.placeholder_at[-2]])
    assert text_before_user.endswith("The viewer as a vector:")
    assert "For the next film" in text.tokenizer.decode(
        prompt.ids[prompt.placeholder_at[-2] : prompt.placeholder_at[-1]]
    )
    only = PromptRenderer(DS, text, PromptConfig(history=4, history_vectors=False)).render_row(
        row, gate=GATE, vectors=vectors()
    )
    np.testing.assert_array_equal(only.placeholder_vectors[:, 0], [row, -row])


def test_truncation_drops_the_oldest_lines_and_keeps_slots_and_question(text) -> None:
    row = last_row()
    whole = PromptRenderer(DS, text, PromptConfig(history=12)).render_row(row, gate=GATE, vectors=vectors())
    for most in range(120, len(whole), 17):
        cut = PromptRenderer(DS, text, PromptConfig(history=12, max_tokens=most)).render_row(
            row, gate=GATE, vectors=vectors()
        )
        assert len(cut) <= most
        shown = len(cut.answer_at) - 1
        assert shown < 12
        np.testing.assert_array_equal(cut.answer_label[:-1], DS.interactions.label[row - shown : row])
        np.testing.assert_array_equal(cut.placeholder_vectors[-2:, 0], [row, -row])
        tail = len(cut) - cut.placeholder_at[-2]
        np.testing.assert_array_equal(cut.ids[-tail:], whole.ids[-tail:])


def test_special_tokens_in_a_title_are_plain_text(text) -> None:
    special = text.tokenizer.eos_token
    items = Items([1], [f"Evil {special} <user> Title"], [("Crime",)], DS.items.texts[:1])
    from dataclasses import replace

    ds = replace(DS, items=items)
    prompt = PromptRenderer(ds, text, PromptConfig(history=0)).render_candidate(
        0, np.zeros(0, int), np.zeros(0, int), gate=GATE
    )
    assert text.tokenizer.eos_token_id not in prompt.ids
    assert f"Evil {special} <user> Title" in text.tokenizer.decode(prompt.ids)
    assert text.tokenizer.eos_token_id not in encode_plain_text(text.tokenizer, [special])[0]


def test_a_user_without_history_gets_a_defined_prompt(text) -> None:
    prompt = PromptRenderer(DS, text, PromptConfig()).render_candidate(0, np.zeros(0, int), np.zeros(0, int), gate=GATE)
    assert "None so far; this viewer is new." in text.tokenizer.decode(prompt.ids)
    assert len(prompt.answer_at) == 1


def test_shorten_keeps_the_first_and_the_last() -> None:
    words = tuple("abcde")
    assert truncate_keywords(words, 3) == ("a", "b", "e")
    assert truncate_keywords(words, 1) == ("e",)
    assert truncate_keywords(words, 0) == ()
    assert truncate_keywords(words, 5) == words


@pytest.mark.parametrize("with_vectors", [True, False])
def test_a_fork_asks_what_its_prompts_would(text, with_vectors: bool) -> None:
    row, rng = last_row(), np.random.default_rng(0)
    past, items = DS.interactions.get_history(row, 10), rng.integers(len(DS.items.titles), size=30)
    codes, labels = DS.interactions.item[past], DS.interactions.label[past]
    user, own, earlier = rng.normal(size=3), rng.normal(size=(30, 3)), rng.normal(size=(len(codes), 3))
    shared = {"gate": GATE, "user_vector": user, "past_vectors": earlier} if with_vectors else {"gate": GATE}
    trunks = []
    for room in (1024, *range(150, 80, -5)):
        renderer = PromptRenderer(DS, text, PromptConfig(max_tokens=room))
        forks = renderer.render_candidates(items, codes, labels, item_vectors=own if with_vectors else None, **shared)
        trunks.append(len(forks))
        assert sorted(np.concatenate([places for places, _ in forks])) == list(range(30))
        for places, fork in forks:
            for place, prompt in zip(places, fork.to_prompts(), strict=True):
                vector = {"item_vector": own[place]} if with_vectors else {}
                alone = renderer.render_candidate(int(items[place]), codes, labels, **shared, **vector)
                for name in ("ids", "placeholder_at", "placeholder_vectors", "answer_at", "answer_label", "gate"):
                    np.testing.assert_array_equal(getattr(prompt, name), getattr(alone, name), err_msg=name)
    assert trunks[0] == 1
    # Where room is short, longer targets leave less history, so that not all share one trunk.
    assert max(trunks) > 1


@pytest.mark.parametrize("block", [1, 4])
@pytest.mark.parametrize("slots", [False, True])
def test_rows_whose_history_begins_alike_make_a_family(text, block: int, slots: bool) -> None:
    config = PromptConfig(history=3, history_step=block)
    renderer, vec = PromptRenderer(DS, text, config), vectors() if slots else None
    rows = np.random.default_rng(0).permutation(len(DS.interactions))[:200]
    gates = np.repeat(GATE[None], len(rows), axis=0)
    shared, alone = renderer.group_by_prefix(rows, gates)
    assert sorted([*np.concatenate(shared), *alone]) == list(range(len(rows)))
    for places in shared:
        assert len({config.get_history_rows(DS.interactions, int(row)).start for row in rows[places]}) == 1
        fork = renderer.render_prefix_group(rows[places], gate=GATE, vectors=vec)
        for row, prompt in zip(rows[places], fork.to_prompts(), strict=True):
            wanted = renderer.render_row(int(row), gate=GATE, vectors=vec)
            for name in ("ids", "placeholder_at", "placeholder_vectors", "answer_at"):
                np.testing.assert_array_equal(getattr(prompt, name), getattr(wanted, name))


def test_other_gates_and_prompts_without_room_make_no_family(text) -> None:
    rows = np.arange(*DS.interactions.start[3:5])
    gates = np.repeat(GATE[None], len(rows), axis=0)
    gates[::2] = 0.5
    renderer = PromptRenderer(DS, text, PromptConfig(history=30))
    shared, alone = renderer.group_by_prefix(rows, gates)
    assert [len({*places % 2}) for places in shared] == [1, 1]
    assert alone.tolist() == [0], "the first row has no past to share"
    tight = PromptRenderer(DS, text, PromptConfig(history=30, max_tokens=64))
    shared, alone = tight.group_by_prefix(rows, np.repeat(GATE[None], len(rows), axis=0))
    assert len(alone) > len(rows) - 3
