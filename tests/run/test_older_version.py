"""A run that version 0.1 trained (code of commit 00f28d3) answers today as it did then.

`tests/fixtures/run-0.1.zip` holds a small run of all stages on the embedded backbone, the same model saved, and what
it answered: scores, rankings, reasons, of all trained stages, for known users and for strangers. It was made by
`tests/fixtures/make_run_0_1.py`.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from thinkrec.api import ThinkRec
from thinkrec.collab import KINDS
from thinkrec.run.layout import NON_PERSONALISED
from thinkrec.run.saved_model import open_run

FIXTURE = Path(__file__).resolve().parents[1] / "fixtures" / "run-0.1.zip"
CLOSE = 1e-4


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked folder."""
    target = tmp_path_factory.mktemp("older")
    with zipfile.ZipFile(FIXTURE) as archive:
        archive.extractall(target)
    return target


@pytest.fixture(scope="module")
def answers(folder: Path) -> dict[str, Any]:
    """What the older version answered."""
    return json.loads((folder / "answers.json").read_text())


def same_ranking(ranked: list[Any], before: list[list[Any]]) -> bool:
    """Whether items, reasons and writers are equal and scores close."""
    return [(r.item, r.reason, r.writer) for r in ranked] == [(item, *rest) for item, _, *rest in before] and bool(
        np.allclose([r.score for r in ranked], [score for _, score, *_ in before], atol=CLOSE)
    )


@pytest.fixture(scope="module", params=["run", "saved"])
def model(request: pytest.FixtureRequest, folder: Path) -> ThinkRec:
    """The run, and the copy that was saved of it."""
    return ThinkRec.load(folder / request.param)


def test_its_rankings_and_scores_are_the_same(model: ThinkRec, answers: dict[str, Any]) -> None:
    for user in answers["users"]:
        assert same_ranking(model.rank(user=user, top=5), answers["rank"][str(user)]), user
    scores = model.score(answers["users"] * 2, list(model.ds.items.ids)[5:13])
    np.testing.assert_allclose(scores, answers["score"], atol=CLOSE)


def test_strangers_are_answered_as_before(model: ThinkRec, answers: dict[str, Any]) -> None:
    items = list(model.ds.items.ids)
    history = [(items[3], True), (items[9], False), (items[11], True)]
    assert same_ranking(model.rank(user="nobody", history=history, top=5), answers["stranger"])
    assert same_ranking(model.rank(user="nobody", history=[], top=5), answers["nothing"])


def test_its_reasons_are_the_same_letter_by_letter(model: ThinkRec, answers: dict[str, Any]) -> None:
    assert same_ranking(model.rank(user=answers["users"][0], top=3, reasons=True), answers["why"])
    before = answers["explain"]
    said = model.explain(answers["users"][1], before["item"])
    assert (said.verdict, said.reason) == (before["verdict"], before["reason"])
    assert [[entry.title, entry.liked] for entry in said.history] == before["history"]
    np.testing.assert_allclose([w for _, w in said.gate], [w for _, w in before["gate"]], atol=CLOSE)
    assert abs(said.score - before["score"]) < CLOSE


@pytest.mark.parametrize("variant", ["ThinkRec global", "ThinkRec experts"])
def test_its_earlier_stages_answer_too(folder: Path, answers: dict[str, Any], variant: str) -> None:
    model = ThinkRec.load(folder / "run")
    model.choose_stage(variant)
    assert same_ranking(model.rank(user=answers["users"][2], top=5), answers[variant])


@pytest.mark.parametrize("row", ["MF", "SASRec", "boosting", "item mean + keywords"])
def test_its_scorers_give_their_predictions(folder: Path, row: str) -> None:
    run = open_run(folder / "run")
    before = pl.read_parquet(folder / "run" / "scorers" / row / "predictions.parquet").sort("order")["score"]
    config = {**NON_PERSONALISED, **run.recipe.baselines}[row]
    scorer = KINDS[config.kind].load(folder / "run" / "scorers" / row)
    np.testing.assert_allclose(scorer.score(run.ds, run.test_rows), before.to_numpy(), atol=1e-6)
