"""Everything trained, put together: asks the model about rows, or about any user and item."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from thinkrec.claims.attributes import normalise_keywords
from thinkrec.claims.cases import build_case
from thinkrec.claims.citations import Catalogue
from thinkrec.claims.grounding import GroundingCase
from thinkrec.collab.encoder import Encoder
from thinkrec.collab.features.slot_encoder import SlotEncoder
from thinkrec.collab.features.slot_vectors import PlaceholderVectors
from thinkrec.data.dataset import Dataset
from thinkrec.data.query import Query
from thinkrec.data.titles import build_allowed_titles, extract_title_names, normalise_name
from thinkrec.decoding.citations import AllowedTitle
from thinkrec.decoding.config import DecodingConfig
from thinkrec.decoding.policy import DECIDING_POLICIES, Cite
from thinkrec.engine.recommender import Recommender, ScoreOption
from thinkrec.io.progress import Progress
from thinkrec.personal.gate import GateConfig, GateOutput, compute_gate
from thinkrec.personal.groups import UserGroups
from thinkrec.prompts.config import PromptConfig
from thinkrec.prompts.render import PromptRenderer
from thinkrec.prompts.shared_prefix import SharedPrefix
from thinkrec.prompts.types import Prompt
from thinkrec.score.composer import Composer
from thinkrec.score.composition import ScoreParts
from thinkrec.score.deciding_lines import SHARES, map_deciding_lines
from thinkrec.score.explainer import GREEDY, write_reasons
from thinkrec.score.line_effects import compute_line_effects
from thinkrec.score.prior import ScorePriorConfig
from thinkrec.score.ranker import CHUNK, score_prompts, score_shared_prefixes
from thinkrec.score.sample_choice import count_case_agreement
from thinkrec.score.turned_prompts import check_turned_prompts


@dataclass(frozen=True, eq=False)
class AdapterRouter:
    """How a row finds its experts."""

    encoder: Encoder
    groups: UserGroups
    config: GateConfig

    def route(self, ds: Dataset, rows: np.ndarray) -> GateOutput:
        """Weights (rows, 1 + n) by the user's vector as known strictly before each row."""
        return self.route_vectors(self.encoder.encode_users(ds, rows))

    def route_query(self, ds: Dataset, query: Query) -> GateOutput:
        """Weights (1, 1 + n) by the vector of the query's user."""
        return self.route_vectors(self.encoder.encode_query(ds, query)[None])

    def route_vectors(self, vectors: np.ndarray) -> GateOutput:
        """Weights (rows, 1 + n) of user vectors (rows, d)."""
        return compute_gate(vectors, self.groups.centres, self.config)


