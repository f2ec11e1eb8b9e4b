"""A teacher made of rules: it argues only from the visible history and the item texts.

It compares the target's keywords with those of every earlier item. An item that shares a *combination* of keywords is
stronger evidence than several that share one each, and recent items count more. The verdict is the sign of the summed
evidence; the prose cites the items that carried it, says what they share with the target, and owns up to the strongest
item on the other side. Everything it says holds for every title that it says it of; what two items of one name make
ambiguous is not cited.

With a `verdict` given it argues for that one, whatever its own would be: the reason for a score. With `strengths` it
argues from what decided that score: of the history it cites only the lines that moved it, the strongest first, and says
what these share with the target where they share something.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from thinkrec.data.dataset import Dataset, Domain, Items
from thinkrec.data.titles import normalise_name


@dataclass(frozen=True)
class Argument:
    """A verdict and the prose for it."""

    verdict: bool
    """True for Yes."""
    text: str
    """Begins with "Yes." or "No."."""
    evidence: float
    """Summed evidence; its sign is the verdict, unless one was given."""
    is_supported: bool = True
    """Whether something on the verdict's side may be cited: what shares a keyword with the target, or, where strengths
    were given, what has one; else it says what there is instead."""


Evidence = tuple[float, int, tuple[str, ...]]
"""Weight, place in the past, keywords shared with the target."""
_YEAR = re.compile(r"\s*\(\d{4}\)\s*$")
_QUOTE = re.compile(r"(?<!\w)['\u2018\u2019]|['\u2018\u2019](?!\w)")
RECENT = 0.93
"""How much less an item counts for every step further back."""


def format_cited_title(title: str) -> str:
    """The title as prose cites it: without the year, on one line, in quotes.

    Quotes are single ones, or double ones where the title holds a single quote that is no apostrophe.
    """
    bare = " ".join(_YEAR.sub("", title).split())
    return f"\u201c{bare}\u201d" if _QUOTE.search(bare) else f"'{bare}'"


def _join_with_and(words: list[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]


def _pick_phrase(rng: np.random.Generator, *choices: str) -> str:
    return choices[rng.integers(len(choices))]


def weigh_evidence(items: Items, item: int, past_items: np.ndarray, past_labels: np.ndarray) -> list[Evidence]:
    """Evidence of each earlier item for the target, strongest first: (weight, place in the past, shared keywords).

    The past, item codes (k,) and labels (k,), stands oldest first. The weight is positive for a liked item.
    """
    wanted = items.keywords[item]
    evidence = []
    for age, place in enumerate(range(len(past_items) - 1, -1, -1)):
        theirs = set(items.keywords[past_items[place]])
        shared = tuple(word for word in wanted if word in theirs)
        sign = 1.0 if past_labels[place] else -1.0
        evidence.append((sign * (len(shared) ** 4 + 0.05) * RECENT**age, place, shared))
    return sorted(evidence, key=lambda entry: -abs(entry[0]))


def argue_row(ds: Dataset, row: int, length: int, rng: np.random.Generator) -> Argument:
    """The teacher's own opinion on a row.

    It reads the row's history (at most `length` rows strictly before it) and target, nothing else.
    """
    past = ds.interactions.get_history_rows(row, length)
    return argue_item(ds, int(ds.interactions.item[row]), past, rng)


def argue_item(
    ds: Dataset, item: int, history: np.ndarray, rng: np.random.Generator, *, verdict: bool | None = None
) -> Argument:
    """The same as `argue_row`, for any item and any earlier rows (row numbers, oldest first).

    `verdict`: what to argue for; by default the sign of the evidence.
    """
    interactions = ds.interactions
    return argue_past(ds, item, interactions.item[history], interactions.label[history], rng, verdict=verdict)


def argue_past(
    ds: Dataset,
    item: int,
    past_items: np.ndarray,
    past_labels: np.ndarray,
    rng: np.random.Generator,
    *,
    verdict: bool | None = None,
    strengths: Mapping[int, float] | None = None,
) -> Argument:
    """As `argue_item`, for any past: item codes (k,) of `ds` and labels (k,), oldest first.

    `strengths`: place in the past -> how far the line moves the score the way its label says
    (`score.deciding_lines.map_deciding_lines`); places without one are not cited. The verdict is then that of the
    score, and has to be given.
    """
    domain, title = ds.domain, format_cited_title(ds.items.titles[item])
    weighed = weigh_evidence(ds.items, item, past_items, past_labels)
    total = float(sum(weight for weight, _, _ in weighed))
    own = total > 0
    opinion = own if verdict is None else verdict
    opening = "Yes." if opinion else "No."
    if not weighed:
        end = "is a guess." if verdict is None else "is judged by itself."
        argument = f"Nothing is known of this {domain.user} yet, so {title} {end}"
        return Argument(opinion, f"{opening} {argument}", total, False)
    name = _find_allowed_titles(ds.items, item, [place for _, place, _ in weighed], past_items, past_labels)
    citable = _list_citable(weighed, name, strengths)
    support = [entry for entry in citable if (entry[0] > 0) == opinion][:2]
    against = [entry for entry in citable if (entry[0] > 0) != opinion][:1]
    if not support:
        compared = weighed if strengths is None else None
        argument = _render_fallback(ds.domain, title, weighed, compared, against, name, verdict is None)
        return Argument(opinion, f"{opening} {argument}", total, False)
    # What is said to be shared is said of the first: the strongest that shares something.
    support = sorted(support, key=lambda entry: not entry[2])
    sentences = [opening, _render_support(domain, title, support, name, opinion, rng)]
    if against:
        outweighs = own == opinion if strengths is None else _is_outweighed(against[0], support, strengths)
        sentences.append(_render_objection(against[0], support[0], name, opinion, outweighs, rng))
    sentences.append(_render_closing(domain, title, opinion, rng))
    return Argument(opinion, " ".join(sentences), total)


def _list_citable(
    weighed: Sequence[Evidence], name: Mapping[int, str], strengths: Mapping[int, float] | None
) -> list[Evidence]:
    """The evidence that prose may cite, strongest first: by shared keywords, or by the strengths given."""
    named = [entry for entry in weighed if entry[1] in name]
    if strengths is None:
        return [entry for entry in named if entry[2]]
    return sorted((entry for entry in named if entry[1] in strengths), key=lambda entry: -strengths[entry[1]])


def _is_outweighed(against: Evidence, support: Sequence[Evidence], strengths: Mapping[int, float]) -> bool:
    """Whether a cited line on the verdict's side moves the score further than the one on the other."""
    return max(strengths[place] for _, place, _ in support) > strengths[against[1]]


