"""The public Python interface, on a tiny world with a tiny random language model."""

from __future__ import annotations

import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from support.tiny_folder import write_backbone
from support.untrained_model import past, untrained

import thinkrec
from thinkrec import Dataset, ThinkRec
from thinkrec.data.interactions import TEST
from thinkrec.data.snapshot import INTERACTIONS, ITEMS, read_snapshot, write_snapshot
from thinkrec.errors import CheckpointError, DataError
from thinkrec.prompts.render import PromptRenderer
from thinkrec.run.explained import build_reason_writer
from thinkrec.score.answer_service import AnswerService
from thinkrec.score.predictor import Predictor
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue


@pytest.fixture(scope="module")
def ds() -> Dataset:
    return simulate_catalogue(SimulatorConfig(users=30, items=60, interactions_per_user=(6, 12)), 7).dataset


@pytest.fixture(scope="module")
def tiny_backbone(ds: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_backbone(tmp_path_factory.mktemp("backbone"), ds)


@pytest.fixture(scope="module")
def model(ds: Dataset, tiny_backbone: Path) -> ThinkRec:
    return untrained(tiny_backbone).fit(ds)


@pytest.fixture(scope="module")
def saved(model: ThinkRec, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved") / "model"
    model.save(folder)
    return folder


def pairs(ds: Dataset, n: int = 40) -> tuple[list, list]:
    it = ds.interactions
    rows = it.get_split_rows(TEST)[:n]
    return [ds.user_ids[u] for u in it.user[rows]], [ds.items.ids[i] for i in it.item[rows]]


def test_tables_bring_the_same_data_set_back(ds: Dataset, tmp_path: Path) -> None:
    write_snapshot(ds, tmp_path)
    assert read_snapshot(tmp_path).compute_fingerprint() == ds.compute_fingerprint()
    again = Dataset.from_tables(tmp_path / INTERACTIONS, tmp_path / ITEMS, domain=ds.domain)
    assert again.compute_fingerprint() == ds.compute_fingerprint()


def test_saved_and_loaded_gives_equal_scores(model: ThinkRec, saved: Path, ds: Dataset, tmp_path: Path) -> None:
    users, items = pairs(ds)
    before = model.score(users, items)
    assert before.dtype == np.float64
    assert before.std() > 0
    moved = tmp_path / "elsewhere"
    shutil.copytree(saved, moved)
    after = thinkrec.load(moved)
    np.testing.assert_array_equal(after.score(users, items), before)
    assert after.ds.compute_fingerprint() == ds.compute_fingerprint()
    assert not list(saved.parent.glob(".*")), "nothing may be left beside a saved folder"


def test_a_saved_folder_can_be_saved_again(model: ThinkRec, saved: Path, ds: Dataset, tmp_path: Path) -> None:
    users, items = pairs(ds, 5)
    thinkrec.load(saved).save(tmp_path / "copy")
    thinkrec.load(tmp_path / "copy").save(tmp_path / "copy")
    np.testing.assert_array_equal(thinkrec.load(tmp_path / "copy").score(users, items), model.score(users, items))


def test_fitting_twice_gives_the_same(model: ThinkRec, ds: Dataset, tiny_backbone: Path) -> None:
    users, items = pairs(ds, 10)
    np.testing.assert_array_equal(untrained(tiny_backbone).fit(ds).score(users, items), model.score(users, items))


def test_many_candidates_are_rendered_in_parts(model: ThinkRec, ds: Dataset, monkeypatch) -> None:
    users, items = [*ds.user_ids[:2]] * 11, ds.items.ids[:22]
    whole, sizes, ask = model.score(users, items), [], PromptRenderer.render_candidates

    def counted(self, asked, *args, **options):
        sizes.append(len(asked))
        return ask(self, asked, *args, **options)

    monkeypatch.setattr("thinkrec.score.predictor.CHUNK", 4)
    monkeypatch.setattr(PromptRenderer, "render_candidates", counted)
    np.testing.assert_allclose(model.score(users, items), whole, atol=1e-5)
    assert sizes == [4, 4, 3, 4, 4, 3]


def same_rankings(found: list, wanted: list) -> None:
    assert [[entry.item for entry in one] for one in found] == [[entry.item for entry in one] for one in wanted]
    for mine, theirs in zip(found, wanted, strict=True):
        np.testing.assert_allclose([entry.score for entry in mine], [entry.score for entry in theirs], atol=1e-5)
        assert [(entry.reason, entry.writer) for entry in mine] == [(entry.reason, entry.writer) for entry in theirs]


def test_many_users_are_ranked_as_each_alone(model: ThinkRec, ds: Dataset, monkeypatch) -> None:
    users, groups = [*ds.user_ids[:9], ds.user_ids[2]], []
    score = Predictor.score_queries

    def counted(self, queries, **options):
        groups.append([len(query.candidates) for query in queries])
        return score(self, queries, **options)

    alone = [model.rank(user) for user in users]
    monkeypatch.setattr("thinkrec.score.answer_service.GROUP", 130)
    monkeypatch.setattr(Predictor, "score_queries", counted)
    same_rankings(model.rank_many(users), alone)
    assert len(groups) > 3 and all(sum(sizes) <= 130 for sizes in groups), "memory holds one group at a time"
    assert sum(map(sum, groups)) == sum(map(len, alone))
    few = ds.items.ids[:7]
    same_rankings(model.rank_many(users, few, top=2), [model.rank(user, few, top=2) for user in users])
    told = model.rank_many(users[:3], top=2, reasons=True)
    same_rankings(told, [model.rank(user, top=2, reasons=True) for user in users[:3]])
    own = [(1, 5.0), (2, 1.0)]
    given = model.rank_many([None, users[0]], few, histories=[own, None], threshold=3)
    same_rankings(given, [model.rank(None, few, history=own, threshold=3), model.rank(users[0], few)])
    assert model.rank_many([]) == []
    with pytest.raises(DataError, match="no viewer with the id 999"):
        model.rank_many([1, 999])
    with pytest.raises(DataError, match="1 histories for 2 users"):
        model.rank_many([1, 2], histories=[None])
    with pytest.raises(DataError, match="threshold is for ratings"):
        model.rank_many([1, 2], threshold=3)


def test_threads_get_the_answers_of_one_after_the_other(saved: Path, ds: Dataset) -> None:
    users, items = ds.user_ids[:6], ds.items.ids[:8]

    def answers(model: ThinkRec, user) -> tuple:
        return (
            model.rank(user, top=5),
            model.score([user] * 8, items).tolist(),
            model.explain(user, 11),
            model.explain(user, 12, writer="model"),
        )

    serial = thinkrec.load(saved)
    wanted = {user: answers(serial, user) for user in users}
    # Not opened yet: the first questions, which make everything, meet as well.
    shared = thinkrec.load(saved)
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda user: (user, answers(shared, user)), users * 3))
    for user, answer in found:
        same_rankings([answer[0]], [wanted[user][0]])
        np.testing.assert_allclose(answer[1], wanted[user][1], atol=1e-5)
        for mine, theirs in zip(answer[2:], wanted[user][2:], strict=True):
            assert (mine.reason, mine.verdict, mine.history, mine.writer) == (
                theirs.reason,
                theirs.verdict,
                theirs.history,
                theirs.writer,
            )
            assert mine.score == pytest.approx(theirs.score, abs=1e-5)
    recommender = shared.predictor.recommender
    assert not any(module.training for module in recommender.modules())
    assert all(layer.merged_weight is not None for layer in recommender.adapters.layers.values())


