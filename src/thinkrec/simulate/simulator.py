"""The simulated catalogue: invented items, users with planted tastes, and the probability behind every label.

Tastes depend on *combinations*: inside one genre a user likes one theme and turns another down, and the next group of
users has the opposite taste. So an item's mean and a user's favourite genre tell less than the combinations that
ten labelled interactions show. Because the probability of every label is known, so is the best score any model can
reach.

The logit of a like is

    generosity_u + quality * q_i + additive * mean_a v_u[a] + pair * t_u(time)[genre_i, theme_i] + tone * z_u[tone_i]

with standardised terms; `pair`, `additive`, `quality`, `tone` and `generosity` are scales of the configuration.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl
from pydantic import Field

from thinkrec.data.dataset import Dataset, Domain, Items
from thinkrec.data.interactions import Interactions
from thinkrec.io.config import Config
from thinkrec.simulate.vocabulary import RECEPTIONS, CatalogueVocabulary, invent_names, invent_titles


class SimulatorConfig(Config):
    """How large the catalogue is and what its users' tastes are made of."""

    RENAMED_KEYS: ClassVar = {
        "rows_per_user": "interactions_per_user",
        "focus": "favourite_share",
        "groups": "taste_groups",
        "individual": "deviation_rate",
        "pair": "interaction_weight",
        "additive": "main_effect_weight",
        "tone": "tone_weight",
        "quality": "quality_weight",
        "generosity": "user_bias_std",
        "drift": "drift_rate",
        "reception": "reception_share",
    }

    users: int = Field(default=300, ge=1)
    """Users."""
    items: int = Field(default=1500, ge=10)
    """Items in the catalogue."""
    interactions_per_user: tuple[int, int] = (20, 60)
    """Fewest and most interactions of a user (uniform)."""
    genres: int = Field(default=6, ge=1)
    """Genres in use; an item has one."""
    themes: int = Field(default=8, ge=1)
    """Themes in use; an item has one."""
    tones: int = Field(default=6, ge=1)
    """Tones in use; an item has one."""
    user_genres: int = Field(default=2, ge=1)
    """Genres that a user mostly picks from."""
    user_themes: int = Field(default=2, ge=1)
    """Themes that a user mostly picks from."""
    favourite_share: float = Field(default=0.95, ge=0, le=1)
    """Share of a user's interactions that fall into those genres and themes."""
    taste_groups: int = Field(default=4, ge=1)
    """Groups of users who share their planted tastes; the second is the opposite of the first, the fourth of the
    third, and so on."""
    deviation_rate: float = Field(default=0.25, ge=0, le=1)
    """Share of combinations in which a user departs from the group."""
    interaction_weight: float = 2.2
    """Weight of the planted combinations of genre and theme."""
    main_effect_weight: float = 0.3
    """Weight of tastes for single genres and themes."""
    tone_weight: float = 0.4
    """Weight of the taste for the item's tone."""
    quality_weight: float = 0.5
    """Weight of the item's quality, which everybody perceives alike."""
    user_bias_std: float = 0.5
    """Spread of the users' readiness to like anything."""
    drift_rate: float = Field(default=0.1, ge=0, le=1)
    """Share of users whose combinations for one genre turn round half-way through."""
    reception_share: float = Field(default=0.7, ge=0, le=1)
    """Share of items whose keywords tell how they were received (a noisy reading of quality)."""
    creators: bool = True
    """Whether the keywords name a creator (who tells nothing)."""
    valid: float = Field(default=0.15, gt=0, lt=1)
    """Share of rows, by time, in the validation split."""
    test: float = Field(default=0.15, gt=0, lt=1)
    """Share of rows, by time, in the test split."""


@dataclass(frozen=True)
class Cause:
    """One planted term of a row's logit that keywords can name."""

    keywords: tuple[str, ...]
    """The item's keywords that it hangs on: genre and theme together, or one of genre, theme, tone and reception."""
    weight: float
    """What it adds to the logit of a like, at the time of the row."""