def _find_allowed_titles(
    items: Items, item: int, places: list[int], past_items: np.ndarray, past_labels: np.ndarray
) -> dict[int, str]:
    """Position in the past -> how prose cites its item.

    Positions whose name is also another item's, or was both liked and not, are out.
    """
    seen = dict[str, set[tuple[int, bool]]]()
    name = {place: format_cited_title(items.titles[past_items[place]]) for place in places}
    for place in places:
        seen.setdefault(normalise_name(name[place]), set()).add((int(past_items[place]), bool(past_labels[place])))
    target = normalise_name(format_cited_title(items.titles[item]))
    return {
        place: cited
        for place, cited in name.items()
        if normalise_name(cited) != target and len(seen[normalise_name(cited)]) == 1
    }


def _render_fallback(
    domain: Domain,
    title: str,
    weighed: Sequence[Evidence],
    compared: Sequence[Evidence] | None,
    against: Sequence[Evidence],
    name: dict[int, str],
    usual: bool,
) -> str:
    """What can be said where no item on the verdict's side may be cited.

    `compared`: the entries whose shared keywords were looked at; None where effects chose what may be cited.
    """
    liked = sum(weight > 0 for weight, _, _ in weighed)
    count = f"This {domain.user} liked {liked} of the last {len(weighed)} {domain.items}"
    rest = "the past as a whole decides"
    if not usual:
        rest = f"the score goes by the past as a whole and by what is known of {title} itself"
    if compared is not None and not any(shared for _, _, shared in compared):
        if usual:
            return f"{count}, and {title} shares nothing with the rest, so the habit decides."
        return f"Nothing in this {domain.user}'s past shares a keyword with {title}; {rest}. {count}."
    if not against:
        return f"{count}, and {rest}."
    weight, row, shared = against[0]
    verb = "liked" if weight > 0 else "disliked"
    other = f"the {domain.user} {verb} {name[row]}"
    if shared:
        other += f", and {title} shares {_join_with_and(list(shared))} with {name[row]}"
    return f"{count}, and {rest}. Against this, {other}."


