"""Lists out of the whole catalogue: who is asked, what counts, and that a model that knows wins."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.command_line import call, plain
from support.tiny_run import train_tiny_run

from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TEST
from thinkrec.errors import DataError
from thinkrec.evaluate.catalogue import CatalogueFacts, RankedUsers, evaluate_rankings
from thinkrec.evaluate.metrics.catalogue_ranking import find_places
from thinkrec.run import catalogue_metrics
from thinkrec.run.catalogue_metrics import MOST_LIKED, measure_catalogue
from thinkrec.run.catalogue_questions import add_candidates, collect_questions
from thinkrec.run.pipeline import Run
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue

OWN = "ThinkRec full"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train_tiny_run(tmp_path_factory.mktemp("catalogue"))


@pytest.fixture(scope="module")
def small() -> Dataset:
    return simulate_catalogue(SimulatorConfig(users=40, items=80, interactions_per_user=(8, 16)), 5).dataset


def test_a_question_knows_nothing_of_the_test(small: Dataset) -> None:
    questions, counts = collect_questions(small)
    data = small.interactions
    in_test = data.split == TEST
    assert counts.test_users == len(np.unique(data.user[in_test]))
    assert counts.judged + counts.without_relevant == counts.test_users
    assert counts.relevant == sum(len(question.relevant) for question in questions)
    for question in questions:
        user = small.user_ids.index(question.query.user)
        own = (data.user == user) & in_test
        assert (question.query.splits < TEST).all()
        assert len(question.query.items) == int(((data.user == user) & ~in_test).sum())
        assert question.query.time == data.timestamp[own].min()
        liked = set(data.item[own & (data.label == 1)].tolist()) - set(question.query.items.tolist())
        assert set(question.relevant.tolist()) == liked
    fewer, again = collect_questions(small, most_users=5, seed=1)[0], collect_questions(small, most_users=5, seed=1)[0]
    assert [q.query.user for q in fewer] == [q.query.user for q in again]
    assert len(fewer) == 5


def test_without_a_relevant_item_nothing_is_judged(small: Dataset) -> None:
    data = small.interactions
    disliked = replace(data, label=np.where(data.split == TEST, 0, data.label).astype(data.label.dtype))
    with pytest.raises(DataError, match="no user has a test row with the label Yes"):
        collect_questions(replace(small, interactions=disliked))


def test_what_is_ranked(small: Dataset) -> None:
    question = collect_questions(small)[0][0]
    n = len(small.items)
    every = add_candidates(question, n, None, np.random.default_rng(0)).candidates
    assert sorted([*every.tolist(), *np.unique(question.query.items).tolist()]) == list(range(n))
    sampled = add_candidates(question, n, 7, np.random.default_rng(0)).candidates
    assert set(question.relevant.tolist()) <= set(sampled.tolist())
    others = set(sampled.tolist()) - set(question.relevant.tolist())
    assert len(others) == 7
    assert not others & set(question.met.tolist())


def rank_by(ds: Dataset, scores: np.ndarray, k: int) -> tuple[RankedUsers, list[int]]:
    """Rankings of all test users by one score per item, or per user and item."""
    places, lists, relevant = [], [], []
    for question in collect_questions(ds)[0]:
        asked = np.setdiff1d(np.arange(len(ds.items)), question.query.items)
        values = scores[question.relevant[0]] if scores.ndim == 2 else scores
        order, at = find_places(values[asked], np.isin(asked, question.relevant), np.random.default_rng(0))
        places.append(at)
        lists.append(asked[order[:k]])
        relevant.append(len(question.relevant))
    return RankedUsers(places, lists, np.full(len(places), 60), 0), relevant


def test_an_oracle_reaches_one_and_its_opposite_nothing(small: Dataset) -> None:
    n = len(small.items)
    known = np.zeros((n, n))
    for question in collect_questions(small)[0]:
        known[question.relevant[0], question.relevant] += 1
    oracle, relevant = rank_by(small, known, 10)
    blind, _ = rank_by(small, -known, 10)
    facts = CatalogueFacts(n, np.ones(n), [frozenset({"x"})] * n)
    rows = evaluate_rankings(
        {"oracle": oracle, "blind": blind}, relevant, facts, cuts=(1, 10), reference="blind", draws=50
    )
    best, worst = (row.estimates for row in rows)
    assert best["hr@1"].value == best["mrr@10"].value == 1.0
    assert best["hr@1"].low == 1.0
    assert worst["hr@10"].value < 0.2
    assert rows[0].differences["hr@1"].low > 0.5
    assert rows[1].differences == {}
    assert (best["novelty@10"].value, best["diversity@10"].value) == (1.0, 0.0)
    assert best["coverage@10"].low is None


def test_a_run_is_measured_whole_by_candidates_and_by_samples(trained: Run) -> None:
    whole = measure_catalogue(trained, models=["MF", None], cuts=[2, 5], draws=100)
    names = [row["model"] for row in whole["rows"]]
    assert names == ["MF", OWN, MOST_LIKED, "random"]
    assert whole["candidates"] == {}
    for row in whole["rows"]:
        values = row["estimates"]
        assert row["reached"] == 1.0
        assert values["hr@2"]["value"] <= values["hr@5"]["value"]
        assert values["hr@5"]["low"] <= values["hr@5"]["value"] <= values["hr@5"]["high"]
        assert set(values) == {
            f"{key}@{k}"
            for k in (2, 5)
            for key in (*("hr", "recall", "mrr", "ndcg"), "coverage", "novelty", "diversity")
        }
    assert any("Ranked: all items but those" in line for line in whole["notes"])

    few = measure_catalogue(trained, candidates=12, cuts=[5], draws=100)
    own = few["rows"][0]
    assert few["candidates"] == {OWN: 12}
    assert own["ranked"] == 12.0
    assert own["reached"] < 1.0
    assert own["estimates"]["recall@5"]["value"] <= own["reached"]
    assert any(f"recall of the relevant items among them {own['reached']:.3f}" in line for line in few["notes"])

    sampled = measure_catalogue(trained, models=["MF"], negatives=9, cuts=[5], draws=100)
    assert "sampled others (seed 0)" in sampled["title"]
    assert "coverage@5" not in sampled["rows"][0]["estimates"]
    assert any("9 that the user never met" in line for line in sampled["notes"])


def test_settings_that_contradict_each_other_are_refused(trained: Run) -> None:
    with pytest.raises(DataError, match="give --negatives, or --candidates"):
        measure_catalogue(trained, negatives=5, candidates=5)
    with pytest.raises(DataError, match="5 candidates are too few for a list of 10"):
        measure_catalogue(trained, candidates=5, cuts=[10])
    with pytest.raises(DataError, match="no row 'none'"):
        measure_catalogue(trained, models=["none"])


def test_a_language_model_is_asked_about_candidates_of_a_large_catalogue(
    trained: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogue_metrics, "SMALL", 10)
    monkeypatch.setattr(catalogue_metrics, "CANDIDATES", 8)
    assert measure_catalogue(trained, cuts=[3], draws=100, most_users=4)["candidates"] == {OWN: 8}
    assert measure_catalogue(trained, cuts=[3], draws=100, most_users=4, every=True)["candidates"] == {}
    assert measure_catalogue(trained, models=["MF"], cuts=[3], draws=100)["candidates"] == {}


def test_the_command_prints_tables_and_json(trained: Run, tmp_path: Path) -> None:
    out = tmp_path / "catalogue.json"
    fixed = ("evaluate", "catalogue", trained.folder, "--model", "MF", "--k", "3,5", "--draws", 100)
    shown = " ".join(plain(call(*fixed, "--out", out).stdout).split())
    for part in ("HR@3", "HR@5", "most liked †", "MF minus most liked: Recall@3", "Formulas: docs/metrics.md"):
        assert part in shown, part
    result = json.loads(call(*fixed, "--json").stdout)
    assert json.loads(out.read_text()) == result
    assert result["run"] == trained.folder.name
    wrong = call(*fixed, "--negatives", "some")
    assert wrong.exit_code == 2
    assert "neither all nor a whole number" in " ".join(plain(wrong.stderr).split())
