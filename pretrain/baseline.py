"""Held-out catalogues, and what scorers that need no language model reach on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from drills import Lesson
from worlds import HISTORY, Words, lessons_of, one_world

from thinkrec.data.dataset import Dataset
from thinkrec.engine.batch import collate_prompts
from thinkrec.evaluate.metrics.ranking import compute_auc
from thinkrec.teacher.rule_reasons import weigh_evidence

SEED = 500_000
CATALOGUES = 24


def kernel_score(ds: Dataset, row: int, length: int) -> float:
    """Rule-based evidence: labels of earlier items, weighed by the square of the keywords they share and by recency."""
    past = ds.interactions.get_history(row, length)
    it = ds.interactions
    weighed = weigh_evidence(ds.items, int(it.item[row]), it.item[past], it.label[past])
    return float(sum(weight for weight, _, _ in weighed))


@dataclass(frozen=True, eq=False)
class CheckSet:
    """Lessons of held-out catalogues whose last answer is scored."""

    lessons: list[Lesson]
    label: np.ndarray
    references: dict[str, float]
    """AUC of the kernel, of the exact teacher's belief, and of the probability behind the labels."""

    @classmethod
    def build(cls, ease: float, words: Words, text) -> CheckSet:
        """`CATALOGUES` worlds of which a share `ease` are easy; 24 lessons each, a full history behind most."""
        lessons, kernel = [], []
        for seed in range(SEED, SEED + CATALOGUES):
            world, config = one_world(seed, ease, words)
            made, rows = lessons_of(world, config, text, np.random.default_rng(seed), reasons=0.0)
            lessons += made
            kernel += [kernel_score(world.dataset, row, HISTORY) for row in rows]
        label = np.array([lesson.prompt.answer_label[-1] for lesson in lessons])
        scores = {"kernel": kernel, "teacher": [x.belief[-1] for x in lessons], "bayes": [x.truth[-1] for x in lessons]}
        return cls(
            lessons, label, {name: round(float(compute_auc(label, np.array(s))), 4) for name, s in scores.items()}
        )

    @torch.no_grad()
    def figures(self, model, pad: int, labels: tuple[int, int]) -> dict[str, float]:
        """The model's AUC beside the references."""
        scores = []
        by = np.argsort([len(lesson.prompt) for lesson in self.lessons])
        for first in range(0, len(by), 24):
            prompts = [self.lessons[i].prompt for i in by[first : first + 24]]
            hidden = model.model(input_ids=collate_prompts(prompts, pad).ids).last_hidden_state
            last = torch.tensor([int(p.answer_at[-1]) for p in prompts])
            both = hidden[torch.arange(len(last)), last] @ model.lm_head.weight[list(labels)].T
            scores.append((both[:, 1] - both[:, 0]).numpy())
        return {"model": round(float(compute_auc(self.label[by], np.concatenate(scores))), 4), **self.references}