@dataclass(frozen=True)
class Simulation:
    """A simulated catalogue with everything that was planted."""

    dataset: Dataset
    like_probability: np.ndarray
    """float64 (n,): the true probability that the label of each row is 1."""
    dominant_attributes: list[tuple[str, ...]]
    """Per row, the item's attributes in the term that weighed most (a genre and a theme, a tone, or a reception)."""
    group: np.ndarray
    """int64 (n_users,): the planted group of each user."""
    logit_terms: np.ndarray
    """float64 (n, 5): what the combination of genre and theme, the genre, the theme, the tone and the quality of the
    item added to the logit of each row, for its user at its time. The rest is the user's generosity."""
    has_reception_keyword: np.ndarray
    """bool (n_items,): whether the last keyword of an item tells how it was received."""

    def find_causes(self, row: int) -> tuple[Cause, ...]:
        """The planted causes of a row that keywords can name, strongest first, whatever their sign.

        A user's taste for the combination of genre and theme is one cause and needs both words; the genre, the theme
        and the tone alone are weaker ones. Quality is a cause where the keywords tell the item's reception.
        """
        item = int(self.dataset.interactions.item[row])
        words = self.dataset.items.keywords[item]
        named = [words[:2], words[:1], words[1:2], words[2:3], words[-1:] if self.has_reception_keyword[item] else ()]
        causes = [Cause(k, float(w)) for k, w in zip(named, self.logit_terms[row], strict=True) if k]
        return tuple(sorted(causes, key=lambda cause: -abs(cause.weight)))

    def find_deciding_cause(self, row: int) -> Cause | None:
        """The strongest planted cause that points where the row's true probability does; None if none does."""
        sign = 1.0 if self.like_probability[row] > 0.5 else -1.0
        return next((cause for cause in self.find_causes(row) if cause.weight * sign > 0), None)


def _standardise_values(values: np.ndarray) -> np.ndarray:
    spread = values.std()
    return (values - values.mean()) / (spread if spread > 0 else 1.0)


