"""Plans from reasons, rules and chance."""

from __future__ import annotations

import numpy as np
import pytest

from thinkrec.claims.citations import Catalogue
from thinkrec.prompts.plan import Plan, shorten_title
from thinkrec.score.plans import (
    build_plan,
    draw_random_plan,
    extract_plan,
    make_rule_plan,
    mark_named_lines,
    split_names,
)
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue
from thinkrec.teacher.rule_reasons import argue_row, weigh_evidence

TITLES = ["Heat (1995)", "Babe (1995)", "Speed (1994)", "Fargo (1996)", "Alien (1979)", "Clue (1985)"]
NAMES = [shorten_title(title) for title in TITLES]
LABELS = np.array([0, 1, 0, 1, 1, 1], dtype=np.int8)
CATALOGUE = Catalogue([*TITLES, "Jaws (1975)", "Big (1988)"])
DS = simulate_catalogue(SimulatorConfig(users=12, items=60, interactions_per_user=(14, 20)), 5).dataset


def test_a_reasons_titles_stand_on_the_side_of_their_labels() -> None:
    reason = "Yes. The viewer liked 'Fargo', 'Heat' and 'Babe', and 'Jaws' is like 'Fargo'. 'Big' is not."
    assert extract_plan(reason, TITLES, LABELS, "Jaws (1975)", CATALOGUE) == Plan(("Fargo", "Babe"), ("Heat",))
    assert extract_plan("No. It is long.", TITLES, LABELS, "Jaws (1975)", CATALOGUE) == Plan()


def test_a_side_has_three_names_and_each_once() -> None:
    assert build_plan(NAMES, LABELS, [5, 4, 1, 3, 0]) == Plan(("Clue", "Alien", "Babe"), ("Heat",))
    assert build_plan(["Heat", "Heat"], np.array([1, 1]), [0, 1]) == Plan(("Heat",), ())
    assert split_names(NAMES, LABELS) == (("Babe", "Fargo", "Alien", "Clue"), ("Heat", "Speed"))


def test_every_reason_of_the_rules_gives_the_plan_that_it_argues_by() -> None:
    catalogue, table = Catalogue(DS.items.titles), DS.interactions
    some = 0
    for row in range(10, len(table), 7):
        past = table.get_history_rows(row, 10)
        text = argue_row(DS, row, 10, np.random.default_rng(row)).text
        titles = [DS.items.titles[item] for item in table.item[past]]
        plan = extract_plan(text, titles, table.label[past], DS.items.titles[table.item[row]], catalogue)
        for name in (*plan.supporting, *plan.opposing):
            assert f"'{name}'" in text
        liked, disliked = split_names([shorten_title(title) for title in titles], table.label[past])
        assert set(plan.supporting) <= set(liked) and set(plan.opposing) <= set(disliked)
        some += bool(plan.supporting) + bool(plan.opposing)
    assert some > 20


def test_the_rules_plan_names_the_strongest_evidence_and_knows_no_label_of_the_row() -> None:
    table = DS.interactions
    for row in range(12, len(table), 9):
        past, item = table.get_history_rows(row, 10), int(table.item[row])
        weighed = weigh_evidence(DS.items, item, table.item[past], table.label[past])
        named = [shorten_title(DS.items.titles[table.item[past[place]]]) for _, place, shared in weighed if shared][:3]
        plan = make_rule_plan(DS, item, table.item[past], table.label[past])
        assert set(plan.supporting) | set(plan.opposing) == set(named)


def test_random_lines_are_as_many_on_the_same_sides() -> None:
    plan, drawn = Plan(("Babe", "Clue"), ("Heat",)), set()
    for seed in range(40):
        other = draw_random_plan(plan, NAMES, LABELS, np.random.default_rng(seed))
        assert (len(other.supporting), len(other.opposing)) == (2, 1)
        assert len(set(other.supporting)) == 2
        liked, disliked = split_names(NAMES, LABELS)
        assert set(other.supporting) <= set(liked) and set(other.opposing) <= set(disliked)
        drawn |= set(other.supporting) | set(other.opposing)
    assert drawn == set(NAMES)


@pytest.mark.parametrize(("plan", "lines"), [(Plan(("Babe",), ("Speed",)), [1, 2]), (Plan(("Heat",), ()), [])])
def test_a_line_is_named_on_its_own_side_alone(plan: Plan, lines: list[int]) -> None:
    assert np.flatnonzero(mark_named_lines(plan, NAMES, LABELS)).tolist() == lines
