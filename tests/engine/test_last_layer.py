"""The last layer, computed where somebody reads: the same states and gradients, on every backbone that allows it."""

from __future__ import annotations

import threading

import pytest
import torch
from support.tiny_lm import make_prompts, make_recommender

from thinkrec.engine.batch import collate_prompts
from thinkrec.engine.last_layer import select_positions

KINDS = {
    "llama": True,
    "qwen2": True,
    "gpt_neox": True,
    "granite": True,
    "cohere": True,
    "mistral": True,
    "gemma2": False,
}
BATCH = collate_prompts(make_prompts(), 0)
AT = torch.tensor([[0, 8], [1, 3], [1, 16], [4, 11], [4, 0], [4, 11]])


def counted(rec) -> list[int]:
    """How many tokens the last layer's MLP saw, call by call."""
    seen: list[int] = []
    rec.decoder.layers[-1].mlp.register_forward_hook(lambda module, args, out: seen.append(out.shape[1]))
    return seen


@pytest.mark.parametrize("kind", KINDS)
def test_states_are_those_of_all_states(kind: str) -> None:
    rec = make_recommender(kind)
    assert rec.capabilities.last_layer_pruning is KINDS[kind]
    seen = counted(rec)
    with torch.no_grad():
        found, wanted = rec.gather_hidden(BATCH, AT), rec.compute_hidden(BATCH)[AT[:, 0], AT[:, 1]]
    torch.testing.assert_close(found, wanted, atol=1e-4, rtol=1e-4)
    assert wanted.std() > 0.1
    if kind not in ("gpt_neox", "cohere"):  # those compute the MLP beside attention, for all tokens the first time
        assert seen == ([3, 23] if KINDS[kind] else [23, 23])


def test_gradients_are_the_same() -> None:
    rec = make_recommender()
    params = [
        *rec.adapters.get_parameters("global"),
        *rec.adapters.get_parameters("experts"),
        *rec.projector.parameters(),
    ]
    for p in params:
        p.requires_grad_(True)
    assert rec.capabilities.last_layer_pruning
    ways = (rec.gather_hidden(BATCH, AT), rec.compute_hidden(BATCH)[AT[:, 0], AT[:, 1]])
    probe = torch.randn(ways[0].shape, generator=torch.Generator().manual_seed(0))
    slopes = [torch.autograd.grad((found * probe).sum(), params) for found in ways]
    assert max(float(g.abs().max()) for g in slopes[1]) > 1
    for mine, theirs in zip(*slopes, strict=True):
        torch.testing.assert_close(mine, theirs, atol=1e-3, rtol=1e-3)


def test_what_cannot_be_narrowed_is_computed_in_full() -> None:
    rec = make_recommender("mistral", sliding_window=18)
    assert rec.capabilities.last_layer_pruning
    seen = counted(rec)
    with torch.no_grad():
        # 23 tokens do not fit the window of 18; then nearly all places are read; then activations are recomputed.
        wide = rec.gather_hidden(BATCH, AT)
        torch.testing.assert_close(wide, rec.compute_hidden(BATCH)[AT[:, 0], AT[:, 1]])
        most = torch.tensor([[3, j] for j in range(20)])
        rec.gather_hidden(BATCH, most)
    assert seen == [23, 23, 23]
    rec = make_recommender()
    assert rec.capabilities.last_layer_pruning
    seen = counted(rec)
    rec.checkpoint_activations()
    rec.gather_hidden(BATCH, AT)
    assert seen == [23]


def test_places_stand_side_by_side() -> None:
    place, where, _ = select_positions(BATCH, AT)
    assert place.shape == (5, 3)
    assert place.tolist() == [[8, 0, 0], [3, 16, 0], [0, 0, 0], [0, 0, 0], [11, 0, 11]]
    torch.testing.assert_close(place.flatten()[where], AT[:, 1])
    mixed = AT[[3, 0, 5, 1, 4, 2]]
    place, where, _ = select_positions(BATCH, mixed)
    torch.testing.assert_close(place.flatten()[where], mixed[:, 1])
    torch.testing.assert_close(where // place.shape[1], mixed[:, 0])
    assert select_positions(BATCH, AT[:0]) is None
    assert select_positions(BATCH, torch.tensor([[3, j] for j in range(20)])) is None


def test_threads_do_not_meet() -> None:
    rec = make_recommender()
    wanted = rec.score(BATCH)
    assert rec.capabilities.last_layer_pruning
    found, errors = [], []

    def work() -> None:
        try:
            found.extend(rec.score(BATCH) for _ in range(20))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert len(found) == 80
    for scores in found:
        torch.testing.assert_close(scores, wanted, atol=1e-4, rtol=1e-4)
