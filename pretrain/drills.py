"""Tables of random words: the plainest form of what a recommender must do, and so the first lessons.

Every drill has words, columns and a rule of its own, drawn anew: the label hangs on one column, on a sum of two, or on
a combination of two; further columns say nothing. Only the labelled lines above tell the rule. Some drills go on after
the verdict and quote the names of the lines it rests on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from teacher import equal, infer

from thinkrec.data.dataset import Domain
from thinkrec.prompts.template import fill_domain_words
from thinkrec.prompts.templates import ratings_table
from thinkrec.prompts.types import Prompt

LINES = (10, 26)
"""Fewest and most lines of a drill."""
_NOTHING, _NO_VECTORS = np.zeros(0, dtype=np.int32), np.zeros((0, 0), dtype=np.float32)
_NO_GATE = np.ones(1, dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Lesson:
    """A prompt and what to believe of each of its labels."""

    prompt: Prompt
    belief: np.ndarray
    """float32 (answers,): probability of a like, as the exact teacher infers it from the lines before."""
    truth: np.ndarray
    """float32 (answers,): the probability that the label was drawn from."""


class Drills:
    """Makes drills for one tokenizer."""

    def __init__(self, text) -> None:
        tokenizer = text.tokenizer
        self.words = np.array(
            [
                i
                for i in range(len(tokenizer))
                if tokenizer.convert_ids_to_tokens(i)[:1] == "Ġ"
                and len(tokenizer.convert_ids_to_tokens(i)) > 3
                and i not in (text.yes_id, text.no_id)
            ]
        )
        self.labels = np.array([text.no_id, text.yes_id])
        self.ids = lambda piece: tokenizer(piece, add_special_tokens=False)["input_ids"]
        self.start, self.comma = [tokenizer.bos_token_id], self.ids(",")
        self.bar, self.newline = self.ids(ratings_table.BAR), self.ids(ratings_table.NEWLINE)
        self.quote, self.also, self.full_stop = (self.ids(piece) for piece in (". '", "' and '", "'."))
        self.end = [tokenizer.eos_token_id]

    def make(self, rng: np.random.Generator, domain: Domain, hard: float, *, quoting: float) -> Lesson:
        """One drill. `hard` in 0 .. 1: how far titles and phrases grow and how many idle columns there are.

        `quoting`: the chance that it goes on after the verdict.
        """
        lines, phrase = int(rng.integers(LINES[0], LINES[1] + 1)), 1 + round(2 * hard * rng.random())
        columns = 2 + int(rng.random() < hard) + int(rng.random() < hard / 2)
        sizes = rng.integers(2, 4 + round(4 * hard), size=columns)
        pools = [[rng.choice(self.words, int(rng.integers(1, phrase + 1))).tolist() for _ in range(n)] for n in sizes]
        drawn = np.stack([rng.integers(n, size=lines) for n in sizes])
        first, second = rng.permutation(columns)[:2]
        same_first, same_second = equal(drawn[first]), equal(drawn[second])
        kind, loud = rng.random(), rng.uniform(6 - 4 * hard, 6)
        if kind < 0.3:
            taste, alike = rng.choice([-1.0, 1.0], sizes[first])[drawn[first]], same_first
        elif kind < 0.3 + 0.2 * hard:
            taste = rng.normal(size=sizes[first])[drawn[first]] + rng.normal(size=sizes[second])[drawn[second]]
            alike = same_first + same_second
        else:
            taste = rng.choice([-1.0, 1.0], (sizes[first], sizes[second]))[drawn[first], drawn[second]]
            alike = same_first * same_second
        truth = 1 / (1 + np.exp(-(loud * taste + hard * rng.normal())))
        label = (rng.random(lines) < truth).astype(np.int8)
        belief = infer(loud**2 * alike + hard**2, np.zeros(lines), label)
        ids = [*self.start, *self.ids(fill_domain_words(ratings_table.HEADING, domain))]
        answer_at, names = [], []
        for j in range(lines):
            if j == lines - 1:
                ids += self.ids(fill_domain_words(ratings_table.REQUEST, domain))
            names.append(rng.choice(self.words, int(rng.integers(1, 2 + round(5 * hard)))).tolist())
            ids += names[-1] + self.bar
            for column in range(columns):
                ids += (self.comma if column else []) + pools[column][drawn[column, j]]
            ids += self.bar
            answer_at.append(len(ids) - 1)
            ids += [int(self.labels[label[j]]), *self.newline]
        del ids[answer_at[-1] + 1 :]
        answer = self._quoted(names, alike[-1], label) if rng.random() < quoting else []
        prompt = Prompt(
            ids=np.array(ids + answer[:-1], dtype=np.int32),
            placeholder_at=_NOTHING,
            placeholder_vectors=_NO_VECTORS,
            answer_at=np.array(answer_at, dtype=np.int32),
            answer_label=label,
            answer_weight=np.ones(lines, dtype=np.float32),
            token_at=np.arange(answer_at[-1], answer_at[-1] + len(answer), dtype=np.int32),
            token_target=np.array(answer, dtype=np.int32),
            token_weight=np.ones(len(answer), dtype=np.float32),
            gate=_NO_GATE,
        )
        return Lesson(prompt, belief, truth.astype(np.float32))

    def _quoted(self, names: list[list[int]], alike: np.ndarray, label: np.ndarray) -> list[int]:
        """The last line's verdict and the one or two lines most like it that had the same; nothing where none had."""
        strength = np.where(label[:-1] == label[-1], alike[:-1], 0.0)
        # Of lines as much alike the later ones come first.
        best = [j for j in np.lexsort((np.arange(len(strength)), strength))[::-1][:2] if strength[j] > 0]
        if not best:
            return []
        said = [int(self.labels[label[-1]]), *self.quote, *names[best[0]]]
        for j in best[1:]:
            said += [*self.also, *names[j]]
        return [*said, *self.full_stop, *self.end]


def copying(rng: np.random.Generator, words: np.ndarray, rows: int, length: int) -> np.ndarray:
    """int64 (rows, length): passages of random words that come back, so that quoting is learned too."""
    made = np.zeros((rows, length), dtype=np.int64)
    for row in made:
        passages = [rng.choice(words, int(rng.integers(2, 12))) for _ in range(8)]
        said = np.concatenate([passages[i] for i in rng.integers(8, size=length)])
        row[:] = said[:length]
    return made
