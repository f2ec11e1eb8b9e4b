from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from support.tiny_lm import GATES, make_prompt, make_prompts, make_recommender

from thinkrec.engine.batch import collate_prompts, split_by_token_budget
from thinkrec.engine.capabilities import detect_capabilities
from thinkrec.engine.generate import generate_greedily
from thinkrec.engine.hooks import UnsupportedAttentionError
from thinkrec.engine.packing import pack_prompts
from thinkrec.engine.parts import set_trainable_parts
from thinkrec.engine.recommender import Capabilities, Recommender, compute_scores
from thinkrec.errors import DataError, RecipeError

KINDS = ("llama", "llama-tied", "qwen2", "gpt_neox", "gemma2", "granite", "cohere")


@pytest.mark.parametrize("kind", KINDS)
def test_logits_are_those_of_the_backbones_own_forward(kind: str) -> None:
    rec = make_recommender(kind)
    batch = collate_prompts(
        [
            replace(p, placeholder_at=p.placeholder_at[:0], placeholder_vectors=p.placeholder_vectors[:0])
            for p in make_prompts()
        ],
        0,
    )
    with torch.no_grad():
        answers = rec.compute_answer_logits(rec.gather_hidden(batch, batch.answer_at))
        tokens = rec.compute_next_token_logits(rec.gather_hidden(batch, batch.token_at))
        with rec.adapters.routing.use_weights(batch.gate):
            full = rec.model(input_ids=batch.ids).logits
    row, at = batch.answer_at.T
    torch.testing.assert_close(answers, full[row, at][:, [4, 5]], atol=1e-5, rtol=1e-4)
    row, at = batch.token_at.T
    torch.testing.assert_close(tokens, full[row, at], atol=1e-5, rtol=1e-4)
    assert rec.answers.written_pair == (4, 5)


def test_a_heads_bias_counts() -> None:
    rec = make_recommender()
    batch = collate_prompts(make_prompts(), 0)
    before = rec.score(batch)
    head = rec.model.get_output_embeddings()
    head.bias = torch.nn.Parameter(torch.zeros(head.out_features))
    with torch.no_grad():
        head.bias[4], head.bias[5] = 2.0, -1.0
    torch.testing.assert_close(rec.score(batch), before + 3)


@pytest.mark.parametrize("kind", ["llama", "qwen2", "gpt_neox"])
def test_neither_padding_nor_company_changes_a_score(kind: str) -> None:
    rec, prompts = make_recommender(kind), make_prompts()
    together = rec.score(collate_prompts(prompts, 0))
    alone = torch.cat([rec.score(collate_prompts([p], 0)) for p in prompts])
    assert alone.std() > 0.1
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(rec.score(collate_prompts(prompts, 2)), together, atol=1e-5, rtol=1e-5)
    order = [3, 0, 4, 2, 1]
    moved = rec.score(collate_prompts([prompts[i] for i in order], 0))
    torch.testing.assert_close(moved, together[order], atol=1e-5, rtol=1e-5)
    spread = torch.zeros(5)
    for b in split_by_token_budget(np.array([len(p) for p in prompts]), 40, 1):
        spread[b] = rec.score(collate_prompts([prompts[i] for i in b], 0))
    torch.testing.assert_close(spread, together, atol=1e-5, rtol=1e-5)


def test_each_row_uses_its_own_gate() -> None:
    rec, rng = make_recommender(), np.random.default_rng(0)
    base = make_prompt(rng)
    rows = [replace(base, gate=np.array(g, np.float32)) for g in GATES]
    scores = rec.score(collate_prompts(rows, 0))
    assert len({round(s, 4) for s in scores.tolist()}) == len(GATES)
    plain = rec.score(collate_prompts([replace(base, gate=np.ones(1, np.float32))], 0))
    torch.testing.assert_close(plain, scores[:1])
    with pytest.raises(RecipeError, match="gate has 1 experts, the model 3"):
        rec.score(collate_prompts([replace(base, gate=np.array([0, 1], np.float32))], 0))


def test_slots_replace_their_own_positions_and_nothing_else() -> None:
    rec, prompts = make_recommender(), make_prompts()
    batch = collate_prompts(prompts, 0)
    embeds, tokens = rec.embed(batch), rec.model.get_input_embeddings()(batch.ids)
    changed = (embeds != tokens).any(-1)
    want = torch.zeros_like(changed)
    want[batch.placeholder_at[:, 0], batch.placeholder_at[:, 1]] = True
    assert torch.equal(changed, want)
    assert rec.projector is not None
    row, at = batch.placeholder_at[3]
    torch.testing.assert_close(embeds[row, at], rec.projector(batch.placeholder_vectors[3]))
    # The id that stands under a slot is without effect.
    other = batch.ids.clone()
    other[batch.placeholder_at[:, 0], batch.placeholder_at[:, 1]] = 7
    torch.testing.assert_close(rec.score(batch), rec.score(batch.replace(ids=other)))
    rec.projector = None
    with pytest.raises(RecipeError, match="no projector"):
        rec.embed(batch)


