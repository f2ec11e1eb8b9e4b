"""Plans: their words, and the prompts in which they stand before the verdict."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from thinkrec.collab.features.slot_vectors import PlaceholderVectors
from thinkrec.errors import RecipeError
from thinkrec.model.backbone import load_backbone
from thinkrec.prompts.config import PromptConfig
from thinkrec.prompts.plan import Plan, PlanTokens, shorten_title
from thinkrec.prompts.plan_renderer import PLAN_WEIGHTS, PlanRenderer
from thinkrec.prompts.render import PromptRenderer
from thinkrec.prompts.templates.plan_first import PLAN_REQUEST
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue

DS = simulate_catalogue(SimulatorConfig(users=6, items=50, interactions_per_user=(14, 20)), 21).dataset
GATE = np.array([1.0], dtype=np.float32)
ROW = int(DS.interactions.start[3]) - 1
CONFIG = PromptConfig(history=4)
PLAN = Plan(("The Last Bishop", "Silent Echo"), ("Stolen Clock",))


@pytest.fixture(scope="module")
def text() -> SimpleNamespace:
    return SimpleNamespace(tokenizer=load_backbone("nano").tokenizer)


@pytest.fixture(scope="module")
def planner(text) -> PlanRenderer:
    return PlanRenderer(DS, text, CONFIG)


def test_the_words_of_a_plan() -> None:
    assert str(PLAN) == " for 'The Last Bishop', 'Silent Echo' | against 'Stolen Clock' |"
    assert str(Plan()) == " for nothing | against nothing |"
    assert shorten_title("Sixth Sense, The (1999)") == "Sixth Sense, The"
    assert shorten_title("2001:  A Space Odyssey") == "2001: A Space Odyssey"
    assert shorten_title("(1999)") == "(1999)", "a title that is nothing but a year keeps it"


def test_a_name_has_the_tokens_that_it_has_in_its_history_line(text, planner: PlanRenderer) -> None:
    tokens = PlanTokens(text.tokenizer)
    assert text.tokenizer.decode(tokens.encode_plan(PLAN)) == str(PLAN)
    prompt = planner.render_row(ROW, gate=GATE).ids.tolist()
    past = planner.list_visible_history(ROW, slots=False)
    assert len(past) == 4
    for item in DS.interactions.item[past]:
        name = list(tokens.encode_piece(planner.names[item]))
        assert any(prompt[i : i + len(name)] == name for i in range(len(prompt)))


def test_a_plan_first_prompt_is_the_usual_one_with_another_request(text, planner: PlanRenderer) -> None:
    usual = text.tokenizer.decode(PromptRenderer(DS, text, CONFIG).render_row(ROW, gate=GATE).ids).splitlines()
    planned = text.tokenizer.decode(planner.render_row(ROW, gate=GATE).ids).splitlines()
    assert [i for i, (a, b) in enumerate(zip(usual, planned, strict=True)) if a != b] == [len(usual) - 2]
    assert planned[-2] == PLAN_REQUEST.format(item="film").strip()


def test_the_score_is_asked_behind_the_plan(text, planner: PlanRenderer) -> None:
    prompt = planner.append_plan(planner.render_row(ROW, gate=GATE), PLAN)
    assert prompt.answer_at[-1] == len(prompt) - 1
    assert text.tokenizer.decode(prompt.ids).endswith(f" |{PLAN}")


@pytest.mark.parametrize("reason", [None, "Yes. It suits."])
def test_training_teaches_the_choices_of_the_plan_then_the_verdict(
    text, planner: PlanRenderer, reason: str | None
) -> None:
    vectors = PlaceholderVectors(*(np.full((len(DS.interactions), 3), x, dtype=np.float32) for x in (1, 2)))
    plan = planner.tokens.encode_plan(PLAN)
    is_choice = np.arange(len(plan)) % 4 == 1
    prompt = planner.render_training_row(ROW, PLAN, is_choice, gate=GATE, vectors=vectors, reason=reason)
    label = int(DS.interactions.label[ROW])
    verdict = planner.renderer.labels[label]
    prose = f". It suits.{text.tokenizer.eos_token}" if reason else ""
    written = text.tokenizer.decode([*prompt.ids, prompt.token_target[-1]])
    assert written.endswith(f" |{PLAN}{' Yes' if label else ' No'}{prose}")
    # What is taught is what stands there next, and the answer is asked where the verdict is taught.
    np.testing.assert_array_equal(prompt.token_target[:-1], prompt.ids[prompt.token_at[:-1] + 1])
    begin, n = int(prompt.token_at[0]) - 1, int(is_choice.sum())
    np.testing.assert_array_equal(prompt.token_at[:n] - begin, np.flatnonzero(is_choice))
    assert prompt.token_target[n] == verdict and prompt.token_at[n] == prompt.answer_at[-1] == begin + len(plan)
    assert len(prompt.token_at) == n + 1 + (0 if reason is None else len(planner.renderer.encode_prose(reason)))
    assert prompt.answer_label[-1] == label
    rec, think = PLAN_WEIGHTS
    assert prompt.answer_weight[-1] == rec and not prompt.answer_weight[:-1].any()
    assert prompt.token_weight.sum() == pytest.approx(think)
    share = think if reason is None else think / 2
    np.testing.assert_allclose(prompt.token_weight[: n + 1], share / (n + 1), rtol=1e-5)
    assert len(prompt.placeholder_at) == 6, "four lines, the user and the target"


def test_room_is_left_for_any_plan(text) -> None:
    long = max((shorten_title(title) for title in DS.items.titles), key=lambda t: len(text.tokenizer.encode(t)))
    small: Any = SimpleNamespace(tokenizer=text.tokenizer, max_positions=220)
    planner = PlanRenderer(DS, small, PromptConfig(history=10))
    prompt = planner.render_row(ROW, gate=GATE)
    assert len(planner.append_plan(prompt, Plan((long,) * 3, (long,) * 3))) <= 220
    shown = planner.list_visible_history(ROW, slots=False)
    assert 0 < len(shown) < 10
    assert text.tokenizer.decode(prompt.ids).count("\n") == len(shown) + 2


def test_what_only_reasons_show_stands_in_no_plan_first_prompt(text, planner: PlanRenderer) -> None:
    config = CONFIG.model_copy(update={"reason_sides": True, "reason_history": 1})
    other = PlanRenderer(DS, text, config).render_row(ROW, gate=GATE)
    np.testing.assert_array_equal(other.ids, planner.render_row(ROW, gate=GATE).ids)


def test_a_template_without_such_a_form_is_refused(text) -> None:
    with pytest.raises(RecipeError, match=r"prompt4nr has no form in which a plan comes first; use ratings-table"):
        PlanRenderer(DS, text, PromptConfig(template="prompt4nr"))