def test_rank_is_the_order_of_scores(model: ThinkRec, ds: Dataset) -> None:
    user, items = ds.user_ids[3], ds.items.ids[:20]
    ranked = model.rank(user, items)
    scores = model.score([user] * len(items), items)
    found = {r.item: r.score for r in ranked}
    np.testing.assert_allclose([found[i] for i in items], scores, atol=1e-5)
    assert [r.score for r in ranked] == sorted(found.values(), reverse=True)
    assert ranked[0].probability == pytest.approx(1 / (1 + np.exp(-ranked[0].score)))
    assert ranked[0].title == ds.items.titles[ds.items.ids.index(ranked[0].item)]
    assert [r.item for r in model.rank(user, items, top=3)] == [r.item for r in ranked[:3]]


def test_a_prior_adds_the_items_logit_to_rows_and_candidates(saved: Path, ds: Dataset, tmp_path: Path) -> None:
    folder = tmp_path / "with-prior"
    shutil.copytree(saved, folder)
    recipe = yaml.safe_load((folder / "recipe.yaml").read_text())
    recipe["model"]["score_prior"] = {"source": "both", "weight": 0.5}
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    plain, prior = thinkrec.load(saved), thinkrec.load(folder)
    users, items = pairs(ds, 12)
    slots = plain.predictor.slot_encoder
    codes = np.array([ds.items.ids.index(item) for item in items])
    added = np.array(prior.score(users, items)) - np.array(plain.score(users, items))
    np.testing.assert_allclose(added, 0.5 * slots.compute_item_logit(ds, codes, "both"), atol=1e-5)
    assert np.ptp(added) > 0.05
    rows = ds.interactions.get_split_rows(TEST)[:12]
    found = prior.predictor.score(rows) - plain.predictor.score(rows)
    np.testing.assert_allclose(
        found, 0.5 * slots.compute_item_logit(ds, ds.interactions.item[rows], "both", rows), atol=1e-5
    )
    answer = prior.explain(users[0], items[0])
    assert answer.reason.startswith("Yes" if prior.score(users[:1], items[:1])[0] > 0 else "No")


