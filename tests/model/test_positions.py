"""A backbone with few positions: prompts are cut to them, said once, and refused where nothing is left to cut."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from support.tiny_folder import write_backbone
from support.tiny_lm import make_backbone, make_recommender
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM, OPTConfig, OPTForCausalLM

from thinkrec.data.columns import DataWarning
from thinkrec.data.interactions import TRAIN
from thinkrec.data.query import Query
from thinkrec.engine.generate import generate_greedily
from thinkrec.engine.recommender import Recommender
from thinkrec.errors import DataError
from thinkrec.model.adapters import attach_adapters
from thinkrec.model.backbone import Backbone, BackboneConfig, build_backbone
from thinkrec.model.lora import MultiLoRAConfig
from thinkrec.prompts.config import PromptConfig
from thinkrec.prompts.render import PromptRenderer
from thinkrec.score.predictor import Predictor
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue
from thinkrec.train.config import StageConfig
from thinkrec.train.stages import StageContext, make_global_gate, train_stage

DS = simulate_catalogue(SimulatorConfig(users=30, items=60, interactions_per_user=(16, 24)), 5).dataset
ROWS = DS.interactions.start[1:] - 1
GATE = np.ones(1, dtype=np.float32)
PROMPT = PromptConfig(history=12, keywords=3, history_keywords=3)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory):
    from thinkrec.model.backbone import load_backbone

    return load_backbone(str(write_backbone(tmp_path_factory.mktemp("lm"), DS))).tokenizer


def backbone(kind: str, positions: int, tokenizer) -> Backbone:
    """A random model with learned positions (gpt2, opt), which fails beyond them, or rotary ones (llama)."""
    torch.manual_seed(0)
    n = len(tokenizer)
    if kind == "gpt2":
        model = GPT2LMHeadModel(
            GPT2Config(
                vocab_size=n,
                n_positions=positions,
                n_embd=32,
                n_layer=2,
                n_head=4,
                bos_token_id=1,
                eos_token_id=2,
                initializer_range=0.2,
            )
        )
    elif kind == "opt":
        model = OPTForCausalLM(
            OPTConfig(
                vocab_size=n,
                max_position_embeddings=positions,
                hidden_size=32,
                ffn_dim=48,
                word_embed_proj_dim=32,
                num_hidden_layers=2,
                num_attention_heads=4,
                dropout=0.0,
                init_std=0.2,
            )
        )
    else:
        model = LlamaForCausalLM(
            LlamaConfig(
                vocab_size=n,
                max_position_embeddings=positions,
                hidden_size=32,
                intermediate_size=48,
                num_hidden_layers=2,
                num_attention_heads=4,
            )
        )
    return build_backbone(model, tokenizer, kind, BackboneConfig(source=kind))


def recommender(kind: str, positions: int, tokenizer) -> Recommender:
    bone = backbone(kind, positions, tokenizer)
    targets = ("q_proj", "v_proj") if kind != "gpt2" else ("c_attn",)
    return Recommender(bone, attach_adapters(bone.model, MultiLoRAConfig(n_experts=0, targets=targets))).eval()


def test_architectures_name_their_positions_differently(tokenizer) -> None:
    assert [backbone(kind, 77, tokenizer).max_positions for kind in ("gpt2", "opt", "llama")] == [77, 77, 77]
    assert make_backbone("gemma2").max_positions == 256


@pytest.mark.parametrize("kind", ["opt", "llama", "gpt2"])
def test_prompts_are_cut_to_the_positions_and_score(kind: str, tokenizer) -> None:
    whole = PromptRenderer(DS, backbone(kind, 512, tokenizer), PROMPT)
    lengths = np.array([len(whole.render_row(int(row), gate=GATE)) for row in ROWS])
    positions = int(np.median(lengths))
    assert lengths.max() > positions > lengths.min()
    rec = recommender(kind, positions, tokenizer)
    cut = sum(len(whole.render_row(row, gate=GATE)) > positions for row in range(len(DS.interactions)))
    with pytest.warns(
        DataWarning,
        match=rf"{cut} of {len(DS.interactions)} prompts lose their oldest history lines: "
        rf"they are cut to {positions} tokens \(the positions of the backbone\)",
    ):
        scores = Predictor(DS, rec, PROMPT).score(ROWS)
    assert np.isfinite(scores).all() and scores.std() > 0
    renderer = PromptRenderer(DS, rec.backbone, PROMPT)
    for row, length in zip(ROWS, lengths, strict=True):
        prompt = renderer.render_row(int(row), gate=GATE)
        item, past = int(DS.interactions.item[row]), PROMPT.get_history_rows(DS.interactions, int(row))
        shown = renderer.list_visible_history(int(row), item, slots=False)
        assert len(prompt) <= positions and (length > positions or len(prompt) == length)
        # The newest lines stay, and one more would not have fitted.
        assert shown.tolist() == list(range(past.stop - len(shown), past.stop))
        assert len(prompt.answer_at) - 1 == len(shown)
        if len(shown) < past.stop - past.start:
            more = PROMPT.model_copy(update={"history": len(shown) + 1})
            assert (
                len(PromptRenderer(DS, backbone(kind, 512, tokenizer), more).render_row(int(row), gate=GATE))
                > positions
            )


def test_the_budget_counts_where_it_is_shorter_and_nothing_is_said_where_nothing_is_cut(tokenizer) -> None:
    bone = backbone("opt", 512, tokenizer)
    with pytest.warns(DataWarning, match=r"are cut to 70 tokens \(prompt.max_tokens\)"):
        PromptRenderer(DS, bone, PROMPT.model_copy(update={"max_tokens": 70})).warn_about_truncation(False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        PromptRenderer(DS, bone, PROMPT).warn_about_truncation(True)


@pytest.mark.filterwarnings("ignore::thinkrec.data.columns.DataWarning")
def test_reasons_have_positions_of_their_own(tokenizer) -> None:
    positions, tokens = 150, 16
    rec = recommender("opt", positions, tokenizer)
    system = Predictor(DS, rec, PROMPT)
    prompts = system.render_prompts(ROWS, tokens)
    assert max(map(len, prompts)) + tokens <= positions
    texts = system.explain(ROWS, np.ones(len(ROWS)), tokens=tokens)
    assert len(texts) == len(ROWS)
    cited = system.find_allowed_titles(Query.from_row(DS, int(ROWS[0])), int(DS.interactions.item[ROWS[0]]), tokens)
    shown = len(prompts[0].answer_at) - 1
    assert 0 < shown < PROMPT.history
    # Numbers count the history's lines, the target behind them: no title of a line that was cut is left to cite.
    assert {known.item for known in cited.values()} <= {None, *range(shown + 1)}
    assert len(system.find_allowed_titles(Query.from_row(DS, int(ROWS[0])), int(DS.interactions.item[ROWS[0]]))) > len(
        cited
    )


def test_a_text_ends_with_the_positions_and_says_so(tokenizer) -> None:
    rec = recommender("opt", 64, tokenizer)
    prompt = PromptRenderer(DS, backbone("opt", 512, tokenizer), PROMPT).render_row(int(ROWS[0]), gate=GATE)
    prompt = replace(
        prompt,
        ids=np.resize(prompt.ids, 60),
        **{
            name: np.zeros(0, dtype=getattr(prompt, name).dtype)
            for name in ("answer_at", "answer_label", "answer_weight")
        },
    )
    with pytest.warns(DataWarning, match="1 of 2 texts can have 5 tokens"):
        long, short = generate_greedily(rec, [prompt, replace(prompt, ids=prompt.ids[:20])], 20, first_tokens=[10, 10])
    assert len(long) <= 5 < len(short) + 15
    with pytest.raises(DataError, match="a prompt of 70 tokens for a backbone of 64 positions"):
        generate_greedily(rec, [replace(prompt, ids=np.resize(prompt.ids, 70))], 20)


def test_a_target_that_does_not_fit_by_itself_is_refused_by_name(tokenizer) -> None:
    bone, row = backbone("opt", 16, tokenizer), int(ROWS[0])
    title = DS.items.titles[DS.interactions.item[row]]
    with pytest.raises(DataError, match=r"without any history line, and the backbone 16 positions") as raised:
        PromptRenderer(DS, bone, PROMPT).render_row(row, gate=GATE)
    assert repr(title) in str(raised.value)
    with pytest.raises(DataError, match="backbone 16 positions"):
        PromptRenderer(DS, bone, PROMPT).render_candidates(
            np.array([0, 1]), np.zeros(0, int), np.zeros(0, int), gate=GATE
        )


@pytest.mark.filterwarnings("ignore::thinkrec.data.columns.DataWarning")
def test_a_stage_trains_within_the_positions(tokenizer, tmp_path: Path) -> None:
    from thinkrec.train.model_config import ThinkRecConfig

    rec = recommender("opt", 150, tokenizer)
    stage = StageConfig(train=("global",), subsample_stride=4, batch_tokens=512, evals_per_epoch=1, max_valid_rows=20)
    train = np.flatnonzero(DS.interactions.split == TRAIN)
    reasons = {int(row): ("Yes" if DS.interactions.label[row] else "No") + ". It shares a word." for row in train[:40]}
    teaching = StageContext(DS, ThinkRecConfig(prompt=PROMPT), reasons, 0, False, Accelerator())
    found = train_stage(teaching, Predictor(DS, rec, PROMPT), stage, tmp_path, "stage", make_global_gate(0))
    assert found["log"][-1]["loss"] > 0


def test_the_tiny_recommender_has_no_limit_that_matters() -> None:
    assert make_recommender().backbone.max_positions == 256
