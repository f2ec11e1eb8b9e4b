"""What the model is shown, and when: drills, then easy catalogues, then the full range with reasons and plain text."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from drills import Drills, Lesson
from worlds import DOMAINS, FIRST_SEED, Words, lessons_of, one_world

from thinkrec.model.batch import token_budget_batches

GROUP = 6
"""Catalogues (or as many times 24 drills) whose lessons are cut into batches of similar length together."""


@dataclass(frozen=True)
class Mixture:
    """Shares of a step's lessons and text."""

    drills: float
    """Chance that the next group of lessons is drills."""
    hard: float
    """How long titles and phrases of drills are, 0 .. 1."""
    easy: float
    """Share of easy worlds among the catalogues."""
    reasons: float
    """Share of catalogue lessons that go on with a reason."""
    text: float
    """Share of plain text in the tokens of a step."""


def mixture(done: float) -> Mixture:
    """The mixture after a share `done` of the run."""
    if done < 0.12:
        return Mixture(drills=1.0, hard=min(1.0, done / 0.1), easy=1.0, reasons=0.0, text=0.0)
    if done < 0.3:
        return Mixture(drills=0.3, hard=1.0, easy=0.7, reasons=0.1, text=0.1)
    return Mixture(drills=0.1, hard=1.0, easy=0.15, reasons=0.35, text=0.25)


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
            self._batches = token_budget_batches(lengths, self.budget, shuffle_seed=self.chunk)
            self.chunk += 1
        return self._source, [self._lessons[i] for i in self._batches.pop()]

    def _drill(self, rng: np.random.Generator, mixed: Mixture) -> list[Lesson]:
        return [self.drills.make(rng, DOMAINS[rng.integers(len(DOMAINS))], mixed.hard) for _ in range(GROUP * 24)]

    def _worlds(self, mixed: Mixture) -> list[Lesson]:
        made = []
        for seed in range(FIRST_SEED + self.chunk * GROUP, FIRST_SEED + (self.chunk + 1) * GROUP):
            world, config = one_world(seed, mixed.easy, self.words)
            made += lessons_of(world, config, self.text, np.random.default_rng(seed), reasons=mixed.reasons)[0]
        return made
