"""Templates: the usual one renders what it always did, and others need no more than a list of segments."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from thinkrec.collab.features.slot_vectors import PlaceholderVectors
from thinkrec.data.dataset import Dataset
from thinkrec.errors import RecipeError
from thinkrec.model.backbone import load_backbone
from thinkrec.prompts import templates
from thinkrec.prompts.answers import AnswerIds, AnswerWords, find_answer_ids
from thinkrec.prompts.config import PromptConfig
from thinkrec.prompts.render import PromptRenderer
from thinkrec.prompts.segments import EmptyHistory, History, SoftTokens, Target, Text, UserVector
from thinkrec.prompts.shared_prefix import SharedPrefix
from thinkrec.prompts.template import Template
from thinkrec.prompts.types import PROMPT_FIELDS, Prompt
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue

GOLDEN = Path(__file__).with_name("ratings_table.json")
"""Digests of prompts as they were before there were templates: of the simulated catalogue, and of MovieLens-1M."""
FIELDS = (
    *("ids", "placeholder_at", "placeholder_vectors", "answer_at", "answer_label", "answer_weight"),
    *("token_at", "token_target", "token_weight", "gate"),
)
CONFIGS = {
    "usual": PromptConfig(),
    "steps": PromptConfig(history=3, history_step=4),
    "cut": PromptConfig(history=12, max_tokens=150),
    "cut to nothing": PromptConfig(history=30, max_tokens=97),
    "few keywords": PromptConfig(keywords=2, history_keywords=1),
    "vectors below alone": PromptConfig(history=5, history_vectors=False),
    "no history": PromptConfig(history=0),
}
GATE = np.array([0.25, 0.75], dtype=np.float32)
DS = simulate_catalogue(SimulatorConfig(users=20, items=50, interactions_per_user=(14, 20)), 21).dataset
ROW = int(DS.interactions.start[4]) - 1


@pytest.fixture(scope="module")
def text() -> SimpleNamespace:
    return SimpleNamespace(tokenizer=load_backbone("nano").tokenizer)


def make_vectors(ds: Dataset) -> PlaceholderVectors:
    return PlaceholderVectors(*np.random.default_rng(0).normal(size=(2, len(ds.interactions), 3)).astype(np.float32))


def list_prompts(renderer: PromptRenderer, rows: np.ndarray, vectors: PlaceholderVectors | None) -> Iterator[Prompt]:
    """Each row in every way that a row is rendered: alone, taught, with a reason, in a group, among candidates."""
    table = renderer.ds.interactions
    for row in map(int, rows):
        reason = f"{'Yes' if table.label[row] else 'No'}. Because the plot | fits."
        for options in ({}, {"with_answer": True, "history_loss": 0.3}, {"with_answer": True, "reason": reason}):
            yield renderer.render_row(row, gate=GATE, vectors=vectors, **options)
        yield renderer.render_row(row, gate=GATE, vectors=vectors, reserve=30)
    for fork in list_forks(renderer, int(rows[-1]), vectors):
        yield from (fork.prefix, *fork.suffixes, *fork.to_prompts())


def list_forks(renderer: PromptRenderer, row: int, vectors: PlaceholderVectors | None) -> Iterator[SharedPrefix]:
    table, items = renderer.ds.interactions, np.arange(30)
    rows = np.arange(table.start[table.user[row]], table.start[table.user[row] + 1])
    for places in renderer.group_by_prefix(rows, np.repeat(GATE[None], len(rows), 0))[0]:
        yield renderer.render_prefix_group(rows[places], gate=GATE, vectors=vectors)
    past, own = renderer.config.get_history_rows(table, row), {}
    if vectors is not None:
        own = {
            "user_vector": vectors.user[row],
            "item_vectors": vectors.item[items],
            "past_vectors": vectors.item[past],
        }
    for _, fork in renderer.render_candidates(items, table.item[past], table.label[past], gate=GATE, **own):
        yield fork


def digest_prompts(name: str, ds: Dataset, rows: np.ndarray, text: SimpleNamespace) -> dict[str, str]:
    digests = {}
    for (key, config), most, vectors in product(CONFIGS.items(), (None, 400), (None, make_vectors(ds))):
        renderer = PromptRenderer(ds, SimpleNamespace(**vars(text), max_positions=most), config)
        digest = hashlib.sha256()
        for prompt in list_prompts(renderer, rows, vectors):
            for field in FIELDS:
                value = np.ascontiguousarray(getattr(prompt, field))
                digest.update(f"{field} {value.dtype} {value.shape}".encode() + value.tobytes())
        digests[f"{name}, {key}, {most}, {'vectors' if vectors else 'text'}"] = digest.hexdigest()[:16]
    return digests


def test_the_usual_template_renders_what_it_always_did(text) -> None:
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    titles = [title + " and so on" * 8 * (i % 3 == 0) for i, title in enumerate(DS.items.titles)]
    rows = np.append(DS.interactions.start[:2], np.arange(0, len(DS.interactions), 29))
    found = digest_prompts("simulated", DS, rows, text)
    found |= digest_prompts("long titles", replace(DS, items=replace(DS.items, titles=titles)), rows, text)
    assert found == {key: value for key, value in golden.items() if not key.startswith("ml1m")}


def test_the_usual_template_renders_movielens_as_always(text) -> None:
    from thinkrec.data.loaders.movielens import load_ml1m_slice
    from thinkrec.errors import DataError
    from thinkrec.run.data_sources import find_data_folder

    try:
        ds = load_ml1m_slice(find_data_folder("ml1m"))
    except DataError as error:
        pytest.skip(str(error))
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    found = digest_prompts("ml1m", ds, np.arange(0, len(ds.interactions), 5003), text)
    assert found == {key: value for key, value in golden.items() if key.startswith("ml1m")}


def test_a_cloze_prompt_shows_liked_titles_alone(text) -> None:
    config = PromptConfig(template="prompt4nr", history=6)
    prompt = PromptRenderer(DS, text, config).render_row(ROW, gate=GATE)
    table, titles = DS.interactions, DS.items.titles
    liked = [row for row in range(ROW - 6, ROW) if table.label[row]]
    assert 0 < len(liked) < 6
    assert text.tokenizer.decode(prompt.ids[1:]).split("\n") == [
        "Films that one viewer enjoyed, oldest first:",
        *(titles[table.item[row]] for row in liked),
        "The next film is about to be rated.",
        f"{titles[table.item[ROW]]}. In the opinion of the viewer it is",
    ]
    assert prompt.answer_at.tolist() == [len(prompt) - 1]
    assert prompt.answer_label.tolist() == [table.label[ROW]]
    shown = PromptRenderer(DS, text, config).list_visible_history(ROW, 0, slots=False)
    assert shown.tolist() == liked


def test_a_cloze_prompt_teaches_its_own_words(text) -> None:
    renderer = PromptRenderer(DS, text, PromptConfig(template="prompt4nr"))
    prompt = renderer.render_row(ROW, gate=GATE, with_answer=True)
    assert prompt.token_target.tolist() == [renderer.answers.get_label_ids()[DS.interactions.label[ROW]]]
    words = [text.tokenizer.decode([token]) for token in renderer.answers.positive + renderer.answers.negative]
    assert words == [" great", " positive", " poor", " negative"], "the words that this tokenizer has, in pairs"


def test_a_prompt_without_a_liked_title_says_so(text) -> None:
    renderer = PromptRenderer(DS, text, PromptConfig(template="prompt4nr"))
    past, labels = np.array([1, 2, 3]), np.array([0, 0, 0])
    prompt = renderer.render_candidate(0, past, labels, gate=GATE)
    assert "None so far.\n" in text.tokenizer.decode(prompt.ids)
    assert "None so far" not in text.tokenizer.decode(
        renderer.render_candidate(0, past, np.array([0, 1, 0]), gate=GATE).ids
    )


@pytest.mark.parametrize("name", templates.TEMPLATES)
@pytest.mark.parametrize("with_vectors", [False, True])
def test_every_template_shares_prefixes_as_if_it_did_not(text, name: str, with_vectors: bool) -> None:
    vectors, table = make_vectors(DS) if with_vectors else None, DS.interactions
    renderer = PromptRenderer(DS, text, PromptConfig(template=name, history=4))
    rows, gates = np.arange(len(table)), np.repeat(GATE[None], len(table), 0)
    shared, apart = renderer.group_by_prefix(rows, gates)
    if templates.get_template(name).history.is_chronological:
        assert shared
    else:
        assert not shared and apart.tolist() == rows.tolist(), "later rows add lines in the middle"
    for places in shared:
        fork = renderer.render_prefix_group(rows[places], gate=GATE, vectors=vectors)
        for row, prompt in zip(rows[places], fork.to_prompts(), strict=True):
            check_equal(prompt, renderer.render_row(int(row), gate=GATE, vectors=vectors))
    *_, candidates = list_forks(renderer, ROW, vectors)
    past, own = renderer.config.get_history_rows(table, ROW), {}
    for item, prompt in enumerate(candidates.to_prompts()):
        if vectors is not None:
            own = {
                "user_vector": vectors.user[ROW],
                "item_vector": vectors.item[item],
                "past_vectors": vectors.item[past],
            }
        alone = renderer.render_candidate(item, table.item[past], table.label[past], gate=GATE, **own)
        check_equal(prompt, alone)


def check_equal(prompt: Prompt, other: Prompt) -> None:
    """All but what is taught, which shared prefixes leave out."""
    for field in PROMPT_FIELDS:
        if not field.startswith("token") and field not in ("answer_label", "answer_weight"):
            np.testing.assert_array_equal(getattr(prompt, field), getattr(other, field), err_msg=field)


def test_soft_tokens_stand_where_their_segments_do_and_take_room(text) -> None:
    def render(n: int, most: int = 1024) -> Prompt:
        segments = (SoftTokens(n), *templates.RATINGS_TABLE.segments[:-1], SoftTokens(2), Target())
        template = Template(segments, templates.RATINGS_TABLE.answers)
        assert template.n_soft_tokens == n + 2
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(templates.TEMPLATES, "soft", template)
            renderer = PromptRenderer(DS, text, PromptConfig(template="soft", max_tokens=most))
            return renderer.render_row(ROW, gate=GATE, vectors=make_vectors(DS))

    hard = PromptRenderer(DS, text, PromptConfig()).render_row(ROW, gate=GATE, vectors=make_vectors(DS))
    soft = render(3)
    assert soft.soft_index.tolist() == [0, 1, 2, 3, 4]
    assert soft.soft_at[:3].tolist() == [1, 2, 3], "behind the beginning of the sequence"
    assert soft.soft_at.dtype == soft.soft_index.dtype == np.int32
    assert text.tokenizer.decode(soft.ids[: soft.soft_at[-2]]).endswith("then say why.\n")
    np.testing.assert_array_equal(np.delete(soft.ids, soft.soft_at), hard.ids)
    np.testing.assert_array_equal(soft.placeholder_vectors, hard.placeholder_vectors)
    assert len(render(40, most=len(hard))) <= len(hard), "room for them is taken from the history"
    assert not len(hard.soft_at)


def test_every_segment_counts_what_it_writes(text) -> None:
    """Where the budget is what a prompt of k lines needs, it shows k lines, whatever the template."""
    every = (
        Text("A {item}.\n"),
        SoftTokens(3),
        History(),
        EmptyHistory("-"),
        UserVector("by"),
        Text("b"),
        Target(" ="),
    )
    for segments in (every, (History(None, with_keywords=False), *every[:2], Target("?", with_keywords=False))):
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(templates.TEMPLATES, "mine", Template(segments, AnswerWords((("Yes", "No"),))))
            for vectors, history in product((None, make_vectors(DS)), (10, 11, 12)):
                whole = PromptRenderer(DS, text, PromptConfig(template="mine", history=history))
                n = len(whole.render_row(ROW, gate=GATE, vectors=vectors))
                for most, lost in ((n, 0), (n - 1, 1)):
                    config = PromptConfig(template="mine", history=history, max_tokens=most)
                    shown = PromptRenderer(DS, text, config).list_visible_history(
                        ROW, int(DS.interactions.item[ROW]), slots=vectors is not None
                    )
                    assert len(shown) == history - lost


def test_a_template_without_a_target_at_its_end_is_refused() -> None:
    for segments in ((History(),), (Target(), History()), (History(), Target(), Text("?")), (Target(),)):
        with pytest.raises(ValueError, match="one History segment and one Target segment, which is the last"):
            Template(segments, AnswerWords((("Yes", "No"),)))


def test_an_unknown_template_is_named_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"no prompt template 'table'; choose one of ratings-table, prompt4nr"):
        PromptConfig(template="table")


def test_answer_words_are_single_tokens_of_one_form_in_pairs() -> None:
    def find(words: dict[str, list[int]], *pairs: tuple[str, str]) -> AnswerIds:
        tokenizer = SimpleNamespace(unk_token_id=0, encode=lambda word, add_special_tokens: words.get(word, [0]))
        return find_answer_ids(AnswerWords(pairs), tokenizer, "tiny")

    both = {" Yes": [4], " No": [5], "Yes": [6], "No": [7]}
    assert find(both, ("Yes", "No")) == AnswerIds((4,), (5,))
    # " Yes" without " No" does not count: both fall back to the form without a space.
    assert find({**both, " No": [0]}, ("Yes", "No")) == AnswerIds((6,), (7,))
    assert find({**both, " No": [8, 9]}, ("Yes", "No")).written_pair == (6, 7)
    assert find({**both, " good": [8], " bad": [9, 9]}, ("good", "bad"), ("Yes", "No")) == AnswerIds((4,), (5,))
    assert find({**both, " good": [8], " bad": [9]}, ("good", "bad"), ("Yes", "No")) == AnswerIds((8, 4), (9, 5))
    with pytest.raises(RecipeError, match=r"tokenizer of tiny has no single tokens for Yes and No \(with or without"):
        find({" Yes": [4], "No": [5]}, ("Yes", "No"))
    with pytest.raises(RecipeError, match="for Yes and No, or for good and bad"):
        find({" Yes": [4], " No": [4]}, ("Yes", "No"), ("good", "bad"))
