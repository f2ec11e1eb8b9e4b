"""How well a run's models rank the whole catalogue: `thinkrec evaluate catalogue`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any, NoReturn

import numpy as np

from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TRAIN
from thinkrec.data.query import Query
from thinkrec.decoding.policy import Writer
from thinkrec.errors import DataError
from thinkrec.evaluate.catalogue import CatalogueFacts, RankedUsers, describe_rows, evaluate_rankings
from thinkrec.evaluate.metrics.catalogue_ranking import find_places
from thinkrec.evaluate.metrics.list_properties import compute_item_information
from thinkrec.io.files import to_json_value
from thinkrec.io.progress import Progress
from thinkrec.retrieve.config import RetrieveConfig
from thinkrec.run.catalogue_questions import CatalogueQuestion, add_candidates, collect_questions
from thinkrec.run.data_sources import describe_negatives
from thinkrec.run.layout import NON_PERSONALISED
from thinkrec.run.pipeline import Run
from thinkrec.run.retrieval import open_generator
from thinkrec.run.table_rows import ScorerRow, VariantRow, choose_table_row, load_row_scorer
from thinkrec.run.variants import map_rows_to_variants
from thinkrec.score.answer_service import AnswerService
from thinkrec.score.catalogue_scores import CatalogueScorer
from thinkrec.score.recommendations import CatalogueSearch
from thinkrec.score.scorer_ranker import ScorerRanker

MOST_LIKED, RANDOM = "most liked", "random"
SMALL = 1000
"""Items up to which a language model ranks a catalogue whole, where nothing else is asked for."""
CANDIDATES = 400
CHUNK = 8
"""Users that are scored together."""
Answer = Callable[[Sequence[Query]], list[tuple[Query, np.ndarray]]]
"""Queries with the candidates that were asked about, in any order, and their scores."""


def measure_catalogue(
    run: Run,
    *,
    models: Sequence[str | None] = (None,),
    cuts: Sequence[int] = (10,),
    negatives: int | None = None,
    candidates: int | None = None,
    every: bool = False,
    most_users: int | None = None,
    seed: int = 0,
    draws: int = 1000,
) -> dict[str, Any]:
    """HR, Recall, MRR, NDCG, coverage, novelty and diversity @K of a run's models, with two baselines.

    Args:
        run: on the data of its training.
        models: rows of its table; None is the model that its recipe trains.
        cuts: the values of K.
        negatives: rank the relevant items among so many sampled others; None: the catalogue.
        candidates: items per user that the run's generator proposes to a model; by default all, and `CANDIDATES` to a
            language model where the catalogue has more than `SMALL` items.
        every: rank all items with a language model too, however many.
        most_users: so many users, drawn by `seed`.
        seed: of users, sampled items, ties and bootstrap.
        draws: of users.

    Returns plain values: `rows` (`evaluate.catalogue.CatalogueRow`), counts, and the policies as `notes`.

    Raises DataError for a row that the run does not have, settings that contradict each other, or no relevant item.
    """
    if negatives is not None and (candidates is not None or every):
        raise DataError("with sampled negatives nothing is generated: give --negatives, or --candidates, not both")
    if (candidates or CANDIDATES) < max(cuts):
        raise DataError(f"{candidates or CANDIDATES} candidates are too few for a list of {max(cuts)}; ask for more")
    ds = run.ds
    questions, counts = collect_questions(ds, most_users=most_users, seed=seed)
    asked = [
        add_candidates(question, len(ds.items), negatives, np.random.default_rng([seed, place]))
        for place, question in enumerate(questions)
    ]
    answers: dict[str, tuple[Answer, int | None]] = {}
    for name in models:
        row = choose_table_row(run.recipe, run.folder, name)
        size = _choose_size(row, len(ds.items), candidates, every, negatives)
        answers[_name_row(run, row)] = (_open_answer(run, row, size), size)
    answers |= {MOST_LIKED: (_rank_by_likes(ds), None), RANDOM: (_rank_at_random(seed), None)}
    rankings = {}
    for name, (answer, _) in answers.items():
        rankings[name] = _rank_users(name, answer, asked, questions, max(cuts), seed, run.progress)
    relevant = [len(question.relevant) for question in questions]
    facts = None if negatives is not None else _collect_facts(ds)
    rows = evaluate_rankings(
        rankings,
        relevant,
        facts,
        cuts=cuts,
        reference=MOST_LIKED,
        impersonal=(MOST_LIKED, *NON_PERSONALISED),
        draws=draws,
        seed=seed,
    )
    generated = {name: size for name, (_, size) in answers.items() if size is not None}
    measured = {
        "k": list(cuts),
        "items": len(ds.items),
        "negatives": negatives,
        "candidates": generated,
        "seed": seed,
        "draws": draws,
        "counts": asdict(counts),
        "reference": MOST_LIKED,
        "rows": describe_rows(rows),
    }
    measured |= {"title": _build_title(measured), "notes": _build_notes(measured, run)}
    return to_json_value(measured)


def _choose_size(
    row: ScorerRow | VariantRow, n_items: int, candidates: int | None, every: bool, negatives: int | None
) -> int | None:
    """Items that a generator proposes; None where none is asked."""
    if every or negatives is not None:
        return None
    if candidates is None:
        return CANDIDATES if isinstance(row, VariantRow) and n_items > SMALL else None
    return candidates if candidates < n_items else None


def _name_row(run: Run, row: ScorerRow | VariantRow) -> str:
    if isinstance(row, ScorerRow):
        return row.name
    return next(name for name, variant in map_rows_to_variants(run.recipe).items() if variant == row.variant)


def _open_answer(run: Run, row: ScorerRow | VariantRow, size: int | None) -> Answer:
    """The row's model: alone, or behind the run's candidate generator."""
    if isinstance(row, ScorerRow):
        scorer = load_row_scorer(row, run.folder)
        if size is None:
            plain = CatalogueScorer(scorer, run.ds)
            return lambda queries: list(zip(queries, plain.score_queries(queries), strict=True))
        ranker: ScorerRanker | AnswerService = ScorerRanker(scorer, run.ds, progress=False)
    else:
        service = AnswerService(run.load_predictor(row.variant), _refuse_writer)
        if size is None:
            return lambda queries: list(zip(queries, service.score_queries(queries), strict=True))
        ranker = service
    config = RetrieveConfig(candidates=size)
    search = CatalogueSearch(ranker, open_generator(run.recipe, run.folder, run.ds, config, progress=run.progress))
    return lambda queries: search.score_candidates(queries, size)


def _refuse_writer(writer: Writer | None) -> NoReturn:
    raise RuntimeError(f"a ranking is judged, and no reason is written (asked for {writer})")


def _rank_by_likes(ds: Dataset) -> Answer:
    data = ds.interactions
    likes = np.bincount(data.item[(data.split == TRAIN) & (data.label == 1)], minlength=len(ds.items)).astype(float)
    return lambda queries: [(query, likes[query.candidates]) for query in queries]


def _rank_at_random(seed: int) -> Answer:
    rng = np.random.default_rng([seed, 2])
    return lambda queries: [(query, rng.random(len(query.candidates))) for query in queries]


def _rank_users(
    name: str,
    answer: Answer,
    asked: Sequence[Query],
    questions: Sequence[CatalogueQuestion],
    k: int,
    seed: int,
    progress: bool,
) -> RankedUsers:
    places, lists, n_ranked, tied = [], [], [], 0
    with Progress(f"ranking the catalogue ({name})", len(asked), shown=progress, unit="users") as bar:
        for first in range(0, len(asked), CHUNK):
            for offset, (query, scores) in enumerate(answer(asked[first : first + CHUNK])):
                user = first + offset
                is_relevant = np.isin(query.candidates, questions[user].relevant)
                order, at = find_places(scores, is_relevant, np.random.default_rng([seed, 1, user]))
                places.append(at)
                lists.append(query.candidates[order[:k]])
                n_ranked.append(len(order))
                tied += len(order) > k and bool(scores[order[k - 1]] == scores[order[k]])
            bar.advance(min(CHUNK, len(asked) - first))
    return RankedUsers(places, lists, np.array(n_ranked), tied)


def _collect_facts(ds: Dataset) -> CatalogueFacts:
    data = ds.interactions
    train = data.split == TRAIN
    pairs = np.unique(np.stack([data.user[train], data.item[train]], axis=1), axis=0)
    users_per_item = np.bincount(pairs[:, 1], minlength=len(ds.items))
    information = compute_item_information(users_per_item, len(np.unique(data.user[train])))
    keywords = [frozenset(word.casefold() for word in words) for words in ds.items.keywords]
    return CatalogueFacts(len(ds.items), information, keywords)


def _build_title(measured: dict[str, Any]) -> str:
    n, sampled = measured["items"], measured["negatives"]
    if sampled is None:
        return f"Lists out of the whole catalogue of {n:,} items"
    return f"Relevant items among {sampled:,} sampled others (seed {measured['seed']}), not the catalogue of {n:,}"


def _build_notes(measured: dict[str, Any], run: Run) -> list[str]:
    """How it was measured, one sentence a line."""
    counts, seed = measured["counts"], measured["seed"]
    lines = [
        f"{counts['judged']:,} of {counts['test_users'] - counts['without_relevant']:,} users with a relevant item are "
        f"judged (seed {seed}); {counts['without_relevant']:,} of {counts['test_users']:,} users with test rows have "
        "none and are left out.",
        "Relevant: items of test rows with the label Yes that the user had not met in training or validation, "
        f"{counts['relevant']:,} of them, {counts['cold']:,} without a train row of anybody. What a user did not rate "
        "counts as not relevant, so that levels are low by design.",
        "The user is asked about once, as of the first test row, with the past of training and validation; a row of a "
        "run's table knows the earlier test rows too.",
    ]
    if measured["negatives"] is None:
        lines.append("Ranked: all items but those that the user had met before.")
    else:
        lines.append(
            f"Ranked: the relevant items and {measured['negatives']:,} that the user never met, drawn uniformly. Such "
            "figures may order models otherwise than the whole catalogue does (Krichene and Rendle, KDD 2020)."
        )
    for row in measured["rows"]:
        if row["model"] in measured["candidates"]:
            lines.append(
                f"{row['model']} ranks {row['ranked']:,.0f} candidates of the run's generator: recall of the relevant "
                f"items among them {row['reached']:.3f}, which no list of it can exceed."
            )
    ties = {row["model"]: row["tied"] for row in measured["rows"] if row["tied"]}
    shown = ", ".join(f"{name} {count:,}" for name, count in ties.items()) or "none"
    lines.append(f"Equal scores stand in an order drawn by the seed; users with equal scores at the cut: {shown}.")
    lines.append(
        f"Means over users, each once; brackets: 95 % interval over {measured['draws']:,} draws of users. † the same "
        "order for everybody. Formulas: docs/metrics.md."
    )
    source = describe_negatives(run.recipe.data)
    return lines if source is None else [*lines, f"{source}."]
