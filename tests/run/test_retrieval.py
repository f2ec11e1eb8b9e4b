"""The generator of a run: fitted once, kept with its recall, and the same when it is opened again."""

from __future__ import annotations

import json

import numpy as np
import pytest
from support.tiny_run import train_tiny_run

from thinkrec.api import ThinkRec
from thinkrec.data.query import Query
from thinkrec.retrieve.config import RetrieveConfig
from thinkrec.retrieve.generator import CandidateGenerator
from thinkrec.run.pipeline import Run
from thinkrec.run.retrieval import RECALL, STAGE, find_encoder_row, open_generator


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train_tiny_run(tmp_path_factory.mktemp("retrieval"))


def test_it_is_fitted_once_and_opened_the_same(trained: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    config = RetrieveConfig(candidates=20)
    first = open_generator(trained.recipe, trained.folder, trained.ds, config)
    recall = json.loads((trained.folder / STAGE / RECALL).read_text(encoding="utf-8"))
    assert list(first.sources) == ["taste", "prior", "vectors", "neighbours"]
    assert {result["split"] for result in recall["results"]} == {"valid", "test"}

    monkeypatch.setattr(CandidateGenerator, "train", lambda *_: pytest.fail("fitted twice"))
    query = Query.from_dataset(trained.ds, 2)
    again = open_generator(trained.recipe, trained.folder, trained.ds, config)
    assert again.propose_candidates(trained.ds, query).tolist() == first.propose_candidates(trained.ds, query).tolist()
    # What is not learned may change without a new fit.
    other = open_generator(trained.recipe, trained.folder, trained.ds, RetrieveConfig(candidates=7))
    assert len(other.propose_candidates(trained.ds, query)) == 7


def test_its_vectors_are_those_of_the_runs_encoder(trained: Run) -> None:
    row = find_encoder_row(trained.recipe, trained.folder, trained.ds)
    assert row is not None and row[0].dim == 8
    assert np.abs(row[0].encode_items(trained.ds)).sum() > 0


def test_the_model_answers_out_of_the_catalogue_as_it_ranks(trained: Run) -> None:
    model = ThinkRec.load(trained.folder)
    assert model.count_new_items() == 0
    users = trained.ds.user_ids[:3]
    whole = [[(entry.item, entry.score) for entry in some] for some in model.rank_many(users, top=4)]
    for user, answers, expected in zip(users, model.recommend_many(users, 4), whole, strict=True):
        assert [entry.item for entry in answers] == [item for item, _ in expected]
        assert [entry.score for entry in answers] == pytest.approx([score for _, score in expected], abs=1e-5)
        assert [entry.item for entry in model.recommend(user, 4)] == [item for item, _ in expected]
    model.configure_retrieval(RetrieveConfig(candidates=6, rounds=0))
    assert {entry.candidates for entry in model.recommend(users[0], 4)} == {6}
