"""Where plans come from, besides the model: the reason of a row, the rules' evidence, another row, chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from thinkrec.claims.citations import Catalogue, TitleResolver, find_citations
from thinkrec.data.dataset import Dataset
from thinkrec.prompts.plan import MAX_NAMES, Plan, shorten_title
from thinkrec.teacher.rule_reasons import weigh_evidence


def split_names(names: Sequence[str], labels: np.ndarray) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names (h,) of a history that a plan may cite for a target, and against it, by their labels (h,)."""
    liked = tuple(name for name, label in zip(names, labels, strict=True) if label)
    return liked, tuple(name for name, label in zip(names, labels, strict=True) if not label)


def build_plan(names: Sequence[str], labels: np.ndarray, places: Sequence[int]) -> Plan:
    """The plan that names some places of a history, at most MAX_NAMES a side, the first ones.

    Args:
        names: (h,), of the items of the history.
        labels: (h,), their labels: liked ones speak for the target, the others against it.
        places: in the order in which they are to be named.
    """
    sides: tuple[list[str], list[str]] = ([], [])
    for place in places:
        side = sides[0 if labels[place] else 1]
        if names[place] not in side and len(side) < MAX_NAMES:
            side.append(names[place])
    return Plan(tuple(sides[0]), tuple(sides[1]))


def extract_plan(reason: str, titles: Sequence[str], labels: np.ndarray, target: str, catalogue: Catalogue) -> Plan:
    """The plan that a reason argues by: the earlier items that it cites, in its order, by their labels.

    What the reason says of a title's side does not count, since it may be wrong: the label of the line does.

    Args:
        reason: its text.
        titles: (h,), of the history, oldest first.
        labels: (h,), of the history.
        target: the title that the reason is about.
        catalogue: of all titles of the data.
    """
    citations = find_citations(reason, TitleResolver(catalogue, titles, target))
    places = [place for citation in citations for place in citation.history_positions]
    return build_plan([shorten_title(title) for title in titles], labels, list(dict.fromkeys(places)))


def make_rule_plan(ds: Dataset, item: int, past_items: np.ndarray, past_labels: np.ndarray) -> Plan:
    """The rules' plan for an item: of what shares a keyword with it, the strongest evidence first.

    `past_items`, codes (h,), and `past_labels`, (h,), oldest first. Nobody's label but those of the past is looked at.
    """
    places = [place for _, place, shared in weigh_evidence(ds.items, item, past_items, past_labels) if shared]
    return build_plan([shorten_title(ds.items.titles[code]) for code in past_items], past_labels, places[:MAX_NAMES])


def draw_random_plan(plan: Plan, names: Sequence[str], labels: np.ndarray, rng: np.random.Generator) -> Plan:
    """As many titles a side as `plan` has, drawn from a history with these names and labels (h,)."""
    sides = []
    for wanted, label in ((plan.supporting, 1), (plan.opposing, 0)):
        pool = list(dict.fromkeys(name for name, own in zip(names, labels, strict=True) if own == label))
        sides.append(tuple(pool[i] for i in rng.permutation(len(pool))[: len(wanted)]))
    return Plan(*sides)


def mark_named_lines(plan: Plan, names: Sequence[str], labels: np.ndarray) -> np.ndarray:
    """Bool (h,): which lines of a history with these names and labels (h,) a plan names."""
    sides: Mapping[int, tuple[str, ...]] = {1: plan.supporting, 0: plan.opposing}
    return np.array([name in sides[int(label)] for name, label in zip(names, labels, strict=True)], dtype=bool)