@dataclass(frozen=True, eq=False)
class Predictor:
    """A trained recommender with what it needs to answer.

    Without `router` the global adapter answers alone; without `slot_encoder` prompts carry no vectors.
    """

    ds: Dataset
    recommender: Recommender
    prompt: PromptConfig
    router: AdapterRouter | None = None
    slot_encoder: SlotEncoder | None = None
    option: ScoreOption = "difference"
    prior: ScorePriorConfig | None = None
    """Added to the model's score; needs `slot_encoder` with statistics."""
    composer: Composer | None = None
    """Makes the score that is given of the model's and others (`score.composition`)."""

    @cached_property
    def renderer(self) -> PromptRenderer:
        """Renders rows of `ds`."""
        renderer = PromptRenderer(self.ds, self.recommender.backbone, self.prompt)
        renderer.warn_about_truncation(self.slot_encoder is not None)
        renderer.warn_about_reason_texts()
        return renderer

    @cached_property
    def vectors(self) -> PlaceholderVectors | None:
        """Slot vectors of all rows of `ds`."""
        return None if self.slot_encoder is None else self.slot_encoder.encode_rows(self.ds)

    def compute_gates(self, rows: np.ndarray) -> GateOutput:
        """Adapter weights (rows, 1 + n) and regions; weight 1 on the global adapter without `router`."""
        return _make_global_gate(len(rows)) if self.router is None else self.router.route(self.ds, rows)

    def compute_query_gate(self, query: Query) -> np.ndarray:
        """float32 (1 + n,): adapter weights of a query, as `compute_gates`."""
        gates = _make_global_gate(1) if self.router is None else self.router.route_query(self.ds, query)
        return gates.weights[0]

    def render_prompts(self, rows: np.ndarray, reserve: int = 0, turned: bool = False) -> Sequence[Prompt]:
        """The prompts of rows, as for scoring; with `reserve` they leave so many of the backbone's positions free.

        `turned`: with the opposite label in every history line, and all else as it is, vectors and gate too.
        """
        weights = self.compute_gates(rows).weights
        return [
            self.renderer.render_row(int(r), gate=w, vectors=self.vectors, reserve=reserve, turned=turned)
            for r, w in zip(rows, weights, strict=True)
        ]

    def score(self, rows: np.ndarray, *, title: str = "scoring", progress: bool = False) -> np.ndarray:
        """float64 (len(rows),): score of each row's target from the user's past strictly before the row."""
        scores = self.score_by_model(rows, title=title, progress=progress)
        if self.composer is None:
            return scores

        def score_batch_state(queries: Sequence[Query]) -> list[np.ndarray]:
            return self.score_queries_by_model(queries, title=f"{title}, batch state", progress=progress)

        return self.composer.compose_rows(self.ds, rows, scores, score_batch_state)

    def score_by_model(self, rows: np.ndarray, *, title: str = "scoring", progress: bool = False) -> np.ndarray:
        """float64 (len(rows),): `score` without composition."""
        weights, renderer, vectors = self.compute_gates(rows).weights, self.renderer, self.vectors
        shared, apart = renderer.group_by_prefix(rows, weights)

        def render(i: int) -> Prompt:
            return renderer.render_row(int(rows[apart[i]]), gate=weights[apart[i]], vectors=vectors)

        def iterate_prefix_groups() -> Iterator[tuple[np.ndarray, SharedPrefix]]:
            for places in shared:
                yield places, renderer.render_prefix_group(rows[places], gate=weights[places[0]], vectors=vectors)

        scores = np.zeros(len(rows))
        with Progress(title, len(rows), shown=progress) as bar:
            scores[apart] = score_prompts(self.recommender, render, len(apart), option=self.option, bar=bar)
            if shared:
                groups = iterate_prefix_groups()
                scores += score_shared_prefixes(self.recommender, groups, len(rows), option=self.option, bar=bar)
        return scores + self.compute_prior_offset(self.ds.interactions.item[rows], rows)

    def compute_prior_offset(self, items: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
        """float64 (len(items),): what the prior adds to the score of item codes, asked for by `rows` if given."""
        if self.prior is None or self.slot_encoder is None:
            return np.zeros(len(items))
        return self.prior.weight * self.slot_encoder.compute_item_logit(self.ds, items, self.prior.source, rows)

    def explain(
        self,
        rows: np.ndarray,
        scores: np.ndarray | None,
        *,
        tokens: int,
        cite: Cite = "any",
        mentions: int = 2,
        decoding: DecodingConfig = GREEDY,
        progress: bool = False,
    ) -> list[str]:
        """A reason per row that opens with the verdict its score implies; with `scores` None, with the model's own.

        `cite`: see `decoding.policy.Cite`; `mentions`: how often a reason may then cite an item; `decoding`: how its
        words are chosen.
        """
        queries = [Query.from_row(self.ds, int(row)) for row in rows]
        prompts = self.render_prompts(rows, tokens)
        turned = None
        if decoding.label_contrast:
            turned = self.render_prompts(rows, tokens, turned=True)
        return self._write_reasons(queries, prompts, turned, scores, tokens, cite, mentions, decoding, progress)

    def _write_reasons(
        self,
        queries: Sequence[Query],
        prompts: Sequence[Prompt],
        turned: Sequence[Prompt] | None,
        scores: np.ndarray | None,
        tokens: int,
        cite: Cite,
        mentions: int,
        decoding: DecodingConfig,
        progress: bool,
    ) -> list[str]:
        """Reasons for queries about one candidate each, from their prompts with `tokens` places left.

        `turned`: the prompts with turned labels, where `decoding` asks for them.
        """
        if turned is not None:
            check_turned_prompts(prompts, turned, self.prompt)
        is_plain = cite == "any" and not decoding.dump_changes()
        verdicts = None if scores is None else scores > 0
        cases: dict[int, GroundingCase] = {}

        def count_agreement(place: int, text: str) -> tuple[int, int]:
            if place not in cases:
                verdict = None if verdicts is None else bool(verdicts[place])
                cases[place] = self._build_case(queries[place], tokens, verdict)
            return count_case_agreement(text, cases[place], self._catalogue)

        return write_reasons(
            self.recommender,
            prompts,
            verdicts,
            tokens=tokens,
            citable=None if is_plain else self.list_allowed_titles(queries, cite, tokens),
            cite=cite,
            mentions=mentions,
            decoding=decoding,
            count_agreement=count_agreement,
            turned=turned,
            progress=progress,
        )

    def _build_case(self, query: Query, reserve: int, verdict: bool | None) -> GroundingCase:
        """What a reason about a query's only candidate is checked against: what its prompt shows."""
        item = int(query.candidates[0])
        past = self.find_visible_past(query, item, reserve)
        return build_case(self.ds.items, query.items[past], query.labels[past], item, verdict)

    @cached_property
    def _catalogue(self) -> Catalogue:
        return Catalogue(self.ds.items.titles)

    def find_visible_past(self, query: Query, item: int, reserve: int = 0) -> np.ndarray:
        """int64: the entries of a query's past that its prompt about `item` shows; `reserve`: see `render_prompts`."""
        window = query.find_window(self.prompt.history, self.prompt.history_step)
        slots = self.slot_encoder is not None
        items, labels = query.items[window], query.labels[window]
        return window.start + self.renderer.find_visible_past(items, labels, item, slots=slots, reserve=reserve)

    def list_allowed_titles(
        self, queries: Sequence[Query], cite: Cite, reserve: int = 0
    ) -> list[dict[str, AllowedTitle]]:
        """What `find_allowed_titles` gives for queries about one candidate each, as the policy `cite` asks.

        Where it asks for deciding lines, the effects of all lines are measured: one more prompt per line.
        """
        lines: list[dict[int, float] | None] = [None] * len(queries)
        if cite in DECIDING_POLICIES:
            measured = compute_line_effects(self, queries, flip=False)
            lines = [map_deciding_lines(effects, SHARES[cite]) for effects in measured]
        return [
            self.find_allowed_titles(query, int(query.candidates[0]), reserve, strengths)
            for query, strengths in zip(queries, lines, strict=True)
        ]

    def find_allowed_titles(
        self, query: Query, item: int, reserve: int = 0, lines: Mapping[int, float] | None = None
    ) -> dict[str, AllowedTitle]:
        """Names that a reason may cite when a query's user is asked about an item.

        They are those of the visible past, in a prompt with this `reserve`, and of the item itself. With `lines`, place
        in the past -> how much the line moved the score, names of other lines are left out, even where a name is that
        of one of these too.
        """
        past = self.find_visible_past(query, item, reserve)
        shown = [*query.items[past].tolist(), item]
        places_by_name = build_allowed_titles([self.ds.items.titles[i] for i in shown], taken=self._known_names)
        signs = [1 if liked else -1 for liked in query.labels[past]]
        words = [normalise_keywords(self.ds.items.keywords[i]) for i in shown]

        def known(places: list[int]) -> AllowedTitle:
            has = frozenset().union(*(words[place] for place in places))
            if len(signs) in places:
                return AllowedTitle(0, len(signs), is_target=True, keywords=has)
            opinions = {signs[place] for place in places}
            strength = max(strengths.get(place, 0.0) for place in places)
            return AllowedTitle(opinions.pop() if len(opinions) == 1 else 0, places[0], False, has, strength)

        strengths = {} if lines is None else {n: lines[p] for n, p in enumerate(past.tolist()) if p in lines}
        citable = set(range(len(past)) if lines is None else strengths)
        return {
            name: known(places)
            for name, places in places_by_name.items()
            if len(past) in places or citable.issuperset(places)
        }

    @cached_property
    def _known_names(self) -> frozenset[str]:
        return frozenset(normalise_name(name) for title in self.ds.items.titles for name in extract_title_names(title))

    def render_candidates(
        self, query: Query, reserve: int = 0, turned: bool = False
    ) -> Iterator[tuple[np.ndarray, SharedPrefix]]:
        """The prompts of a query's candidates: pairs (places in `candidates`, shared prefix), CHUNK at a time.

        `reserve`, `turned`: see `render_prompts`.
        """
        window = query.find_window(self.prompt.history, self.prompt.history_step)
        labels = query.flip_labels(np.arange(len(query.labels))).labels if turned else query.labels
        gate, slots = self.compute_query_gate(query), self.slot_encoder
        vectors = None if slots is None else slots.encode_query(self.ds, query)
        for first in range(0, len(query.candidates), CHUNK):
            items = query.candidates[first : first + CHUNK]
            shared_prefixes = self.renderer.render_candidates(
                items,
                query.items[window],
                labels[window],
                gate=gate,
                user_vector=None if vectors is None else vectors.user,
                item_vectors=None if slots is None else slots.encode_candidates(self.ds, query, items),
                past_vectors=None if vectors is None else vectors.past[window],
                reserve=reserve,
            )
            yield from ((first + places, shared_prefix) for places, shared_prefix in shared_prefixes)

    def score_queries(
        self, queries: Sequence[Query], *, title: str = "scoring", progress: bool = False
    ) -> list[np.ndarray]:
        """float64 (c,) for each query: the scores of its candidates, composed where scores are."""
        scores = self.score_queries_by_model(queries, title=title, progress=progress)
        if self.composer is None or not sum(map(len, scores)):
            return scores
        return self.composer.compose_queries(self.ds, queries, scores)

    def split_scores(self, query: Query, scores: np.ndarray) -> list[ScoreParts] | None:
        """The scores of a query's candidates as sums for people; None where scores are not composed."""
        return None if self.composer is None else self.composer.split_query_scores(self.ds, query, scores)

    def score_queries_by_model(
        self, queries: Sequence[Query], *, title: str = "scoring", progress: bool = False
    ) -> list[np.ndarray]:
        """float64 (c,) for each query: `score_queries` without composition.

        Queries share batches, are rendered as they are needed, and what a user's prompts have in common is computed
        once per CHUNK of them.
        """
        ends = np.cumsum([len(query.candidates) for query in queries])
        total = int(ends[-1]) if len(ends) else 0
        if not total:
            return [np.zeros(0) for _ in queries]

        def iterate_prefixes() -> Iterator[tuple[np.ndarray, SharedPrefix]]:
            for query, end in zip(queries, ends, strict=True):
                for places, shared_prefix in self.render_candidates(query):
                    yield end - len(query.candidates) + places, shared_prefix

        with Progress(title, total, shown=progress) as bar:
            prefixes = iterate_prefixes()
            scores = score_shared_prefixes(self.recommender, prefixes, total, option=self.option, bar=bar)
        scores = scores + self.compute_prior_offset(np.concatenate([query.candidates for query in queries]))
        return np.split(scores, ends[:-1])

    def explain_query(
        self,
        query: Query,
        scores: np.ndarray,
        *,
        tokens: int,
        cite: Cite = "any",
        mentions: int = 2,
        decoding: DecodingConfig = GREEDY,
        progress: bool = False,
    ) -> list[str]:
        """A reason for every candidate of a query, as `explain` gives for rows; what prompts share is read once."""
        return self.explain_queries(
            [query], scores, tokens=tokens, cite=cite, mentions=mentions, decoding=decoding, progress=progress
        )

    def explain_queries(
        self,
        queries: Sequence[Query],
        scores: np.ndarray,
        *,
        tokens: int,
        cite: Cite = "any",
        mentions: int = 2,
        decoding: DecodingConfig = GREEDY,
        progress: bool = False,
    ) -> list[str]:
        """A reason for every candidate of every query, one query after the other, written in the same batches.

        `scores`: float64 (all candidates,); the rest as `explain`.
        """
        singles = [
            replace(query, candidates=query.candidates[[n]]) for query in queries for n in range(len(query.candidates))
        ]
        prompts, turned = self._list_candidate_prompts(queries, tokens), None
        if decoding.label_contrast:
            turned = self._list_candidate_prompts(queries, tokens, turned=True)
        return self._write_reasons(singles, prompts, turned, scores, tokens, cite, mentions, decoding, progress)

    def _list_candidate_prompts(self, queries: Sequence[Query], reserve: int, turned: bool = False) -> list[Prompt]:
        prompts = {
            (n, int(place)): prompt
            for n, query in enumerate(queries)
            for places, shared_prefix in self.render_candidates(query, reserve, turned)
            for place, prompt in zip(places, shared_prefix.to_prompts(), strict=True)
        }
        return [prompts[key] for key in sorted(prompts)]


def _make_global_gate(n: int) -> GateOutput:
    """The global adapter alone, for n rows."""
    return compute_gate(np.zeros((n, 1)), np.zeros((0, 1)))