def _draw_group_tastes(config: SimulatorConfig, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Planted signs per group, (groups, genres, themes), and each user's group, (users,)."""
    signs = np.sign(rng.random((config.taste_groups, config.genres, config.themes)) - 0.5)
    # Within a genre half of the themes please and half do not: the genre alone then says nothing.
    for g in range(config.taste_groups):
        for a in range(config.genres):
            signs[g, a] = np.where(rng.permutation(config.themes) < config.themes / 2, 1.0, -1.0)
    # Opposite pairs cancel: the mean over all users tells nothing of a combination.
    signs[1::2] = -signs[: 2 * (config.taste_groups // 2) : 2]
    return signs, rng.integers(config.taste_groups, size=config.users)


def _draw_user_focus(
    config: SimulatorConfig, taste: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The genres and themes a user picks from, given their signs (genres, themes).

    Drawn again, up to 20 times, until every genre holds something to like and something not to: otherwise the genre
    alone would tell the label.
    """
    tries = 20
    while True:
        tries -= 1
        genres = rng.choice(config.genres, size=min(config.user_genres, config.genres), replace=False)
        themes = rng.choice(config.themes, size=min(config.user_themes, config.themes), replace=False)
        inside = taste[np.ix_(genres, themes)]
        if (inside.min(axis=1) < inside.max(axis=1)).all() or not tries:
            return genres, themes


def simulate_catalogue(
    config: SimulatorConfig,
    seed: int,
    *,
    vocabulary: CatalogueVocabulary | None = None,
    domain: Domain | None = None,
    titles: list[str] | None = None,
) -> Simulation:
    """A simulated catalogue by seed: equal arguments give equal catalogues.

    `titles`, where given, replace the invented ones (at least `config.items` of them).
    """
    vocabulary, rng = vocabulary or CatalogueVocabulary(), np.random.default_rng(seed)
    domain = domain or Domain(item="film", items="films", user="viewer")
    genre_names = rng.choice(vocabulary.genres, size=config.genres, replace=False)
    theme_names = rng.choice(vocabulary.themes, size=config.themes, replace=False)
    tone_names = rng.choice(vocabulary.tones, size=config.tones, replace=False)
    n = config.items
    genre, theme, tone = (rng.integers(k, size=n) for k in (config.genres, config.themes, config.tones))
    quality = rng.normal(size=n)
    received = np.clip(np.digitize(quality + 0.35 * rng.normal(size=n), (-1.1, -0.35, 0.35, 1.1)), 0, 4)
    has_reception = rng.random(n) < config.reception_share
    names = invent_names(max(2, n // 12), rng)
    creator = rng.integers(len(names), size=n)
    keywords: list[tuple[str, ...]] = []
    for i in range(n):
        words = [str(genre_names[genre[i]]), str(theme_names[theme[i]]), str(tone_names[tone[i]])]
        if config.creators:
            words.append(names[creator[i]])
        if has_reception[i]:
            words.append(str(rng.choice(RECEPTIONS[received[i]])))
        keywords.append(tuple(words))

    signs, group = _draw_group_tastes(config, rng)
    users = config.users
    personal = signs[group] * np.where(
        rng.random((users, config.genres, config.themes)) < config.deviation_rate, -1.0, 1.0
    )
    late = personal.copy()
    turned = np.flatnonzero(rng.random(users) < config.drift_rate)
    late[turned, rng.integers(config.genres, size=len(turned))] *= -1.0
    like_genre, like_theme = rng.normal(size=(users, config.genres)), rng.normal(size=(users, config.themes))
    like_tone = rng.normal(size=(users, config.tones))
    generosity = config.user_bias_std * rng.normal(size=users)

    user_rows: list[np.ndarray] = []
    item_rows: list[np.ndarray] = []
    half_rows: list[np.ndarray] = []
    for u in range(users):
        count = min(int(rng.integers(config.interactions_per_user[0], config.interactions_per_user[1] + 1)), n)
        own_genres, own_themes = _draw_user_focus(config, personal[u], rng)
        inside = np.isin(genre, own_genres) & np.isin(theme, own_themes)
        weight = np.where(
            inside,
            config.favourite_share / max(1, inside.sum()),
            (1 - config.favourite_share) / max(1, (~inside).sum()),
        )
        weight = np.maximum(weight, 1e-9)
        picked = rng.choice(n, size=count, replace=False, p=weight / weight.sum())
        user_rows.append(np.full(count, u))
        item_rows.append(picked)
        half_rows.append(np.arange(count) >= count / 2)
    user, item, second = np.concatenate(user_rows), np.concatenate(item_rows), np.concatenate(half_rows)
    taste = np.where(second, late[user, genre[item], theme[item]], personal[user, genre[item], theme[item]])
    alone = like_genre[user, genre[item]], like_theme[user, theme[item]]
    terms = np.stack(
        [
            config.interaction_weight * taste,
            config.main_effect_weight * _standardise_values(alone[0] + alone[1]),
            config.tone_weight * _standardise_values(like_tone[user, tone[item]]),
            config.quality_weight * _standardise_values(quality)[item],
        ]
    )
    # The standardised sum of two tastes, taken apart again.
    spread = (alone[0] + alone[1]).std() or 1.0
    single_terms = [config.main_effect_weight * (values - values.mean()) / spread for values in alone]
    weights = np.stack([terms[0], *single_terms, terms[2], terms[3]], axis=1)
    probability = 1.0 / (1.0 + np.exp(-(terms.sum(axis=0) + generosity[user])))
    label = (rng.random(len(user)) < probability).astype(np.int8)
    heaviest = np.abs(terms).argmax(axis=0)

    # Every user begins somewhere in the first part of the period, so that some users are new in the test split.
    joined = rng.random(users) ** 1.5 * 0.8
    length = np.minimum(1.0 - joined, rng.uniform(0.15, 0.6, size=users))
    when = np.concatenate([joined[u] + length[u] * np.sort(rng.random(len(rows))) for u, rows in enumerate(item_rows)])
    timestamp = 1_500_000_000 + np.floor(when * 50_000_000).astype(np.int64)
    rank = np.argsort(np.argsort(timestamp, kind="stable"), kind="stable")
    edges = (len(user) * (1 - config.valid - config.test), len(user) * (1 - config.test))
    split = np.digitize(rank, edges).astype(np.int8)

    interactions = Interactions.build(user, item, label, timestamp, split, rank, n_users=users)
    row_order = np.lexsort((rank, timestamp, user))
    texts = pl.DataFrame(
        {
            "description": [
                f"A {k[2]} {k[0].lower()} story about {k[1]}" + (f", by {k[3]}." if config.creators else ".")
                for k in keywords
            ]
        }
    )
    titles = (titles or invent_titles(n, rng))[:n]
    items = Items(ids=list(range(1, n + 1)), titles=titles, keywords=keywords, texts=texts)
    dataset = Dataset(interactions=interactions, items=items, domain=domain, user_ids=list(range(1, users + 1)))

    def get_heaviest_attributes(row: int) -> tuple[str, ...]:
        words, standing = keywords[item[row]], has_reception[item[row]]
        return {0: words[:2], 1: words[:2], 2: words[2:3]}.get(int(heaviest[row]), words[-1:] if standing else ())

    return Simulation(
        dataset=dataset,
        like_probability=probability[row_order],
        dominant_attributes=[get_heaviest_attributes(int(r)) for r in row_order],
        group=group,
        logit_terms=weights[row_order],
        has_reception_keyword=has_reception,
    )
