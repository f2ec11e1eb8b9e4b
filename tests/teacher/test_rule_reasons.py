"""The rule-based teacher argues only from what is visible."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from thinkrec.claims.cases import build_cases
from thinkrec.claims.citations import Catalogue
from thinkrec.claims.grounding import ground_reason
from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import Interactions
from thinkrec.data.loaders.movielens import load_ml1m_slice
from thinkrec.evaluate.faithfulness.cited_lines import read_cited_lines
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue
from thinkrec.teacher.rule_reasons import argue_item, argue_past, argue_row, format_cited_title

WORLD = simulate_catalogue(SimulatorConfig(users=120, items=150), 31)
DS = WORLD.dataset
ROWS = DS.interactions.get_split_rows(2)[:300]


def test_it_cites_only_titles_of_the_history_or_the_target() -> None:
    it, titles = DS.interactions, DS.items.titles
    cited = 0
    for row in ROWS:
        past = it.get_history(int(row), 10)
        allowed = {format_cited_title(titles[i]) for i in (*it.item[past], it.item[row])}
        text = argue_row(DS, int(row), 10, np.random.default_rng(int(row))).text
        found = re.findall(r"'[^']+'", text)
        assert set(found) <= allowed, text
        cited += len(found)
    assert cited > 2 * len(ROWS)


def test_its_verdict_opens_the_text_and_is_better_than_chance() -> None:
    arguments = [argue_row(DS, int(row), 10, np.random.default_rng(0)) for row in ROWS]
    assert all(a.text.startswith("Yes." if a.verdict else "No.") for a in arguments)
    assert roc_auc_score(DS.interactions.label[ROWS], [a.evidence for a in arguments]) > 0.6


def test_same_seed_same_words_and_words_vary() -> None:
    def texts(seed: int) -> list[str]:
        return [argue_row(DS, int(row), 10, np.random.default_rng((seed, int(row)))).text for row in ROWS[:50]]

    assert texts(1) == texts(1)
    assert sum(a != b for a, b in zip(texts(1), texts(2), strict=True)) > 25


def test_without_history_it_says_so() -> None:
    argument = argue_item(DS, 0, np.zeros(0, dtype=np.int64), np.random.default_rng(0))
    assert not argument.verdict
    assert "Nothing is known" in argument.text


def test_its_opinion_does_not_depend_on_the_rows_own_label() -> None:
    it = DS.interactions
    for row in ROWS[:40]:
        label = it.label.copy()
        label[row:] = 1 - label[row:]
        turned = replace(DS, interactions=replace(it, label=label))
        said = [argue_row(ds, int(row), 10, np.random.default_rng(0)) for ds in (DS, turned)]
        assert said[0] == said[1]


def check_reasons(ds: Dataset, rows: np.ndarray, verdicts: list[bool | None]) -> tuple[int, int]:
    """Asserts that nothing read is untrue; returns how many attributes and likes were read."""
    found = []
    for row, verdict in zip(rows, verdicts, strict=True):
        past, item = ds.interactions.get_history_rows(int(row), 10), int(ds.interactions.item[row])
        rng = np.random.default_rng(int(row))
        found.append(argue_item(ds, item, past, rng, verdict=verdict))
    said = [one.verdict for one in found]
    assert all(own == given for own, given in zip(said, verdicts, strict=True) if given is not None)
    catalogue = Catalogue(ds.items.titles)
    cases = build_cases(ds, rows, 10, verdicts=said)
    grounded = [ground_reason(one.text, case, catalogue) for one, case in zip(found, cases, strict=True)]
    assert [one.text for one, g in zip(found, grounded, strict=True) if g.untrue or not g.finished] == []
    return sum(g.attributes for g in grounded), sum(g.claims for g in grounded)


@pytest.mark.parametrize("given", [None, True, False])
def test_all_it_says_holds_for_every_title(given: bool | None) -> None:
    attributes, likes = check_reasons(DS, ROWS, [given] * len(ROWS))
    assert attributes > 700 and likes > 300


def test_on_films_with_genres_alone_all_of_it_holds(ml1m_folder: Path) -> None:
    ds = load_ml1m_slice(ml1m_folder)
    rows = np.random.default_rng(0).permutation(ds.interactions.get_split_rows(2))[:150]
    attributes, likes = check_reasons(ds, rows, [bool(ds.interactions.label[row]) for row in rows])
    assert attributes > 200 and likes > 150


def catalogue_of(items: list[tuple[str, tuple[str, ...]]], past: list[tuple[int, bool]], target: int) -> Dataset:
    """One viewer who rated items in order, and is then asked about one more."""
    codes, labels = [code for code, _ in past] + [target], [int(liked) for _, liked in past] + [0]
    n = len(codes)
    table = Interactions.build(
        np.zeros(n, int), np.array(codes), np.array(labels), np.arange(n), np.full(n, 2), np.arange(n), n_users=1
    )
    wares = replace(
        DS.items,
        ids=list(range(len(items))),
        titles=[title for title, _ in items],
        keywords=[words for _, words in items],
        texts=pl.DataFrame(),
    )
    return replace(DS, interactions=table, items=wares, user_ids=[1])


def test_what_two_items_of_one_name_make_ambiguous_is_not_cited() -> None:
    items = [("Emma (1995)", ("sea",)), ("Emma (1996)", ("war",)), ("Oak (1990)", ("sea",)), ("Elm (1991)", ("sea",))]
    for seed in range(8):
        twice = catalogue_of(items, [(0, True), (1, True), (2, True)], 3)
        text = argue_row(twice, 3, 10, np.random.default_rng(seed)).text
        assert "Emma" not in text and "'Oak'" in text
        both = catalogue_of(items, [(0, True), (0, False), (2, True)], 3)
        assert "Emma" not in argue_row(both, 3, 10, np.random.default_rng(seed)).text
        own = catalogue_of(items, [(0, True), (2, True)], 1)
        assert "shares nothing" in argue_row(own, 2, 10, np.random.default_rng(seed)).text
        same = catalogue_of([*items, ("Emma", ("sea",))], [(0, True)], 4)
        assert "and the past as a whole decides" in argue_row(same, 1, 10, np.random.default_rng(seed)).text


def test_titles_stand_on_one_line_in_quotes_that_do_not_end_within() -> None:
    assert format_cited_title("Child's Play\n 2 (1990)") == "'Child's Play 2'"
    assert format_cited_title("The 'Burbs (1989)") == "\u201cThe 'Burbs\u201d"
    assert format_cited_title("Singin' in the Rain (1952)") == "\u201cSingin' in the Rain\u201d"


def test_with_a_verdict_given_it_says_what_there_is() -> None:
    items = [("Oak", ("sea",)), ("Elm", ("war",)), ("Ash", ("sea", "war")), ("Yew", ())]
    past = [(0, True), (1, False)]
    rng = np.random.default_rng(0)
    found = argue_item(catalogue_of(items, past, 3), 3, np.arange(2), rng, verdict=True)
    assert not found.is_supported and found.text.startswith(
        "Yes. Nothing in this viewer's past shares a keyword with 'Yew';"
    )
    only = argue_item(catalogue_of(items, [(1, False)], 2), 2, np.arange(1), rng, verdict=True)
    assert not only.is_supported
    assert only.text.endswith("Against this, the viewer disliked 'Elm', and 'Ash' shares war with 'Elm'.")
    against = argue_item(catalogue_of(items, past, 2), 2, np.arange(2), rng, verdict=True)
    assert against.is_supported and "'Oak'" in against.text and "weighs less" not in against.text
    for seed in range(6):
        rng = np.random.default_rng(seed)
        sea = catalogue_of([("Oak", ("sea",)), ("Elm", ("sea",)), ("Ash", ("sea",))], past, 2)
        weighs = "it weighs less", "the other evidence is stronger"
        lost, won = (argue_item(sea, 2, np.arange(2), rng, verdict=verdict).text for verdict in (True, False))
        assert "'Elm' was" in lost and not any(words in lost for words in weighs), "the rules would have said No"
        assert "'Oak' was" in won and any(words in won for words in weighs)
    assert argue_item(DS, 0, np.zeros(0, dtype=np.int64), rng, verdict=True).text.startswith("Yes. Nothing is known")


def argue_with(past: list[tuple[int, bool]], strengths: dict[int, float], verdict: bool, seed: int = 0):
    """What is said of Yew (sea, ice) behind this past, whose lines of these strengths may be cited."""
    items = [("Oak", ("sea", "ice")), ("Elm", ("sea",)), ("Ash", ("war",)), ("Fir", ("war",)), ("Yew", ("sea", "ice"))]
    ds = catalogue_of(items, past, 4)
    table, places = ds.interactions, np.arange(len(past))
    rng = np.random.default_rng(seed)
    return argue_past(ds, 4, table.item[places], table.label[places], rng, verdict=verdict, strengths=strengths)


def test_with_strengths_it_argues_from_what_moved_the_score() -> None:
    past = [(0, True), (1, True), (2, True), (3, False)]
    for seed in range(8):
        own = argue_with(past, {0: 0.1, 1: 0.5, 2: 0.3, 3: 0.4}, True, seed).text
        assert "'Oak'" not in own, "the neighbour that shares most did not move the score as far as two others"
        assert "'Elm'" in own and "'Fir' was" in own and "without" not in own
        assert ("'Ash'" in own) == ("What stands out" not in own)
        bare = argue_with(past, {2: 0.3, 3: 0.4}, True, seed)
        assert bare.is_supported and "'Ash'" in bare.text and "the score of 'Yew'" in bare.text
        assert "raises" in bare.text and "less" not in bare.text and "stronger" not in bare.text
        assert "lowers the score" in argue_with(past, {3: 0.4}, False, seed).text
        assert "lower the score" in argue_with([(2, False), (3, False)], {0: 1.0, 1: 2.0}, False, seed).text
        weighs = argue_with(past, {2: 0.5, 3: 0.4}, True, seed).text
        assert "weighs less" in weighs or "the other evidence is stronger" in weighs


def test_where_nothing_on_its_side_moved_the_score_it_names_nothing_for_it() -> None:
    past = [(0, True), (3, False)]
    alone = argue_with(past, {1: 0.4}, True)
    assert not alone.is_supported and alone.text.endswith("Against this, the viewer disliked 'Fir'.")
    assert "'Oak'" not in alone.text and "liked 1 of the last 2" in alone.text
    shared = argue_with([(0, True), (1, False)], {1: 0.4}, True).text
    assert shared.endswith("Against this, the viewer disliked 'Elm', and 'Yew' shares sea with 'Elm'.")
    none = argue_with(past, {}, False)
    assert not none.is_supported and "the score goes by the past as a whole" in none.text
    assert "shares a keyword" not in none.text and "'Fir'" not in none.text


def test_all_it_says_of_what_decided_holds() -> None:
    catalogue, said = Catalogue(DS.items.titles), 0
    for row in ROWS[:150]:
        past, item = DS.interactions.get_history_rows(int(row), 10), int(DS.interactions.item[row])
        rng = np.random.default_rng(int(row))
        strengths = {int(place): float(rng.random()) for place in rng.permutation(len(past))[: len(past) // 2]}
        items, labels, verdict = DS.interactions.item[past], DS.interactions.label[past], bool(rng.integers(2))
        text = argue_past(DS, item, items, labels, rng, verdict=verdict, strengths=strengths).text
        (case,) = build_cases(DS, np.array([row]), 10, verdicts=[verdict])
        grounding = ground_reason(text, case, catalogue)
        assert not grounding.untrue and grounding.finished and grounding.agrees is not False, text
        cited = read_cited_lines(text, case, catalogue)
        assert set(np.flatnonzero(cited.directions)) <= strengths.keys(), text
        assert cited.right == cited.stated == cited.is_cited.sum(), text
        said += cited.stated
    assert said > 200
