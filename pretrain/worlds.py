"""Ever new simulated catalogues as pre-training prompts: no word keeps its meaning, only the labelled history tells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from thinkrec.data.dataset import Domain
from thinkrec.data.lexicon import GENRES, THEMES, TONES, Lexicon
from thinkrec.data.world import World, WorldConfig, simulate
from thinkrec.model.batch import Prompt
from thinkrec.prompts.render import PromptConfig, Renderer
from thinkrec.reasons.rules import argue

DOMAINS = (
    Domain(item="film", items="films", user="viewer"),
    Domain(item="film", items="films", user="viewer"),
    Domain(item="book", items="books", user="reader"),
    Domain(item="product", items="products", user="customer"),
    Domain(item="place", items="places", user="guest"),
    Domain(item="item", items="items", user="user"),
)
FIRST_SEED = 1_000_000
"""Pre-training worlds take seeds from here on; the demo's and the tests' seeds lie far below."""
NO_GATE = np.ones(1, dtype=np.float32)


@dataclass(frozen=True)
class Words:
    """Words of the pre-training corpus, so that the pools are not limited to the package's own lexicon."""

    plain: list[str]
    film_titles: list[str]


def random_lexicon(rng: np.random.Generator, words: Words) -> Lexicon:
    """The package's own pools, or pools of corpus words, alone or in pairs."""
    if rng.random() < 0.5:
        return Lexicon()

    def pool(own: tuple[str, ...], n: int) -> tuple[str, ...]:
        if rng.random() < 0.4:
            return own
        single = [words.plain[i] for i in rng.integers(len(words.plain), size=3 * n)]
        made = single if rng.random() < 0.6 else [f"{a} {b}" for a, b in zip(single[:n], single[n:], strict=False)]
        return tuple(dict.fromkeys(made))[:n]

    return Lexicon(genres=pool(GENRES, 30), themes=pool(THEMES, 60), tones=pool(TONES, 30))


def random_config(rng: np.random.Generator, progress: float) -> WorldConfig:
    """A catalogue's hyper-parameters. Early in training (`progress` near 0) tastes are loud and users narrow."""
    kind = rng.random()
    loud = 1.0 + 1.5 * max(0.0, 1.0 - 2.5 * progress)
    return WorldConfig(
        users=24,
        items=160,
        rows_per_user=(10, 30),
        genres=int(rng.integers(2, 9)),
        themes=int(rng.integers(2, 11)),
        tones=int(rng.integers(2, 8)),
        user_genres=int(rng.integers(1, 4)),
        user_themes=int(rng.integers(2, 5)),
        focus=float(rng.uniform(0.6, 1.0)),
        groups=int(rng.integers(1, 6)),
        individual=float(rng.uniform(0, 0.5)),
        pair=0.0 if kind < 0.3 else float(rng.uniform(1.0, 3.0) * loud),
        additive=float(rng.uniform(0.5, 2.0) * loud) if kind < 0.5 else float(rng.uniform(0, 0.5)),
        tone=float(rng.uniform(0, 0.8)),
        quality=float(rng.uniform(0, 1.5)),
        generosity=float(rng.uniform(0, 1.3)),
        drift=float(rng.uniform(0, 0.4)),
        reception=float(rng.choice([0.0, 0.5, 1.0])),
        creators=bool(rng.random() < 0.25),
    )


def one_world(seed: int, progress: float, words: Words) -> World:
    """World number `seed`, with a random lexicon and domain; films often carry real titles of the corpus."""
    rng = np.random.default_rng(seed)
    config, domain = random_config(rng, progress), DOMAINS[rng.integers(len(DOMAINS))]
    titles = None
    if domain.item == "film" and rng.random() < 0.7:
        titles = [words.film_titles[i] for i in rng.choice(len(words.film_titles), size=config.items, replace=False)]
    return simulate(config, seed, lexicon=random_lexicon(rng, words), domain=domain, titles=titles)


def prompts_of(world: World, text, rng: np.random.Generator, *, reasons: float, longest: int = 20) -> list[Prompt]:
    """One prompt per user: a random row of theirs with a random history length, every label in it a training answer.

    A share `reasons` of the prompts go on with the rule-based teacher's prose, where its verdict agrees with the label.
    """
    ds, prompts = world.dataset, []
    renderer = Renderer(ds, text, PromptConfig(history=longest, history_loss=1.0, max_tokens=640))
    it = ds.interactions
    for u in range(it.n_users):
        row = int(rng.integers(it.start[u] + min(6, it.start[u + 1] - it.start[u] - 1), it.start[u + 1]))
        shown = it.history(row, longest)
        reason = None
        if rng.random() < reasons:
            argument = argue(ds, row, longest, rng)
            reason = argument.text if argument.verdict == bool(it.label[row]) else None
        prompt = renderer.ask(int(it.item[row]), it.item[shown], it.label[shown], gate=NO_GATE,
                              label=int(it.label[row]), reason=reason, with_answer=True)  # fmt: skip
        prompts.append(prompt)
    return prompts
