"""The scripts that made nano: drills ask what they say, can be solved, and the drafted start is a start."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from curriculum import mixture
from drills import Drills, copying
from model import Text, build
from sklearn.metrics import roc_auc_score

from thinkrec.data.dataset import Domain
from thinkrec.engine.batch import collate_prompts

ROOT = Path(__file__).parents[2]
DOMAIN = Domain(item="film", items="films", user="viewer")


@pytest.fixture(scope="module")
def made():
    """Text, a maker of drills, and 40 of the easiest."""
    text = Text(ROOT / "src" / "thinkrec" / "model" / "nano")
    drills, rng = Drills(text), np.random.default_rng(0)
    return text, drills, [drills.make(rng, DOMAIN, 0.0, quoting=0.4) for _ in range(40)]


def test_every_label_of_a_drill_is_asked_for_and_the_last_is_not_shown(made) -> None:
    text, drills, _ = made
    for hard in (0.0, 0.5, 1.0):
        prompt = drills.make(np.random.default_rng(1), DOMAIN, hard, quoting=0.4).prompt
        shown = prompt.ids[prompt.answer_at[:-1] + 1]
        np.testing.assert_array_equal(shown, np.array([text.no_id, text.yes_id])[prompt.answer_label[:-1]])
        assert prompt.answer_at[-1] == len(prompt) - max(1, len(prompt.token_at))
        bar = text.tokenizer(" |", add_special_tokens=False)["input_ids"][-1]
        assert (prompt.ids[prompt.answer_at] == bar).all()


def test_a_drill_quotes_lines_with_the_verdict_of_the_last_and_most_like_it(made) -> None:
    text, _, lessons = made
    quoting = [lesson.prompt for lesson in lessons if len(lesson.prompt.token_at)]
    assert 5 < len(quoting) < 35
    for prompt in quoting:
        said = text.tokenizer.decode(prompt.token_target)
        assert said.startswith([" No. '", " Yes. '"][prompt.answer_label[-1]]) and said.endswith("'.<|end|>")
        np.testing.assert_array_equal(prompt.ids[prompt.token_at[1:]], prompt.token_target[:-1])
        lines = text.tokenizer.decode(prompt.ids).split("\n")[1:]
        verdict = said.split(".")[0]
        for name in said.split(". ", 1)[1].removesuffix(".<|end|>").split(" and "):
            assert any(line.startswith(name.strip("'") + " |") and line.endswith(verdict) for line in lines), said


def test_with_verdicts_only_no_lesson_goes_on_after_its_verdict(made) -> None:
    drills = made[1]
    for done in (0.0, 0.3, 0.9):
        mixed = mixture(done, 1.0, verdicts_only=True)
        assert (mixed.reasons, mixed.quoting) == (0.0, 0.0)
        lesson = drills.make(np.random.default_rng(3), DOMAIN, 1.0, quoting=mixed.quoting)
        assert not len(lesson.prompt.token_at)
    told = mixture(0.9, 1.0, verdicts_only=False)
    assert told.reasons > 0 and told.quoting > 0


def test_the_teacher_reads_the_rule_from_the_lines_above(made) -> None:
    lessons = made[2]
    late = [np.arange(len(lesson.truth)) >= 8 for lesson in lessons]
    truth = np.concatenate([lesson.truth[m] > 0.5 for lesson, m in zip(lessons, late, strict=True)])
    belief = np.concatenate([lesson.belief[m] for lesson, m in zip(lessons, late, strict=True)])
    assert roc_auc_score(truth, belief) > 0.9


def started(text, plain: bool):
    """A model at the start of pre-training, drafted or not."""
    torch.manual_seed(0)
    shape = SimpleNamespace(hidden=192, layers=4, heads=4, head_dim=64, theta=1e8, plain_start=plain)
    return build(text, shape).eval()


@torch.no_grad()
def test_a_drafted_start_already_compares_lines_and_a_plain_one_does_not(made) -> None:
    text, _, lessons = made
    batch = collate_prompts([lesson.prompt for lesson in lessons], text.tokenizer.pad_token_id)
    last = np.concatenate([np.arange(len(lesson.truth)) >= 8 for lesson in lessons])
    truth = np.concatenate([lesson.truth > 0.5 for lesson in lessons])

    def ranked(plain: bool) -> float:
        model = started(text, plain)
        hidden = model.model(input_ids=batch.ids).last_hidden_state
        weight = model.lm_head.weight
        score = hidden[batch.answer_at[:, 0], batch.answer_at[:, 1]] @ (weight[text.yes_id] - weight[text.no_id])
        return float(roc_auc_score(truth[last], score.numpy()[last]))

    assert ranked(plain=False) > 0.7
    assert ranked(plain=True) < 0.65


@torch.no_grad()
def test_a_drafted_start_leans_towards_what_followed_the_same_word_before(made) -> None:
    text, drills, _ = made
    ids = torch.from_numpy(copying(np.random.default_rng(0), drills.words, rows=8, length=128))

    def middle_rank(plain: bool) -> float:
        """Median place of the next token among all, where its word and the one before it stood side by side before."""
        logits = started(text, plain)(input_ids=ids).logits[:, :-1]
        wanted = logits.gather(-1, ids[:, 1:, None])
        place = (logits > wanted).sum(-1)
        pair = ids[:, :-1] * logits.shape[-1] + ids[:, 1:]
        seen = torch.stack([(pair[:, :t] == pair[:, t : t + 1]).any(1) for t in range(pair.shape[1])], dim=1)
        return float(place[seen].float().median())

    assert middle_rank(plain=False) < 1000 < 2000 < middle_rank(plain=True)
