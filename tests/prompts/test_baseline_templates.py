"""The templates of TALLRec, CoLLM and Prompt4NR: what each shows, word by word."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from thinkrec.collab.features.slot_vectors import PlaceholderVectors
from thinkrec.model.backbone import load_backbone
from thinkrec.prompts.config import PromptConfig
from thinkrec.prompts.render import PromptRenderer
from thinkrec.prompts.segments import History
from thinkrec.prompts.templates import get_template
from thinkrec.prompts.templates.collm import COLLM
from thinkrec.prompts.templates.tallrec import TALLREC, TALLREC_KEYWORDS
from thinkrec.prompts.two_lists import TwoLists
from thinkrec.prompts.types import Prompt
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue

DS = simulate_catalogue(SimulatorConfig(users=20, items=50, interactions_per_user=(14, 20)), 21).dataset
ROW = int(DS.interactions.start[4]) - 1
GATE = np.ones(1, dtype=np.float32)
ITEMS, LABELS = DS.interactions.item[ROW - 6 : ROW], DS.interactions.label[ROW - 6 : ROW]
TARGET = DS.items.titles[DS.interactions.item[ROW]]


@pytest.fixture(scope="module")
def text() -> SimpleNamespace:
    return SimpleNamespace(tokenizer=load_backbone("nano").tokenizer)


def list_titles(label: int) -> list[str]:
    return [DS.items.titles[item] for item, own in zip(ITEMS, LABELS, strict=True) if own == label]


def describe(item: int) -> str:
    return f"{DS.items.titles[item]} | {', '.join(DS.items.keywords[item])}"


def make_vectors() -> PlaceholderVectors:
    return PlaceholderVectors(*np.random.default_rng(0).normal(size=(2, len(DS.interactions), 3)).astype(np.float32))


def make_renderer(text: SimpleNamespace, template: str, **changes) -> PromptRenderer:
    return PromptRenderer(DS, text, PromptConfig(template=template, history=6, **changes))


def read_lines(text: SimpleNamespace, prompt: Prompt) -> list[str]:
    return text.tokenizer.decode(prompt.ids[1:]).split("\n")


def test_a_recipe_finds_them_by_name() -> None:
    found = [get_template(name) for name in ("collm", "tallrec", "tallrec-keywords")]
    assert found == [COLLM, TALLREC, TALLREC_KEYWORDS] and TALLREC != TALLREC_KEYWORDS


def test_tallrec_shows_two_lists_of_titles(text) -> None:
    prompt = make_renderer(text, "tallrec").render_row(ROW, gate=GATE, with_answer=True, history_loss=0.5)
    assert 0 < len(list_titles(0)) < 6
    assert read_lines(text, prompt) == [
        "Films that one viewer liked, oldest first:",
        *list_titles(1),
        "Films that this viewer did not like, oldest first:",
        *list_titles(0),
        "Would the viewer like the next film? Begin with Yes or No.",
        f"{TARGET} |",
    ]
    assert prompt.answer_at.tolist() == [len(prompt) - 1], "headings tell the labels, so that none is taught"
    assert prompt.answer_weight.tolist() == pytest.approx([0.9])


def test_tallrec_of_one_kind_alone_leaves_the_other_list_empty(text) -> None:
    renderer, items = make_renderer(text, "tallrec"), np.array([1, 2])
    titles = [DS.items.titles[item] for item in items]
    for label, place in ((1, 1), (0, 2)):
        lines = read_lines(text, renderer.render_candidate(0, items, np.array([label] * 2), gate=GATE))
        assert lines[place : place + 2] == titles and len(lines) == 6
    empty = read_lines(text, renderer.render_candidate(0, items[:0], items[:0], gate=GATE))
    assert empty[2] == "No films so far; this viewer is new."


def test_vectors_of_two_lists_stand_behind_their_own_titles(text) -> None:
    vectors, renderer = make_vectors(), make_renderer(text, "tallrec-keywords", keywords=2, history_keywords=1)
    prompt = renderer.render_row(ROW, gate=GATE, vectors=vectors)
    past = np.arange(ROW - 6, ROW)
    in_order = [*past[LABELS == 1], *past[LABELS == 0]]
    expected = np.concatenate([vectors.item[in_order], vectors.user[[ROW]], vectors.item[[ROW]]])
    np.testing.assert_array_equal(prompt.placeholder_vectors, expected)
    for row, at in zip(in_order, prompt.placeholder_at[:-2], strict=True):
        before = text.tokenizer.decode(prompt.ids[:at]).split("\n")[-1]
        item = DS.interactions.item[row]
        assert before == f"{DS.items.titles[item]} | {DS.items.keywords[item][-1]}", "keywords are cut to the last one"


def test_two_lists_lose_their_oldest_lines_of_both(text) -> None:
    whole = make_renderer(text, "tallrec").render_row(ROW, gate=GATE)
    cut = make_renderer(text, "tallrec", max_tokens=len(whole) - 1)
    assert cut.list_visible_history(ROW, int(DS.interactions.item[ROW]), slots=False).tolist() == list(
        range(ROW - 5, ROW)
    )
    lines = read_lines(text, cut.render_row(ROW, gate=GATE))
    assert DS.items.titles[ITEMS[0]] not in lines and DS.items.titles[ITEMS[1]] in lines
    # One line more than there is room for would go over the budget.
    assert len(cut.render_row(ROW, gate=GATE)) < len(whole)


@pytest.mark.parametrize("wrong", [{"before_label": " |"}, {"liked_only": True}, {"sides": ("no: ", "yes: ")}])
def test_two_lists_say_a_label_once(wrong) -> None:
    with pytest.raises(ValueError, match="no label and no side, and both lists are shown"):
        TwoLists(**wrong)
    assert History(**wrong)


def test_collm_shows_liked_titles_and_two_vectors(text) -> None:
    renderer, vectors = make_renderer(text, "collm"), make_vectors()
    prompt = renderer.render_row(ROW, gate=GATE, vectors=vectors)
    np.testing.assert_array_equal(prompt.placeholder_vectors, np.stack([vectors.user[ROW], vectors.item[ROW]]))
    keep = np.delete(prompt.ids, prompt.placeholder_at)
    assert text.tokenizer.decode(keep[1:]).split("\n") == [
        "Films that one viewer rated highly, oldest first:",
        *list_titles(1),
        "What else is known of the viewer, as a vector:",
        "Would the viewer like the next film? Begin with Yes or No.",
        f"{TARGET} |",
    ]
    first_step = read_lines(text, renderer.render_row(ROW, gate=GATE))
    assert not any("vector" in line for line in first_step)


@pytest.mark.parametrize("template", ["prompt4nr-labelled", "prompt4nr-soft-labelled"])
def test_a_labelled_cloze_teaches_every_label_as_a_word(text, template: str) -> None:
    renderer = make_renderer(text, template)
    prompt = renderer.render_row(ROW, gate=GATE, with_answer=True, history_loss=0.5)
    words = {1: "great", 0: "poor"}
    lines = [
        f"{describe(item)}. In the opinion of the viewer it is {words[label]}"
        for item, label in zip(ITEMS, LABELS, strict=True)
    ]
    found = read_lines(text, prompt)
    assert [line for line in found if "opinion" in line][:-1] == lines
    assert found[-1] == f"{describe(DS.interactions.item[ROW])}. In the opinion of the viewer it is"
    assert prompt.answer_label.tolist() == [*LABELS, DS.interactions.label[ROW]]
    after = [text.tokenizer.decode([prompt.ids[at + 1]]) for at in prompt.answer_at[:-1]]
    assert after == [f" {words[label]}" for label in LABELS]
    assert len(prompt.soft_at) == get_template(template).n_soft_tokens == (12 if "soft" in template else 0)


def test_the_table_without_labels_shows_the_same_items_and_no_label(text) -> None:
    prompt = make_renderer(text, "ratings-table-unlabelled").render_row(
        ROW, gate=GATE, with_answer=True, history_loss=0.5
    )
    assert read_lines(text, prompt)[1:7] == [describe(item) for item in ITEMS]
    assert "Yes if liked" not in text.tokenizer.decode(prompt.ids)
    assert prompt.answer_at.tolist() == [len(prompt) - 1]
    flipped = make_renderer(text, "ratings-table-unlabelled")
    item = int(DS.interactions.item[ROW])
    for labels in (LABELS, 1 - LABELS):
        np.testing.assert_array_equal(flipped.render_candidate(item, ITEMS, labels, gate=GATE).ids, prompt.ids)
