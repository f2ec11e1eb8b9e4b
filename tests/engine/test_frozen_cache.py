"""What the frozen layers give is kept and used again, without changing what is learned."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from support.tiny_lm import make_prompts, make_recommender

from thinkrec.engine.batch import collate_prompts
from thinkrec.engine.frozen_cache import FrozenActivationCache, find_first_trainable_layer
from thinkrec.train.config import StageConfig
from thinkrec.train.loop import fit_stage, set_trainable_parameters

SAMPLE = make_prompts()
STAGE = StageConfig(train=("experts",), epochs=4, lr=1e-2, batch_tokens=64, evals_per_epoch=1, warmup_steps=0)


def below(rec, tmp_path: Path, most: int = 10**9) -> FrozenActivationCache | None:
    set_trainable_parameters(rec, STAGE)
    return FrozenActivationCache.build(rec, tmp_path / "below.bin", most, SAMPLE[:2])


def hidden(made: FrozenActivationCache, prompts, batch) -> torch.Tensor:
    with made.use_cached_states(prompts, batch):
        return made.recommender.compute_hidden(batch)


def computed(made: FrozenActivationCache, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Counts how often the lower layers are computed."""
    calls, compute = [], made._compute_states
    monkeypatch.setattr(made, "_compute_states", lambda batch: calls.append(len(batch)) or compute(batch))
    return calls


@pytest.mark.parametrize("kind", ["llama", "qwen2", "gpt_neox", "gemma2", "granite", "cohere"])
def test_hidden_states_and_gradients_are_the_plain_ones(kind: str, tmp_path: Path, monkeypatch) -> None:
    rec = make_recommender(kind)
    made = below(rec, tmp_path)
    assert made is not None and made.first_trainable == 2
    calls, batch = computed(made, monkeypatch), collate_prompts(SAMPLE, 0)
    real = torch.arange(batch.ids.shape[1])[None] < batch.lengths[:, None]
    experts = rec.adapters.get_parameters("experts")
    wanted = rec.compute_hidden(batch)[real]
    probe = torch.randn(wanted.shape, generator=torch.Generator().manual_seed(0))
    slopes = torch.autograd.grad((wanted * probe).sum(), experts)
    for _ in range(3):
        found = hidden(made, SAMPLE, batch)[real]
        torch.testing.assert_close(found, wanted, atol=1e-4, rtol=1e-4)
        for mine, theirs in zip(torch.autograd.grad((found * probe).sum(), experts), slopes, strict=True):
            torch.testing.assert_close(mine, theirs, atol=1e-3, rtol=1e-3)
    assert calls == [len(SAMPLE)]
    # Another batch of the same prompts, padded otherwise, is read too.
    torch.testing.assert_close(
        hidden(made, SAMPLE[:2], collate_prompts(SAMPLE[:2], 0))[0, : len(SAMPLE[0])],
        rec.compute_hidden(batch)[0, : len(SAMPLE[0])],
        atol=1e-4,
        rtol=1e-4,
    )
    assert len(calls) == 1
    made.close()
    assert not (tmp_path / "below.bin").exists()
    torch.testing.assert_close(rec.compute_hidden(batch)[real], wanted)


def test_a_full_file_takes_no_more(tmp_path: Path, monkeypatch) -> None:
    rec = make_recommender()
    one = len(SAMPLE[0]) * rec.backbone.hidden_size * 4
    made = below(rec, tmp_path, most=one + len(SAMPLE[1]) * rec.backbone.hidden_size * 4)
    calls, batch = computed(made, monkeypatch), collate_prompts(SAMPLE, 0)
    wanted = hidden(made, SAMPLE, batch)
    torch.testing.assert_close(hidden(made, SAMPLE, batch), wanted)
    assert len(calls) == 2
    assert (tmp_path / "below.bin").stat().st_size <= made.max_bytes
    hidden(made, SAMPLE[:2], collate_prompts(SAMPLE[:2], 0))
    assert len(calls) == 2


def test_where_the_first_layer_learns_there_is_nothing_below(tmp_path: Path) -> None:
    rec = make_recommender()
    for train in (("global",), ("projector",), ("experts", "projector")):
        set_trainable_parameters(rec, STAGE.model_copy(update={"train": train}))
        assert find_first_trainable_layer(rec) == 0
        assert FrozenActivationCache.build(rec, tmp_path / "below.bin", 10**9, SAMPLE) is None
    set_trainable_parameters(rec, STAGE)
    assert FrozenActivationCache.build(rec, tmp_path / "below.bin", 0, SAMPLE) is None
    assert list(tmp_path.iterdir()) == []


def test_a_backbone_that_cannot_be_cut_is_found_out(tmp_path: Path, monkeypatch) -> None:
    from thinkrec.engine import frozen_cache as module

    monkeypatch.setattr(module._IdentityLayer, "forward", lambda self, hidden_states, *_, **__: hidden_states + 1)
    monkeypatch.setattr(
        FrozenActivationCache, "_get_states", lambda self, prompts, batch: torch.zeros(*batch.ids.shape, 32)
    )
    assert below(make_recommender(), tmp_path) is None
    assert list(tmp_path.iterdir()) == []


# With dropout, what is recomputed draws other numbers: the last layer is then computed whole.
@pytest.mark.parametrize(("dropout", "recompute"), [(0.0, False), (0.5, False), (0.0, True)])
def test_a_stage_learns_the_same_with_and_without(tmp_path: Path, dropout: float, recompute: bool, monkeypatch) -> None:
    from accelerate import Accelerator

    states, made = [], []
    monkeypatch.setattr(
        FrozenActivationCache,
        "close",
        lambda self, close=FrozenActivationCache.close: (made.append(len(self._offsets)), close(self)),
    )
    for size in (1.0, 0.0):
        rec = make_recommender(dropout=dropout)
        folder = tmp_path / str(size)
        folder.mkdir()
        config = STAGE.model_copy(update={"cache_gb": size, "gradient_checkpointing": recompute and size > 0})
        log = fit_stage(
            rec,
            lambda _: SAMPLE,
            lambda: {"auc": 0.5, "uauc": 0.5, "value": 0.5},
            config,
            folder,
            seed=0,
            accelerator=Accelerator(cpu=True),
            title="",
        )
        assert not rec._checkpointing
        states.append(([entry["loss"] for entry in log], rec.adapters.state_dict()))
        assert [path.name for path in folder.iterdir()] == ["state.safetensors"]
    assert made == [len(SAMPLE)]
    assert states[0][0] == pytest.approx(states[1][0], rel=1e-4)
    for name, tensor in states[0][1].items():
        torch.testing.assert_close(tensor, states[1][1][name], atol=1e-4, rtol=1e-3)
