"""How to run, kept apart from what is run: device, workers, threads, and a seed in place of the recipe's."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from thinkrec.errors import RecipeError
from thinkrec.run.recipe import Recipe

ENVIRONMENT = {"device": "THINKREC_DEVICE", "workers": "THINKREC_WORKERS", "threads": "THINKREC_THREADS"}
"""Variables that stand for an option that is not given. The seed has none: it belongs to a recipe."""


@dataclass(frozen=True)
class RunOptions:
    """Where and with how much of the machine a recipe is run; None leaves the choice to the machine.

    What is given in Python or on the command line comes first, then the environment (`from_environment`), then the
    machine. No option but `seed` is part of a stage's key: the same recipe on another device, or with other threads,
    goes on with the stages that are there.
    """

    device: str | None = None
    """Where language models compute: cpu, cuda, cuda:1, mps. By default what the launcher says, else an accelerator."""
    workers: int | None = None
    """Batches scored at the same time, at most; 0: all in the thread that asks. By default one per core of a CPU."""
    threads: int | None = None
    """Cores that PyTorch uses in this process; by default all."""
    seed: int | None = None
    """Of training, in place of the recipe's `seed`, and like it part of every stage's key; answers use none."""
    sharding: Literal["none", "full"] = "none"
    """full: several processes spread the frozen layers of the backbone among them, for one that does not fit a card."""
    reuse: tuple[Path, ...] = ()
    """Folders of other runs: stages that one of them has finished on the same inputs are copied, not done again."""

    def __post_init__(self) -> None:
        """Raises RecipeError naming an option with a value that cannot be."""
        for name, least in (("workers", 0), ("threads", 1), ("seed", 0)):
            value = getattr(self, name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < least):
                raise RecipeError(
                    f"run option {name} is {value!r}; give a whole number from {least} on, or leave it out"
                )
        if self.sharding not in ("none", "full"):
            raise RecipeError(f"run option sharding is {self.sharding!r}; give none or full, or leave it out")
        if self.device is not None and self.device.partition(":")[0] not in ("cpu", "cuda", "mps", "xpu"):
            raise RecipeError(
                f"run option device is {self.device!r}; give cpu, cuda, cuda:1, mps or xpu, or leave it out"
            )

    @classmethod
    def from_environment(cls, **given: Any) -> RunOptions:
        """These options, and for those that are None or not given what the environment says (`ENVIRONMENT`).

        Raises RecipeError for a variable that holds no number where one is needed.
        """
        return cls(**given).fill_from_environment()

    def fill_from_environment(self) -> RunOptions:
        """These options, with `ENVIRONMENT` for those that are None; raises as `from_environment`."""
        values: dict[str, Any] = {}
        for name, variable in ENVIRONMENT.items():
            text = os.environ.get(variable, "").strip()
            if not text or getattr(self, name) is not None:
                continue
            if name != "device" and not text.isdecimal():
                raise RecipeError(f"the environment variable {variable} is {text!r}; give a whole number, or unset it")
            values[name] = text if name == "device" else int(text)
        return replace(self, **values)

    def apply(self) -> None:
        """Settle what is settled for the whole process: PyTorch's threads, and the current card of several.

        Raises RecipeError for a device that this machine does not have.
        """
        import torch

        if self.threads is not None:
            torch.set_num_threads(self.threads)
        if self.device is None or self.device == "cpu":
            return
        kind, _, index = self.device.partition(":")
        accelerator = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
        count = 0 if accelerator is None or accelerator.type != kind else torch.accelerator.device_count()
        if not count or (index and not (index.isdecimal() and int(index) < count)):
            has = f"{count} of {kind}" if count else "cpu" if accelerator is None else f"cpu and {accelerator.type}"
            raise RecipeError(f"run option device is {self.device}, but this machine has {has}; choose one of these")
        if index:
            torch.accelerator.set_device_index(int(index))

    def apply_seed(self, recipe: Recipe) -> Recipe:
        """The recipe with this seed, where one is given."""
        return recipe if self.seed is None else recipe.model_copy(update={"seed": self.seed})
