"""Which prompts a pass holds where plans are taught: all that it held before, and plan-first rows behind them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from support.opposite_tastes import backbone as make_backbone
from support.opposite_tastes import data_set, model, teaching

from thinkrec.model.backbone import load_backbone
from thinkrec.prompts.config import PromptConfig
from thinkrec.prompts.plan_renderer import PlanRenderer
from thinkrec.prompts.types import Prompt
from thinkrec.train import stages
from thinkrec.train.model_config import ReasonConfig, ThinkRecConfig
from thinkrec.train.plan_teacher import PlanTeacher

DS = data_set()
TABLE = DS.interactions


def write_reason(row: int) -> str:
    past = TABLE.get_history_rows(row, 3)
    cited = " and ".join(f"'{DS.items.titles[TABLE.item[place]]}'" for place in past[::2])
    return f"{'Yes' if TABLE.label[row] else 'No'}. It is because of {cited}."


REASONS = {int(row): write_reason(int(row)) for row in np.flatnonzero(TABLE.split == 0)[3::4]}


@pytest.fixture(scope="module")
def lm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_backbone(tmp_path_factory.mktemp("plans") / "lm")


def list_prompts(lm: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, epoch: int = 0, **reasons: Any):
    """The prompts of a pass of stage 1, and the tokenizer."""
    passes: list[list[Prompt]] = []

    def read_pass(recommender, prompts, check, config, folder, **_):
        passes.append(list(prompts(epoch)))
        return [{"step": 1, "value": 0.5}]

    monkeypatch.setattr(stages, "fit_stage", read_pass)
    monkeypatch.setattr(stages.checkpoint, "save_recommender", lambda *_: None)
    context = teaching(DS, model(lm, reasons={"source": "rules", **reasons}), REASONS)
    stages.train_global_adapter(context, tmp_path)
    return passes[0], context.build_recommender(0).backbone.tokenizer


def test_plan_first_rows_are_added_and_all_others_stay(lm, monkeypatch, tmp_path: Path) -> None:
    plain, tokenizer = list_prompts(lm, monkeypatch, tmp_path, share=0.2)
    planned, _ = list_prompts(lm, monkeypatch, tmp_path, share=0.2, plan_share=0.25)
    for before, after in zip(plain, planned, strict=False):
        for name in ("ids", "answer_at", "answer_weight", "token_at", "token_target", "token_weight"):
            np.testing.assert_array_equal(getattr(before, name), getattr(after, name))
    assert len(planned) - len(plain) == round(len(plain) / 3)
    for prompt in planned[len(plain) :]:
        text = str(tokenizer.decode(prompt.ids))
        assert text.rstrip().endswith("|") and "'" not in text.splitlines()[0]
        assert prompt.answer_at[-1] == len(prompt) - 1 == prompt.token_at[-1]


def test_each_pass_draws_other_plan_first_rows(lm, monkeypatch, tmp_path: Path) -> None:
    first, _ = list_prompts(lm, monkeypatch, tmp_path, plan_share=0.25)
    again, _ = list_prompts(lm, monkeypatch, tmp_path, plan_share=0.25)
    second, _ = list_prompts(lm, monkeypatch, tmp_path, 1, plan_share=0.25)
    last = [[tuple(prompt.ids) for prompt in prompts[-20:]] for prompts in (first, again, second)]
    assert last[0] == last[1] != last[2]


def test_prose_follows_the_verdict_where_it_is_asked_for(lm, monkeypatch, tmp_path: Path) -> None:
    without, _ = list_prompts(lm, monkeypatch, tmp_path, plan_share=0.25)
    prose, tokenizer = list_prompts(lm, monkeypatch, tmp_path, plan_share=0.25, plan_prose=True)
    assert [tuple(p.ids) for p in without[:-5]] != [tuple(p.ids) for p in prose[:-5]]
    for short, long in zip(without[-5:], prose[-5:], strict=True):
        np.testing.assert_array_equal(long.ids[: len(short)], short.ids)
        assert "because" in tokenizer.decode(long.ids[len(short) :])
        assert long.answer_at[-1] == short.answer_at[-1]
        assert long.token_target[-1] == tokenizer.eos_token_id


def test_plans_of_the_rules_are_of_any_train_row_and_do_not_know_its_label() -> None:
    text: Any = SimpleNamespace(tokenizer=load_backbone("nano").tokenizer)
    config = ReasonConfig(source="rules", plan_share=0.2, plan_source="rules")
    teacher = PlanTeacher(DS, PlanRenderer(DS, text, PromptConfig(history=3)), config, REASONS)
    np.testing.assert_array_equal(teacher.select_rows(), np.flatnonzero(TABLE.split == 0))
    turned = replace(TABLE, label=1 - TABLE.label)
    for row in teacher.select_rows()[::7]:
        past = TABLE.get_history_rows(int(row), 3)
        items, labels = TABLE.item[past], TABLE.label[past]
        plan = teacher.make_plan(int(row), items, labels)
        other = PlanTeacher(replace(DS, interactions=turned), teacher.renderer, config, {})
        assert other.make_plan(int(row), items, labels) == plan
        prompt = teacher.render_row(int(row), gate=np.ones(1, dtype=np.float32))
        assert text.tokenizer.decode(prompt.ids).endswith(f"|{plan}")


@pytest.mark.parametrize(
    ("reasons", "message"),
    [
        ({"source": "none", "plan_share": 0.2}, "needs reasons to take plans from"),
        ({"source": "rules", "plan_share": 0.2, "plan_source": "rules", "plan_prose": True}, "plan_source: reason"),
    ],
)
def test_settings_that_do_not_fit_are_refused(reasons: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ThinkRecConfig.model_validate({"reasons": reasons})
    ThinkRecConfig.model_validate({"reasons": {**reasons, "plan_share": 0.0}})
    with pytest.raises(ValidationError, match="prompt4nr has no form in which a plan comes first"):
        ThinkRecConfig.model_validate(
            {"reasons": {"source": "rules", "plan_share": 0.2}, "prompt": {"template": "prompt4nr"}}
        )