def test_an_answer_cannot_see_what_follows() -> None:
    rec = make_recommender()
    prompt = make_prompt(np.random.default_rng(1), t=20, gate=GATES[2])
    early = replace(
        prompt, answer_at=np.array([9]), answer_label=np.array([1], np.int8), answer_weight=np.ones(1, np.float32)
    )
    ids = early.ids.copy()
    ids[10:] = 30
    keep = early.placeholder_at < 10
    cut = replace(
        early, ids=ids, placeholder_at=early.placeholder_at[keep], placeholder_vectors=early.placeholder_vectors[keep]
    )
    torch.testing.assert_close(
        rec.score(collate_prompts([early], 0)), rec.score(collate_prompts([cut], 0)), atol=1e-5, rtol=1e-5
    )


def test_score_options() -> None:
    logits = torch.tensor([[3.0, 1.0], [0.5, 2.0]])
    assert compute_scores(logits).tolist() == [2.0, -1.5]
    assert compute_scores(logits, "yes").tolist() == [3.0, 0.5]


def test_a_pause_in_training_has_no_dropout_and_gives_the_mode_back() -> None:
    rec = make_recommender(dropout=0.5).train()
    batch = collate_prompts(make_prompts(), 0)
    with pytest.raises(RuntimeError, match="training mode"):
        rec.score(batch)
    with pytest.raises(RuntimeError, match="training mode"):
        generate_greedily(rec, make_prompts(), 2)
    with rec.inference_mode():
        assert torch.equal(rec.score(batch), rec.score(batch))
        assert all(layer.merged_weight is not None for layer in rec.adapters.layers.values())
    assert all(module.training for module in rec.modules())
    assert all(layer.merged_weight is None for layer in rec.adapters.layers.values())
    rec.eval()
    assert not rec.score(batch).requires_grad
    assert not any(module.training for module in rec.modules())


def count_merged(rec: Recommender) -> int:
    return sum(layer.merged_weight is not None for layer in rec.adapters.layers.values())


def test_it_is_a_module_whose_state_dict_brings_every_weight_back() -> None:
    rec, other = make_recommender(seed=0), make_recommender(seed=1)
    batch = collate_prompts(make_prompts(), 0)
    assert isinstance(rec, torch.nn.Module)
    assert {name for name, _ in rec.named_children()} == {"model", "projector"}
    names = {name for name, _ in rec.named_parameters()}
    assert any(name.startswith("model.") and name.endswith("q_proj.global_a") for name in names)
    assert any(name.startswith("projector.") for name in names)
    other.freeze_for_inference()
    assert not torch.allclose(rec.score(batch), other.score(batch), atol=1e-3)
    other.load_state_dict(rec.state_dict())
    assert count_merged(other) == len(other.adapters.layers), "merged anew, of the weights that came"
    torch.testing.assert_close(other.score(batch), rec.score(batch), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(rec(batch)[:, 0] - rec(batch)[:, 1], rec.score(batch))


def test_frozen_for_inference_it_is_settled_until_training_goes_on() -> None:
    rec = make_recommender(dropout=0.5).train()
    batch = collate_prompts(make_prompts(), 0)
    with rec.inference_mode():
        wanted = rec.score(batch)
    assert rec.freeze_for_inference() is rec and not rec.training
    assert count_merged(rec) == len(rec.adapters.layers)
    with rec.inference_mode():
        pass
    assert count_merged(rec) == len(rec.adapters.layers), "a pause inside takes nothing back"
    assert torch.equal(rec.score(batch), wanted)
    before = rec.adapters.layers.popitem()[1].merged_weight
    rec.to(torch.float64)
    rec.to(torch.float32)
    assert before is not None and count_merged(rec) == len(rec.adapters.layers)
    rec.train()
    assert count_merged(rec) == 0, "what is learned now must count"


def test_capabilities_are_settled_by_who_loads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    rec = make_recommender()
    assert Recommender(rec.backbone, rec.adapters).capabilities == Capabilities(False, False, False)
    assert rec.capabilities == Capabilities(shared_prefix=True, varlen=False, last_layer_pruning=True)
    state = torch.random.get_rng_state()
    rec.train()
    assert detect_capabilities(rec) == rec.capabilities
    assert torch.equal(torch.random.get_rng_state(), state) and all(module.training for module in rec.modules())


@pytest.mark.parametrize("kind", ["llama", "gpt_neox"])
def test_recomputed_activations_use_the_routing_of_their_forward_pass(kind: str) -> None:
    def gradients(checkpoint: bool) -> list[torch.Tensor]:
        rec = make_recommender(kind).train()
        set_trainable_parts(rec, ("global", "experts"))
        if checkpoint:
            rec.checkpoint_activations()
        batch = collate_prompts(make_prompts(), 0)
        rec.compute_next_token_logits(rec.gather_hidden(batch, batch.token_at)).square().mean().backward()
        parameters = rec.adapters.get_parameters("global") + rec.adapters.get_parameters("experts")
        return [p.grad for p in parameters if p.grad is not None]

    plain, recomputed = gradients(False), gradients(True)
    assert len(plain) == len(recomputed) > 0
    for a, b in zip(plain, recomputed, strict=True):
        torch.testing.assert_close(a, b, atol=1e-6, rtol=1e-5)


def test_the_projector_learns_while_all_else_is_frozen() -> None:
    rec = make_recommender()
    set_trainable_parts(rec, ("projector",))
    batch = collate_prompts(make_prompts(), 0)
    rec.compute_answer_logits(rec.gather_hidden(batch, batch.answer_at)).sum().backward()
    assert rec.projector is not None
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in rec.projector.parameters())
    assert all(p.grad is None for p in rec.model.parameters())


