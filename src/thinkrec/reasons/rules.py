"""A teacher made of rules: it argues only from the visible history and the item texts.

It compares the target's keywords with those of every earlier item. An item that shares a *combination* of keywords is
stronger evidence than several that share one each, and recent items count more. The verdict is the sign of the summed
evidence; the prose cites the items that carried it, says what they share with the target, and owns up to the strongest
item on the other side.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from thinkrec.data.dataset import Dataset, Domain


@dataclass(frozen=True)
class Argument:
    """A verdict and the prose for it."""

    verdict: bool
    """True for Yes."""
    text: str
    """Begins with "Yes." or "No."."""
    evidence: float
    """Summed evidence; its sign is the verdict."""


_YEAR = re.compile(r"\s*\(\d{4}\)\s*$")
RECENT = 0.93
"""How much less an item counts for every step further back."""


def short_title(title: str) -> str:
    """The title as prose cites it: without the year, in single quotes."""
    return f"'{_YEAR.sub('', title)}'"


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def _pick(rng: np.random.Generator, *choices: str) -> str:
    return choices[rng.integers(len(choices))]


def weigh(ds: Dataset, item: int, history: np.ndarray) -> list[tuple[float, int, tuple[str, ...]]]:
    """Evidence of each earlier row for the target, strongest first: (weight, row, shared keywords).

    `history` are row numbers, oldest first. The weight is positive for a liked item.
    """
    wanted = ds.items.keywords[item]
    found = []
    for age, row in enumerate(history[::-1]):
        theirs = set(ds.items.keywords[ds.interactions.item[row]])
        shared = tuple(word for word in wanted if word in theirs)
        sign = 1.0 if ds.interactions.label[row] else -1.0
        found.append((sign * (len(shared) ** 4 + 0.05) * RECENT**age, int(row), shared))
    return sorted(found, key=lambda entry: -abs(entry[0]))


def argue(ds: Dataset, row: int, length: int, rng: np.random.Generator) -> Argument:
    """The teacher's own opinion on a row: its history (at most `length` rows strictly before it) and target are all it
    sees.
    """
    past = ds.interactions.history_rows(row, length)
    return argue_item(ds, int(ds.interactions.item[row]), past, rng)


def argue_item(ds: Dataset, item: int, history: np.ndarray, rng: np.random.Generator) -> Argument:
    """As `argue`, for any item and any earlier rows (row numbers, oldest first)."""
    domain, title = ds.domain, short_title(ds.items.titles[item])
    weighed = weigh(ds, item, history)
    total = float(sum(weight for weight, _, _ in weighed))
    verdict = total > 0
    opening = "Yes." if verdict else "No."
    if not weighed:
        return Argument(verdict, f"{opening} Nothing is known of this {domain.user} yet, so {title} is a guess.", total)
    support = [entry for entry in weighed if (entry[0] > 0) == verdict and entry[2]][:2]
    against = [entry for entry in weighed if (entry[0] > 0) != verdict and entry[2]][:1]
    name = {row: short_title(ds.items.titles[ds.interactions.item[row]]) for _, row, _ in weighed}
    if not support:
        liked = sum(weight > 0 for weight, _, _ in weighed)
        count = f"{liked} of the last {len(weighed)} {domain.items}"
        tail = f"and {title} shares nothing with the rest, so the habit decides."
        return Argument(verdict, f"{opening} This {domain.user} liked {count}, {tail}", total)
    sentences = [opening, _case(domain, title, support, name, verdict, rng)]
    if against:
        sentences.append(_objection(against[0], support[0], name, verdict, rng))
    sentences.append(_closing(domain, title, support[0][2], verdict, rng))
    return Argument(verdict, " ".join(sentences), total)


def _case(domain: Domain, title: str, support, name: dict[int, str], verdict: bool, rng: np.random.Generator) -> str:
    cited, shared = _listed([name[row] for _, row, _ in support]), _listed(list(support[0][2]))
    verb = _pick(rng, "liked", "enjoyed") if verdict else _pick(rng, "disliked", "turned down")
    return _pick(
        rng,
        f"This {domain.user} {verb} {cited}, and {title} shares {shared} with {name[support[0][1]]}.",
        f"{title} brings {shared}, as {name[support[0][1]]} did, and the {domain.user} {verb} {cited}.",
        f"What stands out is {shared}: the {domain.user} {verb} {cited}, and {title} offers the same.",
        f"The {domain.user} {verb} {cited}. {title} has {shared} in common with {name[support[0][1]]}.",
    )


def _objection(against, support, name: dict[int, str], verdict: bool, rng: np.random.Generator) -> str:
    _, row, shared = against
    verb = _pick(rng, "disliked", "turned down") if verdict else _pick(rng, "liked", "enjoyed")
    missing = [word for word in support[2] if word not in shared]
    if missing:
        return _pick(
            rng,
            f"{name[row]} was {verb} in spite of {_listed(list(shared))}, but it lacks {_listed(missing)}.",
            f"Although {name[row]}, with {_listed(list(shared))}, was {verb}, it is without {_listed(missing)}.",
        )
    return _pick(
        rng,
        f"Against this, {name[row]} was {verb}, but it weighs less.",
        f"{name[row]} was {verb}, yet the other evidence is stronger.",
    )


def _closing(domain: Domain, title: str, shared: tuple[str, ...], verdict: bool, rng: np.random.Generator) -> str:
    if verdict:
        return _pick(
            rng, f"{title} should please.", f"So {title} is likely to be liked.", f"It fits this {domain.user} well."
        )
    return _pick(
        rng,
        f"{title} would disappoint.",
        f"So {title} is likely to be disliked.",
        f"It does not suit this {domain.user}.",
    )
