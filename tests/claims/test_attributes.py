"""What is said of items' keywords: read sentence by sentence, and right in every reason that the rules write."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from thinkrec.claims.attributes import AttributeReader, build_attribute_reader, mark_citations, normalise_keywords
from thinkrec.claims.cases import build_cases
from thinkrec.claims.citations import Catalogue, TitleResolver, find_citations
from thinkrec.claims.grounding import ground_reason
from thinkrec.evaluate.grounding.results import evaluate_grounding
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue
from thinkrec.teacher.rule_reasons import argue_row


def read_attributes(text: str, cited, past, target) -> tuple[int, int]:
    """How many attributes are said, each title of a claim by itself, and how many of these are so."""
    found = list(build_attribute_reader(cited, past, target).read_attribute_claims(mark_citations(text, cited)))
    return len(found), sum(said.is_correct for said in found)


HISTORY = ("The Lamp", "Oak and Elm", "Sailor's Play")
PAST = (("Ghosts", "sea"), ("war",), ("ghosts", "wry humour", "humour"))
TARGET, ITS = "Cold Harbour", ("ghosts", "wry humour")
CATALOGUE = Catalogue([*HISTORY, TARGET, "Elsewhere"])


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Yes. 'Cold Harbour' brings ghosts and wry humour, as 'Sailor's Play' did.", (4, 4)),
        ("Yes. 'Cold Harbour' brings ghosts and war.", (2, 1)),
        ("No. 'The Lamp' was enjoyed in spite of Ghosts, but it lacks wry humour.", (2, 2)),
        ("No. 'The Lamp' was enjoyed in spite of war, but it lacks ghosts and humour.", (3, 1)),
        ("Although 'Oak and Elm', with war, was liked, it is without ghosts.", (2, 2)),
        ("What stands out is ghosts: the viewer liked 'Oak and Elm', and 'Cold Harbour' offers the same.", (3, 2)),
        ("What stands out is war. It lacks war.", (2, 1)),
        ("'Oak and Elm' lacks ghosts but has war.", (2, 2)),
        ("'Sailor\u2019s Play' has wry humour.", (1, 1)),
        ("'Elsewhere' and 'The Invented One' have ghosts.", (0, 0)),
        ("'The Lamp' was ghostly, seaside fare about warriors.", (0, 0)),
        ("Yes. It fits this viewer well.", (0, 0)),
        ("'The Lamp' was enjoyed in spite of poetry, but it lacks ghostliness and war.", (3, 1)),
        ("'Cold Harbour' brings ghosts and poetry, as 'The Lamp' did, and the viewer liked it.", (4, 2)),
        ("'Cold Harbour' shares nothing with the rest, so the habit decides.", (0, 0)),
        ("'Cold Harbour' has wry humour in common with 'Sailor's Play'.", (2, 2)),
        ("'The Lamp' is without amber palaces.", (1, 0)),
    ],
)
def test_sentences_are_read(text: str, wanted: tuple[int, int]) -> None:
    cited = find_citations(text, TitleResolver(CATALOGUE, HISTORY, TARGET))
    assert read_attributes(text, cited, PAST, ITS) == wanted


@pytest.mark.parametrize(
    ("text", "begins"),
    [
        ("\u27e60\u27e7 has ghosts", None),
        ("\u27e60\u27e7 has war", 8),
        ("\u27e60\u27e7 has war.", 8),
        ("\u27e60\u27e7 has war here", None),
        ("\u27e60\u27e7 has wry", None),
        ("\u27e60\u27e7 has amber", 8),
        ("\u27e60\u27e7 has ghosts and amber", 19),
        ("\u27e60\u27e7 has ghosts, as", None),
        ("\u27e61\u27e7 lacks wry", None),
        ("\u27e60\u27e7 failed in spite of the", 23),
        ("\u27e60\u27e7 has the", None),
        ("\u27e60\u27e7 has ghosts and ghosts", 19),
        ("\u27e60\u27e7 has ghosts. \u27e60\u27e7 has ghosts", None),
        ("\u27e60\u27e7 has ghosts, but it lacks war", None),
        ("\u27e60\u27e7 has wry,", 8),
        ("\u27e60\u27e7 is fine. \u27e61\u27e7 lacks war", 23),
        ("\u27e62\u27e7 has war", None),
        ("Yes. What counts is ghosts", 20),
        ("", None),
    ],
)
def test_a_text_that_ends_wrongly_is_told_where(text: str, begins: int | None) -> None:
    has = {0: normalise_keywords(("Ghosts", "Wry humour")), 1: normalise_keywords(("war", "wry")), 2: None}
    found = AttributeReader(has, normalise_keywords(("war",))).find_false_final_claim(text)
    assert (None if found is None else found.start) == begins


def test_items_without_keywords_have_nothing_said_of_them() -> None:
    assert read_attributes("Yes. It has ghosts.", [], ((), ()), ()) == (0, 0)


def test_the_rules_say_nothing_false_and_another_rows_reason_does() -> None:
    made = simulate_catalogue(SimulatorConfig(users=60, items=200, interactions_per_user=(12, 20)), 5)
    ds = made.dataset
    rows = np.flatnonzero(ds.interactions.split == 2)[:200]
    texts = [argue_row(ds, int(row), 10, np.random.default_rng(int(row))).text for row in rows]
    cases = build_cases(ds, rows, 10, verdicts=[None] * len(rows), world=made)
    found = evaluate_grounding(texts, cases, ds.interactions.user[rows], ds.items.titles, draws=20).measures
    assert found["attribute_accuracy"].value.value == 1
    assert found["attribute_accuracy"].count > 200
    assert found["attribute_accuracy"].baseline.value < 0.7
    # Of items without keywords nothing is read.
    bare = [replace(case, history_keywords=None) for case in cases]
    assert ground_reason(texts[0], bare[0], Catalogue(ds.items.titles)).attributes == 0
    assert (
        "attribute_accuracy"
        not in evaluate_grounding(texts, bare, ds.interactions.user[rows], ds.items.titles).measures
    )


def test_what_nobody_has_is_untrue_in_a_simulated_catalogue_alone() -> None:
    made = simulate_catalogue(SimulatorConfig(users=20, items=80), 5)
    ds, rows = made.dataset, made.dataset.interactions.get_split_rows(2)[:1]
    title = ds.items.titles[ds.interactions.item[rows[0]]].rpartition(" (")[0]
    text, catalogue = f"Yes. '{title}' brings wistfulness.", Catalogue(ds.items.titles)
    (planted,), (own,) = (build_cases(ds, rows, 10, verdicts=[True], world=world) for world in (made, None))
    assert (ground_reason(text, planted, catalogue).attributes, ground_reason(text, planted, catalogue).untrue) == (
        1,
        1,
    )
    assert (ground_reason(text, own, catalogue).attributes, ground_reason(text, own, catalogue).untrue) == (0, 0)