def test_default_candidates_are_the_items_not_met(model: ThinkRec, ds: Dataset) -> None:
    user = ds.user_ids[0]
    met = {item for item, _ in past(ds, user)}
    assert {r.item for r in model.rank(user)} == set(ds.items.ids) - met
    assert {r.item for r in model.rank(None, history=[])} == set(ds.items.ids)
    assert [r.item for r in model.rank(user, [7, 7])] == [7]
    assert model.rank(user, []) == []


def test_history_given_equals_the_same_history_known(model: ThinkRec, ds: Dataset) -> None:
    user = ds.user_ids[5]
    own, items = past(ds, user), ds.items.ids[:12]
    assert model.rank(user, items, history=own) == model.rank(user, items)
    turned = [(item, not liked) for item, liked in own]
    assert model.rank(user, items, history=turned) != model.rank(user, items)
    assert model.explain(user, items[0], history=own) == model.explain(user, items[0])


def test_a_known_user_is_found_by_text_too(model: ThinkRec, ds: Dataset) -> None:
    assert model.rank(str(ds.user_ids[2]), ["4", "9"]) == model.rank(ds.user_ids[2], [4, 9])


def test_a_score_does_not_depend_on_company(model: ThinkRec, ds: Dataset) -> None:
    users, items = pairs(ds, 12)
    alone = [model.score([u], [i])[0] for u, i in zip(users, items, strict=True)]
    np.testing.assert_allclose(model.score(users, items), alone, atol=1e-5)
    assert model.score([], []).shape == (0,)


@pytest.mark.parametrize("history", [None, [], [(1, True), (2, False), (3, True)]])
def test_explain_opens_with_the_verdict(model: ThinkRec, ds: Dataset, history) -> None:
    user = ds.user_ids[1] if history is None else "somebody new"
    found = model.explain(user, 11, history=history)
    assert found.verdict == ("Yes" if found.score > 0 else "No")
    assert found.verdict == ("Yes" if found.probability > 0.5 else "No")
    assert found.reason.startswith(found.verdict)
    shown = (past(ds, user) if history is None else history)[-10:]
    assert [p.liked for p in found.history] == [liked for _, liked in shown]
    assert [p.title for p in found.history] == [ds.items.titles[ds.items.ids.index(i)] for i, _ in shown]
    assert [name for name, _ in found.gate] == ["global", "expert 1", "expert 2"]
    assert sum(weight for _, weight in found.gate) == pytest.approx(1)
    assert found.score == pytest.approx(model.rank(user, [11], history=history)[0].score, abs=1e-5)


def test_a_ranking_with_reasons_is_the_ranking_and_the_reasons(model: ThinkRec, ds: Dataset) -> None:
    user = ds.user_ids[3]
    plain, said = model.rank(user, top=5), model.rank(user, top=5, reasons=True)
    assert [entry.item for entry in said] == [entry.item for entry in plain]
    assert [entry.score for entry in said] == [entry.score for entry in plain]
    assert [entry.reason for entry in plain] == [None] * 5
    assert [entry.reason for entry in said] == [model.explain(user, entry.item).reason for entry in said]
    newcomer = model.rank(None, ds.items.ids[:3], history=[], reasons=True)
    assert all(entry.reason and entry.reason.startswith(("Yes", "No")) for entry in newcomer)


