"""Ever new simulated catalogues as pre-training lessons: no word keeps its meaning, only the labelled history tells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from drills import Lesson
from teacher import beliefs

from thinkrec.data.dataset import Domain
from thinkrec.prompts.config import PromptConfig
from thinkrec.prompts.render import PromptRenderer
from thinkrec.simulate.simulator import Simulation, SimulatorConfig, simulate_catalogue
from thinkrec.simulate.vocabulary import GENRES, THEMES, TONES, CatalogueVocabulary
from thinkrec.teacher.rule_reasons import argue_row

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
HISTORY = 20
"""Most earlier items in a lesson."""


@dataclass(frozen=True)
class Words:
    """Words of the pre-training corpus, so that the pools are not limited to the package's own lexicon."""

    plain: list[str]
    film_titles: list[str]


def random_lexicon(rng: np.random.Generator, words: Words) -> CatalogueVocabulary:
    """The package's own pools, or pools of corpus words, alone or in pairs."""
    if rng.random() < 0.5:
        return CatalogueVocabulary()

    def pool(own: tuple[str, ...], n: int) -> tuple[str, ...]:
        if rng.random() < 0.4:
            return own
        single = [words.plain[i] for i in rng.integers(len(words.plain), size=3 * n)]
        made = single if rng.random() < 0.6 else [f"{a} {b}" for a, b in zip(single[:n], single[n:], strict=False)]
        return tuple(dict.fromkeys(made))[:n]

    return CatalogueVocabulary(genres=pool(GENRES, 30), themes=pool(THEMES, 60), tones=pool(TONES, 30))


def easy_config(rng: np.random.Generator) -> SimulatorConfig:
    """Loud tastes without noise: single attributes, or few combinations that come back again and again."""
    pairs = rng.random() < 0.4
    return SimulatorConfig(
        users=24,
        items=80,
        interactions_per_user=(14, 24),
        genres=int(rng.integers(2, 5)),
        themes=int(rng.integers(2, 5)),
        tones=6,
        user_genres=2,
        user_themes=2,
        favourite_share=1.0,
        taste_groups=4,
        deviation_rate=0.5,
        drift_rate=0.0,
        tone_weight=0.0,
        quality_weight=0.0,
        user_bias_std=0.0,
        reception_share=0.0,
        interaction_weight=6.0 if pairs else 0.0,
        main_effect_weight=0.0 if pairs else 8.0,
        creators=False,
    )


def full_config(rng: np.random.Generator) -> SimulatorConfig:
    """The whole range of catalogues."""
    kind = rng.random()
    return SimulatorConfig(
        users=24,
        items=120,
        interactions_per_user=(10, 30),
        genres=int(rng.integers(2, 9)),
        themes=int(rng.integers(2, 11)),
        tones=int(rng.integers(2, 8)),
        user_genres=int(rng.integers(1, 4)),
        user_themes=int(rng.integers(2, 5)),
        favourite_share=float(rng.uniform(0.6, 1.0)),
        taste_groups=int(rng.integers(1, 6)),
        deviation_rate=float(rng.uniform(0, 0.5)),
        drift_rate=float(rng.uniform(0, 0.4)),
        interaction_weight=0.0 if kind < 0.3 else float(rng.uniform(1.0, 3.0)),
        main_effect_weight=float(rng.uniform(0.5, 2.0)) if kind < 0.5 else float(rng.uniform(0, 0.5)),
        tone_weight=float(rng.uniform(0, 0.8)),
        quality_weight=float(rng.uniform(0, 1.5)),
        user_bias_std=float(rng.uniform(0, 1.3)),
        reception_share=float(rng.choice([0.0, 0.5, 1.0])),
        creators=bool(rng.random() < 0.25),
    )


def one_world(seed: int, ease: float, words: Words) -> tuple[Simulation, SimulatorConfig]:
    """World number `seed`, with a random lexicon and domain; films often carry real titles of the corpus."""
    rng = np.random.default_rng(seed)
    easy = rng.random() < ease
    config, domain = (easy_config if easy else full_config)(rng), DOMAINS[rng.integers(len(DOMAINS))]
    titles = None
    if easy:
        titles = [words.plain[i].capitalize() for i in rng.choice(len(words.plain), size=config.items, replace=False)]
    elif domain.item == "film" and rng.random() < 0.7:
        titles = [words.film_titles[i] for i in rng.choice(len(words.film_titles), size=config.items, replace=False)]
    return simulate_catalogue(config, seed, vocabulary=random_lexicon(rng, words), domain=domain, titles=titles), config


def lessons_of(
    world: Simulation, config: SimulatorConfig, text, rng: np.random.Generator, *, reasons: float
) -> tuple[list[Lesson], list[int]]:
    """One lesson per user, and its row: a random one of theirs with what came before, every label an answer to learn.

    A share `reasons` of them go on with the rule-based teacher's prose, where its verdict agrees with the label.
    """
    ds, lessons, rows_asked = world.dataset, [], []
    renderer = PromptRenderer(ds, text, PromptConfig(history=HISTORY, max_tokens=640))
    it = ds.interactions
    for u in range(it.n_users):
        row = int(rng.integers(it.start[u] + min(6, it.start[u + 1] - it.start[u] - 1), it.start[u + 1]))
        shown = it.get_history(row, HISTORY)
        reason = None
        if rng.random() < reasons:
            argument = argue_row(ds, row, HISTORY, rng)
            reason = argument.text if argument.verdict == bool(it.label[row]) else None
        prompt = renderer.render_candidate(
            int(it.item[row]),
            it.item[shown],
            it.label[shown],
            gate=NO_GATE,
            label=int(it.label[row]),
            reason=reason,
            with_answer=True,
            history_loss=1.0,
        )
        n = len(prompt.answer_at)
        rows = np.arange(row + 1 - n, row + 1)
        belief = beliefs([ds.items.keywords[i] for i in it.item[rows]], it.label[rows], config)
        lessons.append(Lesson(prompt, belief, world.like_probability[rows].astype(np.float32)))
        rows_asked.append(row)
    return lessons, rows_asked
