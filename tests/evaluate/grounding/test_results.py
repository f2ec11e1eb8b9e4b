"""Grounding over rows: the rule-based teacher, whose truth is known by construction, and its counterfeits."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from thinkrec.claims.cases import build_cases
from thinkrec.claims.citations import Catalogue
from thinkrec.claims.grounding import GroundingCase, find_named_keywords, ground_reason
from thinkrec.data.dataset import Domain
from thinkrec.errors import DataError
from thinkrec.evaluate.grounding.results import evaluate_grounding, to_dict, write_grounding
from thinkrec.evaluate.grounding.table import render_grounding_table
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue
from thinkrec.teacher.rule_reasons import argue_row

WORLD = simulate_catalogue(SimulatorConfig(users=60, items=250), 31, domain=Domain("film", "films", "viewer"))
DS = WORLD.dataset
ROWS = DS.interactions.get_split_rows(2)[:160]
ARGUMENTS = [argue_row(DS, int(row), 10, np.random.default_rng(int(row))) for row in ROWS]
TEXTS = [argument.text for argument in ARGUMENTS]
USERS = DS.interactions.user[ROWS]
CASES = build_cases(DS, ROWS, 10, scores=np.array([a.evidence for a in ARGUMENTS]), world=WORLD)
RESULTS = evaluate_grounding(TEXTS, CASES, USERS, DS.items.titles, draws=100)


def value(name: str, results=RESULTS) -> float:
    return results.measures[name].value.value


def test_the_teacher_made_of_rules_is_grounded_by_construction() -> None:
    for name in ("citation_precision", "polarity_accuracy", "target_named", "verdict_given", "verdict_agreement"):
        assert value(name) == 1, name
    assert value("citing") > 0.95
    assert value("polarity_coverage") > 0.8
    assert RESULTS.measures["citation_precision"].count > 2 * len(ROWS)


def test_cause_recall_has_the_teacher_as_ceiling_and_another_row_as_chance() -> None:
    measure = RESULTS.measures["cause_recall"]
    assert measure.value.value > 0.4
    assert measure.baseline.value < 0.2
    assert measure.difference.low > 0


def test_naming_every_keyword_recalls_every_cause_at_the_cost_of_precision() -> None:
    listed = ["Yes. " + ", ".join(case.target_keywords) for case in CASES]
    results = evaluate_grounding(listed, CASES, USERS, DS.items.titles, draws=20)
    assert value("cause_recall", results) == 1
    known = [case for case in CASES if case.cause_keywords is not None]
    share = sum(len(case.cause_keywords) for case in known) / sum(len(set(case.target_keywords)) for case in known)
    assert value("cause_precision", results) == pytest.approx(share)
    assert value("cause_precision", results) < value("cause_precision") - 0.05


def test_a_keyword_beside_the_cause_costs_precision() -> None:
    row = ground_reason(
        "Yes. Snow and a wry tone.",
        GroundingCase((), (), "Ash", (), ("snow", "sea", "wry"), True, ("snow", "sea")),
        Catalogue(["Ash"]),
    )
    assert (row.cause_named, row.keywords_named, row.causes_named) == (False, 2, 1)
    without = ground_reason("Yes. Snow.", GroundingCase((), (), "Ash", (), ("snow",), True), Catalogue(["Ash"]))
    assert (without.cause_named, without.keywords_named, without.causes_named) == (None, 0, 0)


def test_reasons_of_other_rows_fail_everywhere() -> None:
    for name in ("citation_precision", "target_named", "cause_recall", "citing"):
        measure = RESULTS.measures[name]
        assert measure.baseline.value < 0.3, name
        assert measure.difference.low > 0.3, name
    assert 0.3 < RESULTS.measures["verdict_agreement"].baseline.value < 0.7


def test_turned_verbs_are_found_out() -> None:
    def turn(text: str) -> str:
        for word in ("turned down", "disliked"):
            text = text.replace(word, "@")
        return text.replace("enjoyed", "disliked").replace("liked", "disliked").replace("@", "liked")

    turned = evaluate_grounding([turn(t) for t in TEXTS], CASES, USERS, DS.items.titles, draws=20)
    assert value("polarity_accuracy", turned) < 0.05
    assert value("citation_precision", turned) == 1


def test_invented_titles_and_other_verdicts_are_counted() -> None:
    case = GroundingCase(("Oak (1990)", "Elm, The (1991)"), (True, False), "Ash (1992)", (), (), True, ("snow", "sea"))
    texts = ["Yes. 'Oak' and 'Nowhere Land' were liked; 'Ash' has snow and the Sea.", "Not sure. 'The Elm' was liked."]
    results = evaluate_grounding(
        texts, [case, case], ["a", "b"], ["Oak (1990)", "Elm, The (1991)", "Ash (1992)"], draws=10
    )
    first, second = results.rows
    assert (first.citations, first.in_history, first.exist, first.claims, first.right) == (2, 1, 1, 1, 1)
    assert (first.agrees, first.target_named, first.cause_named) == (True, True, True)
    assert (second.verdict, second.agrees, second.target_named, second.cause_named) == (None, False, False, False)
    assert (second.claims, second.right) == (1, 0)
    assert value("verdict_agreement", results) == value("verdict_given", results) == 0.5


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Yes. So", True),
        (" No, never", False),
        ("Not sure", None),
        ("Novel", None),
        ("no.", False),
        ("", None),
        ("Yes-men", None),
        ("The answer is Yes", None),
        ("No idea", None),
        ("**Yes**, so", True),
    ],
)
def test_a_verdict_is_read_as_a_teachers_is(text: str, expected: bool | None) -> None:
    assert ground_reason(text, GroundingCase((), (), "Oak"), Catalogue(["Oak"])).verdict is expected


def test_keywords_are_whole_words_outside_titles() -> None:
    assert find_named_keywords("It has Snow and old age.", (), ("snow", "old age", "sea")) == {"snow", "old age"}
    assert not find_named_keywords("It has snowfall.", (), ("snow",))


def test_unknown_scores_and_planted_causes_leave_their_metrics_out() -> None:
    cases = build_cases(DS, ROWS[:20], 10)
    results = evaluate_grounding(TEXTS[:20], cases, USERS[:20], DS.items.titles, draws=10)
    assert "verdict_agreement" not in results.measures
    assert "cause_recall" not in results.measures
    assert "verdict_given" in results.measures


def test_equal_arguments_give_equal_intervals_and_json_has_no_nan(tmp_path: Path) -> None:
    again = evaluate_grounding(TEXTS, CASES, USERS, DS.items.titles, draws=100)
    assert again == RESULTS
    path = tmp_path / "grounding.json"
    write_grounding(path, RESULTS, {"seed": 0})
    held = json.loads(path.read_text(encoding="utf-8"))
    assert len(held["rows"]) == len(ROWS)
    assert held["provenance"] == {"seed": 0}
    assert "NaN" not in path.read_text(encoding="utf-8")
    assert "rows" not in to_dict(RESULTS)
    interval = RESULTS.measures["cause_recall"].value
    assert interval.low < interval.value < interval.high


def test_the_table_shows_every_measure_and_its_policy() -> None:
    from rich.console import Console

    console = Console(width=130, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(render_grounding_table(RESULTS, title="Reasons"))
    shown = console.export_text()
    for word in ("citation precision", "cause recall", "other row", "1.000", "160 reasons"):
        assert word in shown


def test_bad_input_is_refused() -> None:
    with pytest.raises(DataError, match="160 reasons for 2 rows"):
        evaluate_grounding(TEXTS, CASES[:2], USERS, DS.items.titles)
    with pytest.raises(DataError, match="at least two rows"):
        evaluate_grounding(TEXTS[:1], CASES[:1], USERS[:1], DS.items.titles)
    with pytest.raises(DataError, match="users"):
        evaluate_grounding(TEXTS, CASES, USERS[:3], DS.items.titles)
    with pytest.raises(DataError, match="draws is 0"):
        evaluate_grounding(TEXTS, CASES, USERS, DS.items.titles, draws=0)


def test_what_is_counted_of_attributes_predictions_and_ends() -> None:
    case = GroundingCase(
        ("The Lamp", "Oak"),
        (True, False),
        "Cold Harbour",
        keywords=("sea", "ghosts", "war"),
        verdict=True,
        target_keywords=("sea", "ghosts"),
        history_keywords=(("sea",), ("war",)),
    )
    texts = [
        "Yes. 'Cold Harbour' shares sea with 'The Lamp'. It should please.",
        "Yes. 'Cold Harbour' shares ghosts with 'The Lamp'. It would disappoint.",
        "Yes. Fond of ghosts and war, the viewer liked 'The Lamp'.",
        "Yes. The viewer disliked 'Oak' and",
    ]
    results = evaluate_grounding(texts, [case] * 4, [1, 1, 2, 2], ["The Lamp", "Oak", "Cold Harbour"], draws=20)
    wanted = {
        "attribute_accuracy": (3 / 4, 4),
        "attribute_coverage": (2 / 4, 4),
        "prediction_agreement": (1 / 2, 2),
        "finished": (3 / 4, 4),
        "nothing_untrue": (2 / 4, 4),
    }
    found = {name: (results.measures[name].value.value, results.measures[name].count) for name in wanted}
    assert found == wanted
    assert [row.untrue for row in results.rows] == [0, 2, 0, 1]
    shown = Console(width=200, file=StringIO())
    shown.print(render_grounding_table(results))
    assert "2 of 4 keywords in the texts stand in sentences of other forms and were not judged" in shown.file.getvalue()


def test_items_without_keywords_are_said_to_be_unjudged() -> None:
    case = GroundingCase(("The Lamp",), (True,), "Cold Harbour", verdict=True, history_keywords=((),))
    results = evaluate_grounding(["Yes. 'Cold Harbour' has ghosts."] * 2, [case] * 2, [1, 2], ["The Lamp"], draws=20)
    assert "attribute_accuracy" not in results.measures
    shown = Console(width=200, file=StringIO())
    shown.print(render_grounding_table(results))
    assert "nothing said of attributes was judged" in shown.file.getvalue()