def _slow(rec, prompt, n: int, first: int | None = None) -> list[int]:
    """Greedy continuation the plain way: the whole text again for every token, one row, no cache."""
    out: list[int] = []
    while len(out) < n:
        ids = np.concatenate([prompt.ids, np.array(out, np.int32)])
        grown = replace(
            prompt,
            ids=ids,
            token_at=np.array([len(ids) - 1]),
            token_target=np.array([0]),
            token_weight=np.ones(1, np.float32),
        )
        batch = collate_prompts([grown], 0)
        with torch.no_grad():
            token = int(rec.compute_next_token_logits(rec.gather_hidden(batch, batch.token_at)).argmax())
        out.append(first if first is not None and not out else token)
        if out[-1] == rec.backbone.eos_id:
            break
    return out


@pytest.mark.parametrize("kind", ["llama", "qwen2", "gpt_neox"])
def test_batched_generation_equals_one_row_at_a_time(kind: str) -> None:
    rec, prompts = make_recommender(kind), make_prompts()
    got = generate_greedily(rec, prompts, 12)
    assert [g.tolist() for g in got] == [_slow(rec, p, 12) for p in prompts]
    assert all(g.dtype == np.int32 for g in got) and len({tuple(g) for g in got}) > 1


def test_forced_verdicts_open_each_row_and_change_what_follows() -> None:
    rec, prompts = make_recommender(), make_prompts()
    forced = [4, 5, 5, 4, 4]
    got = [g.tolist() for g in generate_greedily(rec, prompts, 8, forced)]
    assert [g[0] for g in got] == forced
    assert got == [_slow(rec, p, 8, f) for p, f in zip(prompts, forced, strict=True)]
    other = generate_greedily(rec, prompts, 8, [9 - f for f in forced])
    assert any(a[1:] != b[1:].tolist() for a, b in zip(got, other, strict=True))
    with pytest.raises(DataError, match="2 first tokens for 5 prompts"):
        generate_greedily(rec, prompts, 8, [4, 5])
    assert [g.tolist() for g in generate_greedily(rec, prompts, 1, forced)] == [[f] for f in forced]
    assert [len(g) for g in generate_greedily(rec, prompts, 0)] == [0] * 5


def test_every_row_ends_by_itself_at_the_end_token() -> None:
    rec = make_recommender()
    prompts = make_prompts() + make_prompts(8)
    free = [g.tolist() for g in generate_greedily(rec, prompts, 10)]
    # Call a token that most rows come to the end token: rows then end at different times, others run to the limit.
    counts = np.bincount([t for g in free for t in set(g[1:])], minlength=60)
    rec.backbone.tokenizer.eos_token = rec.backbone.tokenizer.convert_ids_to_tokens(int(counts.argmax()))
    end = rec.backbone.eos_id
    got = [g.tolist() for g in generate_greedily(rec, prompts, 10)]
    assert got == [_slow(rec, p, 10) for p in prompts]
    assert len({len(g) for g in got}) >= 2
    assert all(end not in g[:-1] for g in got)
    assert all(len(g) == 10 or g[-1] == end for g in got)
    for whole, cut in zip(free, got, strict=True):
        both = min(len(whole), len(cut))
        assert whole[:both] == cut[:both]


def test_packed_rows_are_refused_once_another_attention_was_put_in() -> None:
    """As Transformers does where a second model is made from the same configuration: no wrong states without a word."""
    rec, prompts = make_recommender(), make_prompts()
    assert rec.capabilities.shared_prefix
    with torch.no_grad():
        plain = rec.compute_hidden(collate_prompts(prompts, rec.backbone.pad_id))
    rec.model.config._attn_implementation = "sdpa"
    with pytest.raises(UnsupportedAttentionError, match="exchanged after it was loaded"):
        rec.compute_hidden(pack_prompts(prompts))
    batch = collate_prompts(prompts, rec.backbone.pad_id)
    torch.testing.assert_close(rec.compute_hidden(batch), plain)
    wanted = plain[batch.answer_at[:, 0], batch.answer_at[:, 1]]
    torch.testing.assert_close(rec.gather_hidden(batch, batch.answer_at), wanted)
    last = batch.answer_at[batch.find_last_answers()]
    torch.testing.assert_close(rec.gather_hidden(batch, last), plain[last[:, 0], last[:, 1]])
