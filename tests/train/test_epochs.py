"""Batches of a pass: within the budget, each prompt once, and the same for any number of processes."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from support.tiny_lm import make_prompt

from thinkrec.prompts.types import Prompt
from thinkrec.train.config import StageConfig
from thinkrec.train.epochs import EpochBatches, list_eval_steps, split_evenly

LENGTHS = [6, 20, 9, 31, 6, 12, 44, 8, 15, 7, 7]


def make_epoch(epoch: int) -> list[Prompt]:
    rng = np.random.default_rng(epoch)
    return [make_prompt(rng, length + epoch) for length in LENGTHS]


def list_batches(
    folder: Path, processes: int, seed: int = 1, epochs: int = 2
) -> tuple[list[list[list[Prompt]]], list[int]]:
    config = StageConfig(train=("global",), epochs=epochs, batch_tokens=64)
    batches = EpochBatches(
        make_epoch,
        config,
        folder,
        seed=seed,
        accelerator=SimpleNamespace(num_processes=processes),  # pyright: ignore
        title="",
        progress=False,
    )
    steps = [[[prompt for prompt in part] for part in step] for step in batches]
    return steps, batches.steps


@pytest.mark.parametrize("processes", [1, 2, 3, 9])
def test_a_step_is_of_the_same_prompts_for_any_number_of_processes(tmp_path: Path, processes: int) -> None:
    steps, counts = list_batches(tmp_path, processes)
    (tmp_path / "one").mkdir()
    alone, counts_alone = list_batches(tmp_path / "one", 1)
    assert counts == counts_alone and len(steps) == sum(counts)
    for shares, (batch,) in zip(steps, alone, strict=True):
        assert len(shares) == processes
        assert sorted(p.ids.tolist() for share in shares for p in share) == sorted(p.ids.tolist() for p in batch)
    epoch = [prompt.ids.tolist() for step in alone[: counts[0]] for batch in step for prompt in batch]
    assert sorted(epoch) == sorted(prompt.ids.tolist() for prompt in make_epoch(0))


def test_shares_weigh_about_the_same() -> None:
    lengths = np.random.default_rng(0).integers(50, 400, 40)
    shares = split_evenly(lengths, 3)
    assert sorted(np.concatenate(shares).tolist()) == list(range(40))
    totals = [int(lengths[share].sum()) for share in shares]
    assert max(totals) - min(totals) <= lengths.min()
    assert [len(share) for share in split_evenly(np.array([7, 3]), 4)] == [1, 1, 0, 0]


def test_no_batch_is_wider_than_the_budget(tmp_path: Path) -> None:
    steps, _ = list_batches(tmp_path, 1)
    sizes = [len(batch) * max(map(len, batch)) for step in steps for batch in step]
    assert max(sizes) <= 64
    assert len({len(batch) for step in steps for batch in step}) > 1


def test_the_order_follows_seed_and_pass(tmp_path: Path) -> None:
    def read(folder: str, seed: int) -> list[int]:
        (tmp_path / folder).mkdir()
        steps, _ = list_batches(tmp_path / folder, 1, seed, epochs=1)
        return [len(prompt) for step in steps for batch in step for prompt in batch]

    assert read("a", 1) == read("b", 1)
    assert any(read(f"c{seed}", seed) != read(f"d{seed}", 1) for seed in range(2, 6))


@pytest.mark.parametrize(
    ("steps", "evals", "expected"),
    [
        ([6], 1, [6]),
        ([310], 3, [104, 207, 310]),  # 103 steps apart there would be a fourth, one step behind the third
        ([5, 4], 2, [3, 5, 7, 9]),
        ([2], 3, [1, 2]),
    ],
)
def test_a_pass_is_checked_as_often_as_asked_and_at_its_end(steps: list[int], evals: int, expected: list[int]) -> None:
    assert sorted(list_eval_steps(steps, evals)) == expected
