"""What the model is shown, and when: drills, then easy catalogues, then the full range with reasons and plain text."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from drills import Drills, Lesson
from worlds import DOMAINS, FIRST_SEED, Words, lessons_of, one_world

from thinkrec.engine.batch import split_by_token_budget

GROUP = 6
"""Catalogues (or as many times 24 drills) whose lessons are cut into batches of similar length together."""


@dataclass(frozen=True)
class Mixture:
    """Shares of a step's lessons and text."""

    drills: float
    """Chance that the next group of lessons is drills."""
    hard: float
    """Most difficult drills, 0 .. 1."""
    easy: float
    """Share of easy worlds among the catalogues."""
    reasons: float
    """Share of catalogue lessons that go on with a reason."""
    text: float
    """Share of plain text in the tokens of a step."""
    quoting: float
    """Share of the drills that go on after the verdict and quote lines, where any line argues for it."""


MASTERED, STEP = 0.45, 0.01
"""Drills grow harder by `STEP` after every step at which the model knows this share of what the teacher knows."""
QUOTING = 0.4
"""Share of the drills that go on after their verdict and quote lines."""
PATIENCE = 0.25
"""Share of the run after which catalogues begin in any case."""


def harder(hard: float, known: float) -> float:
    """The next difficulty of drills."""
    return min(1.0, hard + STEP) if known > MASTERED else hard


def mixture(done: float, hard: float, *, verdicts_only: bool) -> Mixture:
    """The mixture after a share `done` of the run, with drills as `hard` as that.

    With `verdicts_only` no lesson goes on after its verdict, for a backbone that never saw a reason.
    """
    told = 0.0 if verdicts_only else 1.0
    quoting = told * QUOTING
    if hard < 1.0 and done < PATIENCE:
        return Mixture(drills=1.0, hard=hard, easy=1.0, reasons=0.0, text=0.1, quoting=quoting)
    if done < PATIENCE + 0.1:
        return Mixture(drills=0.3, hard=hard, easy=0.6, reasons=told * 0.3, text=0.2, quoting=quoting)
    return Mixture(drills=0.1, hard=hard, easy=0.15, reasons=told * 0.5, text=0.3, quoting=quoting)


class Supply:
    """An endless supply of batches; `chunk` counts the groups of lessons that were made."""

    def __init__(self, words: Words, text, budget: int, chunk: int) -> None:
        self.words, self.text, self.budget, self.chunk = words, text, budget, chunk
        self.drills = Drills(text)
        self._source = ""
        self._lessons: list[Lesson] = []
        self._batches: list[np.ndarray] = []

    def next(self, mixed: Mixture) -> tuple[str, list[Lesson]]:
        """Where the next batch is from ("drill" or "world"), and its lessons."""
        if not self._batches:
            rng = np.random.default_rng([self.chunk, 17])
            self._source = "drill" if rng.random() < mixed.drills else "world"
            self._lessons = self._drill(rng, mixed) if self._source == "drill" else self._worlds(mixed)
            lengths = np.array([len(lesson.prompt) for lesson in self._lessons])
            self._batches = split_by_token_budget(lengths, self.budget, shuffle_seed=self.chunk)
            self.chunk += 1
        return self._source, [self._lessons[i] for i in self._batches.pop()]

    def _drill(self, rng: np.random.Generator, mixed: Mixture) -> list[Lesson]:
        return [
            self.drills.make(
                rng, DOMAINS[rng.integers(len(DOMAINS))], mixed.hard * rng.random() ** 0.5, quoting=mixed.quoting
            )
            for _ in range(GROUP * 24)
        ]

    def _worlds(self, mixed: Mixture) -> list[Lesson]:
        made = []
        for seed in range(FIRST_SEED + self.chunk * GROUP, FIRST_SEED + (self.chunk + 1) * GROUP):
            world, config = one_world(seed, mixed.easy, self.words)
            made += lessons_of(world, config, self.text, np.random.default_rng(seed), reasons=mixed.reasons)[0]
        return made
