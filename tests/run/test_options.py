"""How a recipe is run: values that cannot be, what the environment says, and what comes first."""

from __future__ import annotations

import pytest
import torch

from thinkrec.errors import RecipeError
from thinkrec.run.options import RunOptions
from thinkrec.run.recipe_files import load_recipe


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"threads": 0}, "threads is 0; give a whole number from 1 on"),
        ({"workers": -1}, "workers is -1; give a whole number from 0 on"),
        ({"seed": True}, "seed is True"),
        ({"seed": "3"}, "seed is '3'"),
        ({"device": "gpu"}, "device is 'gpu'; give cpu, cuda"),
        ({"sharding": "half"}, "sharding is 'half'; give none or full"),
    ],
)
def test_what_cannot_be_is_refused(options: dict, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        RunOptions(**options)


def test_what_is_given_comes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THINKREC_DEVICE", "cpu")
    monkeypatch.setenv("THINKREC_WORKERS", "0")
    monkeypatch.setenv("THINKREC_THREADS", "3")
    monkeypatch.setenv("THINKREC_SEED", "9")
    assert RunOptions.from_environment(threads=2, device=None) == RunOptions("cpu", workers=0, threads=2)
    assert RunOptions() == RunOptions(None, None, None, None)
    monkeypatch.setenv("THINKREC_THREADS", "many")
    with pytest.raises(RecipeError, match="THINKREC_THREADS is 'many'; give a whole number, or unset it"):
        RunOptions.from_environment()
    assert RunOptions.from_environment(threads=2).threads == 2, "nobody reads what is overruled"


def test_they_are_applied_to_the_process_and_the_seed_to_the_recipe() -> None:
    before = torch.get_num_threads()
    try:
        RunOptions(threads=before + 1, device="cpu").apply()
        assert torch.get_num_threads() == before + 1
        RunOptions().apply()
        assert torch.get_num_threads() == before + 1
    finally:
        torch.set_num_threads(before)
    recipe = load_recipe("demo")
    assert RunOptions(seed=recipe.seed + 4).apply_seed(recipe) == recipe.model_copy(update={"seed": recipe.seed + 4})
    assert RunOptions(threads=2).apply_seed(recipe) is recipe


@pytest.mark.skipif(torch.accelerator.is_available(), reason="about a machine without an accelerator")
def test_a_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(RecipeError, match="device is cuda:1, but this machine has cpu; choose one of these"):
        RunOptions(device="cuda:1").apply()
