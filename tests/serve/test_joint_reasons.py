"""Reasons of several histories written together: the same as one by one; what `auto` would not show is named."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from thinkrec.data.query import Query
from thinkrec.decoding.config import DecodingConfig
from thinkrec.score.reason_writer import ReasonTrial, ReasonWriter
from thinkrec.serve.histories import build_past
from thinkrec.serve.joint_reasons import find_prose_faults, write_together
from thinkrec.serve.model import ServedModel
from thinkrec.serve.service import RecommenderService


@pytest.fixture
def model(service: RecommenderService) -> ServedModel:
    return service.loaded.model


@pytest.fixture
def queries(model: ServedModel) -> list[Query]:
    return [replace(build_past(model, user, ()).query, candidates=np.array([user + 1])) for user in (1, 2, 3)]


@pytest.mark.parametrize("choice", ["model", "rules"])
def test_together_they_are_what_they_are_one_by_one(model: ServedModel, queries: list[Query], choice) -> None:
    writer, scores = model.get_writer(choice), np.array([1.0, -1.0, 1.0])
    alone = [writer.explain_query(query, scores[[n]])[0] for n, query in enumerate(queries)]
    assert write_together(model, writer, queries, scores) == alone


def test_the_decoding_of_the_run_holds_for_several_too(model: ServedModel, queries: list[Query]) -> None:
    scores = np.array([1.0, -1.0, 1.0])
    plain = replace(model.get_writer("model"), decoding=DecodingConfig(no_repeat_ngram=0))
    turned = replace(plain, decoding=DecodingConfig(no_repeat_ngram=0, label_contrast=5.0))
    alone = [turned.explain_query(query, scores[[n]])[0] for n, query in enumerate(queries)]
    assert write_together(model, turned, queries, scores) == alone
    assert alone != write_together(model, plain, queries, scores)


def test_why_auto_would_not_show_a_text(
    model: ServedModel, queries: list[Query], monkeypatch: pytest.MonkeyPatch
) -> None:
    query, score = queries[0], np.ones(1)
    good = model.get_writer("rules").explain_query(query, score)[0].text
    monkeypatch.setattr(ReasonWriter, "trial", ReasonTrial(10, 9, {}))
    # The rules' words are those that are known, but for this plain one's.
    monkeypatch.setattr(ReasonWriter, "_known_words", frozenset(word.lower().strip(".,") for word in good.split()))
    for text, fault in {
        good: None,
        f"{good} It is is one of the last films.": "a word twice in a row",
        f"{good} Qwx zzt brrk yyl vvk wwz.": "words that nobody uses",
        "No. So be it.": "another verdict",
    }.items():
        (said,) = find_prose_faults(model, [query], score, [text])
        assert said is None if fault is None else said is not None and said.startswith(fault), (text, said)
    monkeypatch.setattr(ReasonWriter, "trial", ReasonTrial(8, 0, {}))
    (said,) = find_prose_faults(model, [query], score, [good])
    assert said is not None and said.startswith("0 of the model's 8 reasons passed")