def _render_support(
    domain: Domain, title: str, support, name: dict[int, str], verdict: bool, rng: np.random.Generator
) -> str:
    (_, first, shared), *_ = support
    cited = _join_with_and([name[row] for _, row, _ in support])
    if not shared:
        return _render_effect(domain, title, cited, len(support), verdict, rng)
    # What a title is an example of it has, all of it.
    alike = _join_with_and([name[row] for _, row, theirs in support if set(shared) <= set(theirs)])
    words = _join_with_and(list(shared))
    verb = _pick_phrase(rng, "liked", "enjoyed") if verdict else _pick_phrase(rng, "disliked", "turned down")
    return _pick_phrase(
        rng,
        f"This {domain.user} {verb} {cited}, and {title} shares {words} with {name[first]}.",
        f"{title} brings {words}, as {name[first]} did, and the {domain.user} {verb} {cited}.",
        f"What stands out is {words}: the {domain.user} {verb} {alike}, and {title} offers the same.",
        f"The {domain.user} {verb} {cited}. {title} has {words} in common with {name[first]}.",
    )


def _render_effect(
    domain: Domain, title: str, cited: str, n_cited: int, verdict: bool, rng: np.random.Generator
) -> str:
    """What is said of lines that moved the score and share nothing with the target."""
    verb = _pick_phrase(rng, "liked", "enjoyed") if verdict else _pick_phrase(rng, "disliked", "turned down")
    moves = ("raises" if verdict else "lowers") if n_cited == 1 else ("raise" if verdict else "lower")
    pronoun = "that" if n_cited == 1 else "those"
    return _pick_phrase(
        rng,
        f"This {domain.user} {verb} {cited}, and {pronoun} {moves} the score of {title}.",
        f"The {domain.user} {verb} {cited}, which {moves} the score of {title}.",
    )


def _render_objection(
    against, support, name: dict[int, str], verdict: bool, outweighed: bool, rng: np.random.Generator
) -> str:
    _, row, shared = against
    verb = _pick_phrase(rng, "disliked", "turned down") if verdict else _pick_phrase(rng, "liked", "enjoyed")
    missing = [word for word in support[2] if word not in shared]
    if missing and shared:
        common, lacking = _join_with_and(list(shared)), _join_with_and(missing)
        return _pick_phrase(
            rng,
            f"{name[row]} was {verb} in spite of {common}, but it lacks {lacking}.",
            f"Although {name[row]}, with {common}, was {verb}, it is without {lacking}.",
        )
    if not outweighed:
        return f"Against this, {name[row]} was {verb}."
    return _pick_phrase(
        rng,
        f"Against this, {name[row]} was {verb}, but it weighs less.",
        f"{name[row]} was {verb}, yet the other evidence is stronger.",
    )


def _render_closing(domain: Domain, title: str, verdict: bool, rng: np.random.Generator) -> str:
    if verdict:
        return _pick_phrase(
            rng, f"{title} should please.", f"So {title} is likely to be liked.", f"It fits this {domain.user} well."
        )
    return _pick_phrase(
        rng,
        f"{title} would disappoint.",
        f"So {title} is likely to be disliked.",
        f"It does not suit this {domain.user}.",
    )