def test_a_model_that_writes_nonsense_is_not_shown(model: ThinkRec, ds: Dataset) -> None:
    user = ds.user_ids[3]
    own = model.explain(user, ds.items.ids[4], writer="model")
    assert own.writer == "model"
    found = model.explain(user, ds.items.ids[4])
    assert found.writer in ("rules", "plain") and found.reason != own.reason
    assert found.reason.startswith(f"{found.verdict}. ") and found.reason.endswith(".")
    assert found == model.explain(user, ds.items.ids[4], writer="rules")
    assert (model._get_opened().run.folder / "writer.json").is_file()
    kinds = {entry.writer for entry in model.rank(user, top=4, reasons=True)}
    assert kinds <= {"rules", "plain"}
    assert {entry.writer for entry in model.rank(user, top=4)} == {None}


def test_the_recipe_chooses_who_writes(model: ThinkRec, ds: Dataset, monkeypatch) -> None:
    user, item = ds.user_ids[3], ds.items.ids[4]
    for choice, authors in (("model", {"model"}), ("rules", {"rules", "plain"}), ("auto", {"rules", "plain"})):
        changed = model._get_opened().run.recipe.model_copy(update={"writer": choice})
        monkeypatch.setattr(model._get_opened().run, "recipe", changed)
        model._get_opened().get_service()._writers.clear()
        assert model.explain(user, item).writer in authors
        (row,) = model._get_opened().run.test_rows[:1]
        who = build_reason_writer(model._get_opened().run, model._get_opened().variant, model.predictor)
        assert who.explain(np.array([row]), np.array([1.0]))[0].author in authors, "as the report asks"


def test_explain_measures_the_lines_that_it_shows(model: ThinkRec, ds: Dataset) -> None:
    user, item = ds.user_ids[3], ds.items.ids[4]
    bare, found = model.explain(user, item), model.explain(user, item, effects=True)
    assert bare.effects is None and found.effects is not None
    assert replace(found, effects=None) == bare
    assert len(found.effects) == len(found.history) > 2 and np.std(found.effects) > 0
    own = past(ds, user)
    most = int(np.abs(found.effects).argmax())
    gone = [entry for place, entry in enumerate(own) if place != len(own) - len(found.history) + most]
    if len(own) == len(found.history):  # nothing older that could move in
        without = model.explain(user, item, history=gone)
        assert found.score - without.score == pytest.approx(found.effects[most], abs=1e-4)


def test_explain_shows_the_history_of_the_prompt(model: ThinkRec, ds: Dataset) -> None:
    """With blocks the prompt's history begins where a block does, not at the last `history` rows."""
    user = max(ds.user_ids, key=lambda id_: len(past(ds, id_)))
    prompt = model.predictor.prompt.model_copy(update={"history": 4, "history_step": 3})
    service = AnswerService(
        replace(model.predictor, prompt=prompt),
        model._get_opened().get_service().build_writer,
    )
    found = service.explain_item(service.build_query(user, None, None), ds.items.ids[4], "rules")
    known = past(ds, user)
    shown = known[len(known) - len(found.history) :]
    assert [entry.title for entry in found.history] == [ds.items.titles[ds.items.ids.index(i)] for i, _ in shown]
    assert len(found.history) == len(known) - (len(known) - 4) // 3 * 3 != 4


def test_unknown_ids_are_named_with_what_to_do(model: ThinkRec, ds: Dataset) -> None:
    with pytest.raises(DataError, match=r"no viewer with the id 999 .*30 known, such as 1, 2, 3.*give a history"):
        model.rank(999)
    title = ds.items.titles[4]
    with pytest.raises(DataError, match=re.escape(f"5 ({title})")):
        model.explain(1, title[:-1].upper())
    with pytest.raises(DataError, match=r"no film with the id 6000; closest: 60 "):
        model.rank(1, [6000])
    with pytest.raises(DataError, match="no film with the id 'zzz'"):
        model.rank(None, history=[("zzz", True)])
    with pytest.raises(DataError, match="2 users and 1 item"):
        model.score([1, 2], [1])
    with pytest.raises(DataError, match="top is 0"):
        model.rank(1, top=0)


def test_a_half_finished_run_is_refused(saved: Path, tmp_path: Path) -> None:
    shutil.copytree(saved, tmp_path / "half")
    (tmp_path / "half" / "vectors" / "done.json").unlink()
    with pytest.raises(CheckpointError, match=r"stage vectors .* is not finished"):
        thinkrec.load(tmp_path / "half")


def test_save_refuses_a_foreign_folder(model: ThinkRec, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear diary")
    with pytest.raises(CheckpointError, match="is no saved recommender"):
        model.save(tmp_path)
    assert (tmp_path / "letter.txt").read_text() == "dear diary"
