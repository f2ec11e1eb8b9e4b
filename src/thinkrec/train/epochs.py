"""The batches of every pass of a stage, from prompts that are rendered once and then read from Arrow files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path

import numpy as np
from accelerate import Accelerator

from thinkrec.engine.batch import split_by_token_budget
from thinkrec.io.processes import run_on_main
from thinkrec.prompts.stored import StoredPrompts, write_prompts
from thinkrec.prompts.types import Prompt
from thinkrec.train.config import StageConfig


def list_eval_steps(steps: Sequence[int], evals_per_epoch: int) -> frozenset[int]:
    """The steps, counted from 1 over all passes, after which validation rows are scored.

    They are spread evenly over each pass, whose last step is one of them; a pass of fewer steps has fewer.

    Args:
        steps: of each pass.
        evals_per_epoch: how many in a pass.

    >>> sorted(list_eval_steps([310, 5], 3))
    [104, 207, 310, 312, 314, 315]
    """
    ends = accumulate(steps)
    parts = range(1, evals_per_epoch + 1)
    return frozenset(end - n - (-n * k // evals_per_epoch) for n, end in zip(steps, ends, strict=True) for k in parts)


def split_evenly(lengths: np.ndarray, n_shares: int) -> list[np.ndarray]:
    """Positions of `n_shares` shares of about equal length in all, each int64 and ascending.

    The longest goes first, each to the share that has least so far.

    >>> [share.tolist() for share in split_evenly(np.array([5, 9, 4, 1]), 2)]
    [[1, 3], [0, 2]]
    """
    totals, owner = np.zeros(n_shares), np.zeros(len(lengths), dtype=np.int64)
    for place in np.argsort(-np.asarray(lengths), kind="stable"):
        owner[place] = np.argmin(totals)
        totals[owner[place]] += lengths[place]
    return [np.flatnonzero(owner == share) for share in range(n_shares)]


class EpochBatches:
    """`steps` of each pass, and per step one list of prompts for every process: together they are one batch.

    A step is of the same prompts whatever the number of processes, so that results do not depend on it and a stage may
    go on with another number.

    Each pass has a file in the stage's folder until `close`. What a stopped run left there is used again: a folder is
    one stage of one recipe, so that its prompts are the same.
    """

    def __init__(
        self,
        epoch_prompts: Callable[[int], Sequence[Prompt]],
        config: StageConfig,
        folder: Path,
        *,
        seed: int,
        accelerator: Accelerator,
        title: str,
        progress: bool,
    ) -> None:
        """Write what is not there yet; `epoch_prompts` gives the prompts of a pass in order, one at a time."""
        self.config, self.seed, self.processes = config, seed, accelerator.num_processes
        self._stored: list[StoredPrompts] = []
        for epoch in range(config.epochs):
            path = folder / f"prompts-{epoch}.arrow"
            # Lengths decide the number of steps, and with it the schedule: all passes are there before the first step.
            of = f"{title}: prompts" + (f" of pass {epoch + 1}" if config.epochs > 1 else "")

            def write(epoch: int = epoch, path: Path = path, of: str = of) -> None:
                if not path.is_file():
                    write_prompts(epoch_prompts(epoch), path, title=of, progress=progress)

            run_on_main(write)
            self._stored.append(StoredPrompts(path))
        self.steps = [len(self._split_into_batches(epoch)) for epoch in range(config.epochs)]
        self.sample: list[Prompt] = self._stored[0][:4]
        """A few prompts."""

    def __iter__(self) -> Iterator[list[list[Prompt]]]:
        """For each step, pass after pass, one list of prompts per process; some may be empty."""
        for epoch, prompts in enumerate(self._stored):
            for batch in self._split_into_batches(epoch):
                shares = split_evenly(prompts.lengths[batch], self.processes)
                yield [[prompts[i] for i in batch[share]] for share in shares]

    def close(self) -> None:
        """Remove the files; the stage is finished."""
        for prompts in self._stored:
            prompts.close()
            run_on_main(lambda path=prompts.path: path.unlink(missing_ok=True))

    def _split_into_batches(self, epoch: int) -> list[np.ndarray]:
        lengths = self._stored[epoch].lengths
        return split_by_token_budget(lengths, self.config.batch_tokens, shuffle_seed=self.seed * 1009 + epoch)
