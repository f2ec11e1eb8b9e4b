"""Reasons from a system that may cite only what the row shows, by the embedded backbone."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from thinkrec.claims.cases import build_cases
from thinkrec.claims.citations import Catalogue
from thinkrec.data.query import Query
from thinkrec.decoding.claim_rules import GroundingRules
from thinkrec.decoding.config import DecodingConfig
from thinkrec.decoding.free_citations import FreeCitations
from thinkrec.decoding.policy import Cite
from thinkrec.decoding.repetition import has_repeated_ngram
from thinkrec.decoding.vocabulary import build_vocabulary
from thinkrec.engine.generate import generate_greedily
from thinkrec.engine.recommender import Recommender
from thinkrec.errors import DataError
from thinkrec.evaluate.grounding.results import GroundingResults, evaluate_grounding
from thinkrec.model.adapters import attach_adapters
from thinkrec.model.backbone import load_backbone
from thinkrec.model.lora import MultiLoRAConfig
from thinkrec.prompts.config import PromptConfig
from thinkrec.score.deciding_lines import LENIENT, STRICT, compute_strengths, select_deciding_lines
from thinkrec.score.explainer import decode_token_ids, write_reasons
from thinkrec.score.line_effects import compute_line_effects
from thinkrec.score.predictor import Predictor
from thinkrec.score.sample_choice import count_case_agreement
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue

WORLD = simulate_catalogue(SimulatorConfig(users=20, items=80), 9)
DS = WORLD.dataset
ROWS = DS.interactions.get_split_rows(2)[:6]
SCORES = np.array([1.0, -1.0, 1.0, -1.0, 1.0, -1.0])


@pytest.fixture(scope="module")
def system() -> Predictor:
    backbone = load_backbone("nano")
    experts = attach_adapters(backbone.model, MultiLoRAConfig(rank=2, alpha=4, n_experts=0))
    return Predictor(DS, Recommender(backbone, experts).eval(), PromptConfig(history=5))


def grounded(texts: list[str]) -> GroundingResults:
    cases = build_cases(DS, ROWS, 5, scores=SCORES)
    return evaluate_grounding(texts, cases, DS.interactions.user[ROWS], DS.items.titles, draws=20)


def test_citations_are_kept_to_the_history_and_the_target(system: Predictor) -> None:
    it, titles = DS.interactions, DS.items.titles
    for row in ROWS:
        shown = {titles[i] for i in (*it.item[it.get_history(int(row), 5)], it.item[row])}
        assert set(system.find_allowed_titles(Query.from_row(DS, int(row)), int(it.item[row]))) == {
            title.rpartition(" (")[0] for title in shown
        }
    free = grounded(system.explain(ROWS, SCORES, tokens=40)).rows
    kept = grounded(system.explain(ROWS, SCORES, tokens=40, cite="history")).rows
    assert sum(row.in_history for row in free) >= 0.9 * sum(row.citations for row in free) > 0, "it was taught to copy"
    assert sum(row.citations for row in kept) > 0
    assert all(row.citations == row.in_history for row in kept)
    assert all(row.agrees for row in kept), "verdicts are forced"


def test_verdicts_can_be_left_to_the_model(system: Predictor) -> None:
    texts = system.explain(ROWS[:2], None, tokens=3)
    assert len(texts) == 2
    forced = replace(system).explain(ROWS[:2], np.array([1.0, -1.0]), tokens=3)
    assert [text.split()[0].strip(".,") for text in forced] == ["Yes", "No"]


def test_what_may_be_cited_carries_its_label(system: Predictor) -> None:
    it, seen = DS.interactions, set()
    for row in ROWS:
        past = it.get_history(int(row), 5)
        found = system.find_allowed_titles(Query.from_row(DS, int(row)), int(it.item[row]))
        signs = {}
        for item, label in zip(it.item[past], it.label[past], strict=True):
            signs.setdefault(DS.items.titles[item].rpartition(" (")[0], set()).add(1 if label else -1)
        target = DS.items.titles[it.item[row]].rpartition(" (")[0]
        seen.update(*signs.values())
        for title, known in found.items():
            assert known.is_target is (title == target)
            if title != target and len(signs[title]) == 1:
                assert {known.polarity} == signs[title]
    assert seen == {-1, 1}


@pytest.mark.parametrize(("cite", "share"), [("deciding", LENIENT), ("deciding_and_keywords", STRICT)])
def test_deciding_titles_are_those_whose_lines_moved_the_score_as_they_say(
    system: Predictor, cite: Cite, share: float
) -> None:
    queries = [Query.from_row(DS, int(row)) for row in ROWS]
    allowed = system.list_allowed_titles(queries, cite)
    assert [len(titles) for titles in system.list_allowed_titles(queries, "polarity")] == [2, 6, 6, 6, 6, 6]
    counts = set()
    for query, titles, effects in zip(queries, allowed, compute_line_effects(system, queries, flip=False), strict=True):
        chosen = select_deciding_lines(effects, share)
        lines = effects.places[chosen]
        wanted = {DS.items.titles[item].rpartition(" (")[0] for item in (*query.items[lines], query.candidates[0])}
        assert set(titles) == wanted
        assert [title.is_target for title in titles.values()].count(True) == 1
        strengths = sorted(title.strength for title in titles.values() if not title.is_target)
        assert strengths == pytest.approx(sorted(compute_strengths(effects)[chosen]), abs=1e-4)
        counts.add(len(titles))
    assert len(counts) > 1, "rows differ in how many lines decide"


def test_a_name_of_several_lines_needs_all_of_them_and_the_targets_none(system: Predictor) -> None:
    query = Query.from_row(DS, int(ROWS[1]))
    past = system.find_visible_past(query, int(query.candidates[0]))
    items = query.items.copy()
    items[past[1]] = items[past[0]]  # rated twice
    items[past[2]] = query.candidates[0]  # the target, rated before
    twice = replace(query, items=items)

    def list_names(lines: list[int]) -> set[str]:
        strengths = dict.fromkeys(past[lines].tolist(), 0.5)
        return set(system.find_allowed_titles(twice, int(query.candidates[0]), 0, strengths))

    name, target, other = (DS.items.titles[items[past[n]]].rpartition(" (")[0] for n in (0, 2, 3))
    assert list_names([0, 1, 3]) == {name, target, other}
    assert list_names([0, 3]) == {target, other}
    assert list_names([]) == {target}


@pytest.mark.parametrize("cite", ["any", "history", "polarity", "polarity_and_keywords"])
def test_by_default_the_most_likely_words_are_written_as_they_always_were(system: Predictor, cite: Cite) -> None:
    """The plain way, letter by letter: one row, no chooser, and under a policy its rules as they are by default."""
    words = build_vocabulary(system.recommender.backbone.tokenizer)
    texts = system.explain(ROWS[:3], SCORES[:3], tokens=40, cite=cite)
    for row, score, text in zip(ROWS[:3].tolist(), SCORES[:3], texts, strict=True):
        titles = system.find_allowed_titles(Query.from_row(DS, row), int(DS.interactions.item[row]), 40)
        rules = None if cite == "any" else GroundingRules(words, titles, cite)
        first = system.recommender.answers.written_pair[0 if score > 0 else 1]
        (ids,) = generate_greedily(
            system.recommender,
            system.render_prompts(np.array([row]), 40),
            40,
            [int(first)],
            [None if rules is None else rules.constraint],
        )
        plain = decode_token_ids(system.recommender.backbone.tokenizer, ids)
        assert text == (plain if rules is None else rules.drop_untrue_sentences(plain))


def test_draws_do_not_depend_on_the_batch_and_the_best_sample_is_shown(system: Predictor) -> None:
    drawn = DecodingConfig(temperature=1.0, top_p=0.95, seed=3)
    together = system.explain(ROWS[:4], SCORES[:4], tokens=40, decoding=drawn)
    alone = [system.explain(ROWS[i : i + 1], SCORES[i : i + 1], tokens=40, decoding=drawn)[0] for i in (2, 0)]
    assert alone == [together[2], together[0]]
    assert together != system.explain(ROWS[:4], SCORES[:4], tokens=40)
    assert together != system.explain(ROWS[:4], SCORES[:4], tokens=40, decoding=drawn.model_copy(update={"seed": 4}))
    for choose_by in ("agreement", "likelihood"):
        several = drawn.model_copy(update={"n_samples": 3, "choose_by": choose_by})
        best = system.explain(ROWS[:2], SCORES[:2], tokens=40, decoding=several)
        # The first sample is what one sample alone would be: so a choice that always takes it would show.
        assert best != together[:2] and best == system.explain(ROWS[:2], SCORES[:2], tokens=40, decoding=several)


def test_agreement_chooses_what_the_prompt_bears_out(system: Predictor) -> None:
    several = DecodingConfig(temperature=1.2, n_samples=4, seed=1)
    one = several.model_copy(update={"n_samples": 1})

    def count_faults(texts: list[str]) -> int:
        cases = build_cases(DS, ROWS, 5, scores=SCORES)
        catalogue = Catalogue(DS.items.titles)
        return sum(count_case_agreement(t, c, catalogue)[0] for t, c in zip(texts, cases, strict=True))

    drawn = count_faults(system.explain(ROWS, SCORES, tokens=40, decoding=one))
    assert count_faults(system.explain(ROWS, SCORES, tokens=40, decoding=several)) < drawn


def test_words_in_a_row_stand_once_without_a_policy(system: Predictor) -> None:
    free = system.explain(ROWS, SCORES, tokens=60)
    once = system.explain(ROWS, SCORES, tokens=60, decoding=DecodingConfig(no_repeat_ngram=2))

    def count_repeats(texts: list[str]) -> int:
        reader = FreeCitations(build_vocabulary(system.recommender.backbone.tokenizer))
        marked = [reader.mark_titles(text) for text in texts]
        return sum(has_repeated_ngram(text[: m.end()], 2) for text in marked for m in re.finditer(r"\w(?!\w)", text))

    assert count_repeats(free) > 0 == count_repeats(once)


def test_samples_chosen_by_agreement_need_a_reader() -> None:
    with pytest.raises(DataError, match="count_agreement"):
        write_reasons(None, [], None, tokens=4, decoding=DecodingConfig(temperature=1.0, n_samples=2))  # type: ignore[arg-type]
