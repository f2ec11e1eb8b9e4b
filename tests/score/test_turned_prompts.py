"""Reasons in contrast to prompts whose labels are turned, by the embedded backbone."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest

from thinkrec.data.columns import DataWarning
from thinkrec.data.query import Query
from thinkrec.decoding.config import DecodingConfig
from thinkrec.engine.contrast import PromptContrast
from thinkrec.engine.generate import generate_greedily
from thinkrec.engine.recommender import Recommender
from thinkrec.errors import DataError, RecipeError
from thinkrec.model.adapters import attach_adapters
from thinkrec.model.backbone import load_backbone
from thinkrec.model.lora import MultiLoRAConfig
from thinkrec.prompts.config import PromptConfig
from thinkrec.run.recipe import parse_recipe
from thinkrec.score.explainer import decode_token_ids, write_reasons
from thinkrec.score.predictor import Predictor
from thinkrec.score.turned_prompts import check_turned_prompts
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue

DS = simulate_catalogue(SimulatorConfig(users=20, items=80), 9).dataset
ROWS = DS.interactions.get_split_rows(2)[1:4]
SCORES = np.array([1.0, -1.0, 1.0])
CONTRAST = DecodingConfig(label_contrast=1.0)


@pytest.fixture(scope="module")
def system() -> Predictor:
    backbone = load_backbone("nano")
    experts = attach_adapters(backbone.model, MultiLoRAConfig(rank=2, alpha=4, n_experts=0))
    return Predictor(DS, Recommender(backbone, experts).eval(), PromptConfig(history=5, reason_sides=True))


def render_texts(system: Predictor, turned: bool) -> list[str]:
    decode = system.recommender.backbone.tokenizer.decode
    return [str(decode(prompt.ids)) for prompt in system.render_prompts(ROWS, 40, turned=turned)]


def test_history_lines_have_the_opposite_words_and_all_else_stays(system: Predictor) -> None:
    n_turned = 0
    for plain, turned in zip(render_texts(system, False), render_texts(system, True), strict=True):
        for line, other in zip(plain.splitlines(), turned.splitlines(), strict=True):
            if line.startswith(("liked: ", "disliked: ")):
                side, rest = line.split(": ", 1)
                item, label = rest.rsplit(" | ", 1)
                opposite = {"liked": "disliked", "disliked": "liked", "Yes": "No", "No": "Yes"}
                assert other == f"{opposite[side]}: {item} | {opposite[label]}"
                n_turned += 1
            else:
                assert other == line
    assert n_turned == 15


def test_a_label_within_a_cloze_is_turned(system: Predictor) -> None:
    cloze = replace(system, prompt=PromptConfig(history=5, template="prompt4nr-labelled"))
    yes, no = (cloze.renderer.tokenizer.decode(token).strip() for token in cloze.renderer.answers.written_pair)
    words = {yes: no, no: yes}
    n_turned = 0
    for plain, turned in zip(render_texts(cloze, False), render_texts(cloze, True), strict=True):
        for line, other in zip(plain.splitlines(), turned.splitlines(), strict=True):
            rest, _, label = line.rpartition(" ")
            assert other == (f"{rest} {words[label]}" if label in words else line)
            n_turned += label in words
    assert n_turned == 15


def test_items_of_two_lists_change_their_heading(system: Predictor) -> None:
    lists = replace(system, prompt=PromptConfig(history=5, template="tallrec"))
    for plain, turned in zip(render_texts(lists, False), render_texts(lists, True), strict=True):
        (liked, disliked), (now_liked, now_disliked) = (
            text.split("liked, oldest first:\n")[1].split("Films that")[0:1]
            + text.split("did not like, oldest first:\n")[1].split("Would")[0:1]
            for text in (plain, turned)
        )
        assert (liked, disliked) == (now_disliked, now_liked)


def test_rows_and_queries_have_the_same_turned_prompts(system: Predictor) -> None:
    for row, prompt in zip(ROWS, system.render_prompts(ROWS, 40, turned=True), strict=True):
        ((_, shared),) = system.render_candidates(Query.from_row(DS, int(row)), 40, turned=True)
        np.testing.assert_array_equal(shared.to_prompts()[0].ids, prompt.ids)


@pytest.mark.parametrize("drawn", [{}, {"temperature": 0.8, "n_samples": 2, "choose_by": "likelihood"}])
def test_reasons_are_written_in_contrast(system: Predictor, drawn: dict) -> None:
    config = CONTRAST.model_copy(update=drawn)
    texts = system.explain(ROWS, SCORES, tokens=40, decoding=config)
    assert texts != system.explain(ROWS, SCORES, tokens=40, decoding=DecodingConfig(**drawn))
    alone = [system.explain(ROWS[[at]], SCORES[[at]], tokens=40, decoding=config)[0] for at in range(3)]
    assert texts == alone
    by_query = [
        system.explain_query(Query.from_row(DS, int(row)), SCORES[[at]], tokens=40, decoding=config)[0]
        for at, row in enumerate(ROWS)
    ]
    assert texts == by_query
    if not drawn:
        contrast = PromptContrast(system.render_prompts(ROWS, 40, turned=True), 1.0, 0.1)
        first = np.where(SCORES > 0, *system.recommender.answers.written_pair).tolist()
        prompts = system.render_prompts(ROWS, 40)
        written = generate_greedily(system.recommender, prompts, 40, first, contrast=contrast)
        assert texts == [decode_token_ids(system.recommender.backbone.tokenizer, ids) for ids in written]


def test_rules_hold_in_contrast(system: Predictor) -> None:
    texts = system.explain(ROWS, SCORES, tokens=60, cite="polarity", decoding=CONTRAST)
    assert texts != system.explain(ROWS, SCORES, tokens=60, cite="polarity")
    for row, text in zip(ROWS, texts, strict=True):
        names = system.find_allowed_titles(Query.from_row(DS, int(row)), int(DS.interactions.item[row]), 60)
        assert set(text.split("'")[1::2]) <= set(names)


def test_templates_without_labels_refuse_and_rows_without_history_are_counted(system: Predictor) -> None:
    for template in ("ratings-table-unlabelled", "collm", "prompt4nr"):
        unlabelled = replace(system, prompt=PromptConfig(history=5, template=template))
        with pytest.raises(RecipeError, match=f"template {template} tell none, or only what was liked"):
            unlabelled.explain(ROWS, SCORES, tokens=4, decoding=CONTRAST)
    query = Query.from_ratings(DS, None, np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int8), np.arange(2))
    with pytest.warns(DataWarning, match="2 of 2 prompts show no labelled history line"):
        texts = system.explain_query(query, SCORES[:2], tokens=20, decoding=CONTRAST)
    assert texts == system.explain_query(query, SCORES[:2], tokens=20)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        system.explain(ROWS, SCORES, tokens=2, decoding=CONTRAST)


def test_recipes_without_labels_refuse_before_they_train() -> None:
    recipe = {
        "name": "x",
        "data": {"kind": "simulator"},
        "model": {"kind": "thinkrec", "prompt": {"template": "ratings-table-unlabelled"}},
        "decoding": {"label_contrast": 0.5},
    }
    with pytest.raises(RecipeError, match="label_contrast turns the labels of history lines"):
        parse_recipe(recipe, "x.yaml")
    recipe["decoding"] = {"label_contrast": 0}
    parse_recipe(recipe, "x.yaml")


def test_prompts_with_nothing_to_turn_are_counted(system: Predictor) -> None:
    prompts, turned = (system.render_prompts(ROWS, 4, turned=turned) for turned in (False, True))
    with pytest.warns(DataWarning, match="1 of 3 prompts"):
        check_turned_prompts(prompts, [*turned[:2], prompts[2]], system.prompt)


def test_turned_prompts_are_needed(system: Predictor) -> None:
    prompts = system.render_prompts(ROWS, 4)
    with pytest.raises(DataError, match="0 prompts with turned labels for 3 prompts"):
        write_reasons(system.recommender, prompts, None, tokens=4, decoding=CONTRAST)
