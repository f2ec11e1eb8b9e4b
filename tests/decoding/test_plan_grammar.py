"""The form of a plan: every way through it is a plan, and nothing else is allowed."""

from __future__ import annotations

import numpy as np
import pytest

from thinkrec.decoding.plan_grammar import PlanGrammar, mark_choices
from thinkrec.model.backbone import load_backbone
from thinkrec.prompts.plan import MAX_NAMES, Plan, PlanTokens

LIKED = ("The Iron Well", "The Iron Well of Quill Hill", "Iron", "Stolen Clock")
DISLIKED = ("The Raven", "Stolen Clock")


@pytest.fixture(scope="module")
def tokens() -> PlanTokens:
    return PlanTokens(load_backbone("nano").tokenizer)


def write_plan(grammar: PlanGrammar, rng: np.random.Generator) -> list[int]:
    """Any plan that the grammar allows."""
    ids: list[int] = []
    while not grammar.is_complete(ids):
        allowed = grammar.allowed_token_ids(ids)
        assert len(allowed) and (np.diff(allowed) > 0).all()
        ids.append(int(rng.choice(allowed)))
    return ids


def test_every_way_through_is_a_plan_of_these_names(tokens: PlanTokens) -> None:
    rng, plans = np.random.default_rng(0), set()
    for _ in range(400):
        grammar = PlanGrammar(tokens, LIKED, DISLIKED)
        ids = write_plan(grammar, rng)
        plan = grammar.plan
        assert plan is not None
        assert ids == tokens.encode_plan(plan).tolist(), "what is written is what the plan says"
        assert set(plan.supporting) <= set(LIKED) and set(plan.opposing) <= set(DISLIKED)
        for names in (plan.supporting, plan.opposing):
            assert len(set(names)) == len(names) <= MAX_NAMES
        assert len(grammar.allowed_token_ids(ids)) == 0
        plans.add(plan)
    assert {name for plan in plans for name in plan.supporting} == set(LIKED)
    assert {len(plan.supporting) for plan in plans} == {0, 1, 2, 3}
    assert {len(plan.opposing) for plan in plans} == {0, 1, 2}


@pytest.mark.parametrize("plan", [Plan(LIKED[:3], DISLIKED), Plan((LIKED[1], LIKED[0]), ()), Plan((), DISLIKED[1:])])
def test_a_plan_of_these_names_is_allowed(tokens: PlanTokens, plan: Plan) -> None:
    grammar, ids = PlanGrammar(tokens, LIKED, DISLIKED), tokens.encode_plan(plan).tolist()
    for n, token in enumerate(ids):
        assert not grammar.is_complete(ids[:n])
        assert grammar.is_allowed(ids[:n], token)
    assert grammar.is_complete(ids) and grammar.plan == plan
    assert grammar.count_accepted(ids) == len(ids)


def test_without_a_history_there_is_one_plan(tokens: PlanTokens) -> None:
    grammar = PlanGrammar(tokens, (), ())
    write_plan(grammar, np.random.default_rng(0))
    assert grammar.plan == Plan()


def test_a_name_on_the_wrong_side_and_a_repeated_one_cannot_be_written(tokens: PlanTokens) -> None:
    wrong = [Plan(("The Raven",), ()), Plan(("Iron", "Iron"), ()), Plan((*LIKED,), ()), Plan(("The Well",), ())]
    for plan in wrong:
        with pytest.raises(ValueError, match=r"token \d+ cannot stand at place \d+ of this plan"):
            PlanGrammar(tokens, LIKED, DISLIKED).is_complete(tokens.encode_plan(plan).tolist())


def test_nothing_follows_a_complete_plan(tokens: PlanTokens) -> None:
    ids = tokens.encode_plan(Plan()).tolist()
    with pytest.raises(ValueError, match="goes on behind its end"):
        PlanGrammar(tokens, LIKED, DISLIKED).is_complete([*ids, ids[0]])


def test_choices_are_the_tokens_that_the_form_leaves_open(tokens: PlanTokens) -> None:
    plan = Plan(("Stolen Clock",), ())
    names = [tokens.encode_piece(name) for name in ("Stolen Clock", "Iron")]
    assert names[0][0] != names[1][0]
    marks = mark_choices(tokens, plan, ("Stolen Clock", "Iron"), ("The Raven",))
    opened = [i for i, mark in enumerate(marks) if mark]
    ids = tokens.encode_plan(plan).tolist()
    quote, first = ids.index(tokens.encode_piece(" '")[0]), ids.index(names[0][0])
    close = len(ids) - 1 - ids[::-1].index(tokens.encode_piece("'")[0])
    nothing = ids.index(tokens.encode_piece(" nothing")[0])
    assert opened == [quote, first, close + 1, nothing]
    assert not mark_choices(tokens, Plan(), (), ()).any()
