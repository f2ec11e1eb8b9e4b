"""Everything trained, put together: asks the model about rows, or about any user and item."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from thinkrec.claims.attributes import normalise_keywords
from thinkrec.collab.encoder import Encoder
from thinkrec.collab.features.slot_encoder import SlotEncoder
from thinkrec.collab.features.slot_vectors import PlaceholderVectors
from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TEST, Interactions
from thinkrec.data.titles import build_allowed_titles, extract_title_names, normalise_name
from thinkrec.decoding.citations import AllowedTitle
from thinkrec.decoding.policy import Cite
from thinkrec.engine.recommender import Recommender, ScoreOption
from thinkrec.personal.gate import GateConfig, GateOutput, compute_gate
from thinkrec.personal.groups import UserGroups
from thinkrec.prompts.render import PromptConfig, PromptRenderer
from thinkrec.prompts.shared_prefix import SharedPrefix
from thinkrec.prompts.types import Prompt
from thinkrec.score.explainer import write_reasons
from thinkrec.score.prior import ScorePriorConfig
from thinkrec.score.ranker import score_prompts, score_shared_prefixes


@dataclass(frozen=True, eq=False)
class AdapterRouter:
    """How a row finds its experts."""

    encoder: Encoder
    groups: UserGroups
    config: GateConfig

    def route(self, ds: Dataset, rows: np.ndarray) -> GateOutput:
        """Weights (rows, 1 + n) by the user's vector as known strictly before each row."""
        return compute_gate(self.encoder.encode_users(ds, rows), self.groups.centres, self.config)


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

    @cached_property
    def renderer(self) -> PromptRenderer:
        """Renders rows of `ds`."""
        found = PromptRenderer(self.ds, self.recommender.backbone, self.prompt)
        found.warn_about_truncation(self.slot_encoder is not None)
        return found

    @cached_property
    def vectors(self) -> PlaceholderVectors | None:
        """Slot vectors of all rows of `ds`."""
        return None if self.slot_encoder is None else self.slot_encoder.encode_rows(self.ds)

    def compute_gates(self, rows: np.ndarray) -> GateOutput:
        """Adapter weights (rows, 1 + n) and regions; weight 1 on the global adapter without `router`."""
        if self.router is None:
            return compute_gate(np.zeros((len(rows), 1)), np.zeros((0, 1)))
        return self.router.route(self.ds, rows)

    def render_prompts(self, rows: np.ndarray, reserve: int = 0) -> Sequence[Prompt]:
        """The prompts of rows, as for scoring; with `reserve` they leave so many of the backbone's positions free."""
        weights = self.compute_gates(rows).weights
        return [
            self.renderer.render_row(int(r), gate=w, vectors=self.vectors, reserve=reserve)
            for r, w in zip(rows, weights, strict=True)
        ]

    def score(self, rows: np.ndarray, *, title: str = "scoring", progress: bool = False) -> np.ndarray:
        """float64 (len(rows),): score of each row's target from the user's past strictly before the row."""
        weights, renderer, vectors = self.compute_gates(rows).weights, self.renderer, self.vectors
        shared, apart = renderer.group_by_prefix(rows, weights)

        def render(i: int) -> Prompt:
            return renderer.render_row(int(rows[apart[i]]), gate=weights[apart[i]], vectors=vectors)

        def forks() -> Iterator[tuple[np.ndarray, SharedPrefix]]:
            for places in shared:
                yield places, renderer.render_prefix_group(rows[places], gate=weights[places[0]], vectors=vectors)

        found = np.zeros(len(rows))
        options = {"option": self.option, "title": title, "progress": progress}
        found[apart] = score_prompts(self.recommender, render, len(apart), **options)
        if shared:
            found += score_shared_prefixes(self.recommender, forks(), len(rows), **options)
        return found + self.compute_prior_offset(self.ds.interactions.item[rows], rows)

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
        progress: bool = False,
    ) -> list[str]:
        """A reason per row that opens with the verdict its score implies; with `scores` None, with the model's own.

        `cite`: see `cite.Cite`; `mentions`: how often a reason may then cite an item.
        """
        citable = None
        if cite != "any":
            targets = self.ds.interactions.item[rows]
            citable = [
                self.find_allowed_titles(int(row), int(item), tokens) for row, item in zip(rows, targets, strict=True)
            ]
        verdicts = None if scores is None else scores > 0
        return write_reasons(
            self.recommender,
            self.render_prompts(rows, tokens),
            verdicts,
            tokens=tokens,
            citable=citable,
            cite=cite,
            mentions=mentions,
            progress=progress,
        )

    def find_allowed_titles(self, row: int, item: int, reserve: int = 0) -> dict[str, AllowedTitle]:
        """Names that a reason may cite when the user of `row` is asked about an item there.

        They are those of the visible history, in a prompt with this `reserve`, and of the item itself.
        """
        it = self.ds.interactions
        past = self.renderer.list_visible_history(row, item, slots=self.slot_encoder is not None, reserve=reserve)
        found = build_allowed_titles([self.ds.items.titles[i] for i in (*it.item[past], item)], taken=self._known_names)
        signs = [1 if liked else -1 for liked in it.label[past]]

        words = [normalise_keywords(self.ds.items.keywords[i]) for i in (*it.item[past], item)]

        def known(places: list[int]) -> AllowedTitle:
            has = frozenset().union(*(words[place] for place in places))
            if len(signs) in places:
                return AllowedTitle(0, len(signs), is_target=True, keywords=has)
            said = {signs[place] for place in places}
            return AllowedTitle(said.pop() if len(said) == 1 else 0, places[0], keywords=has)

        return {name: known(places) for name, places in found.items()}

    @cached_property
    def _known_names(self) -> frozenset[str]:
        return frozenset(normalise_name(name) for title in self.ds.items.titles for name in extract_title_names(title))

    def replace_histories(
        self, past: Sequence[tuple[int | None, np.ndarray, np.ndarray]]
    ) -> tuple[Predictor, np.ndarray]:
        """This system moved to the present of some users.

        `past`: one entry per question: the user's code (None: unknown to training), and the item codes and labels of
        what they rated so far, oldest first. Returns a system over those pasts alone, each closed by one open row whose
        item is still to be asked, and the numbers of the open rows.
        """
        n_users = self.ds.interactions.n_users
        # Two questions may name one user; each gets a code of its own only where training knew none.
        codes = np.array([n_users + i if user is None else user for i, (user, _, _) in enumerate(past)], dtype=np.int64)
        if len(np.unique(codes)) < len(codes):
            raise ValueError("each user may be asked about once per call; put all candidates of a user together")
        lengths = [len(items) + 1 for _, items, _ in past]
        user = np.repeat(codes, lengths)
        item = np.concatenate([np.append(items, 0) for _, items, _ in past])
        label = np.concatenate([np.append(labels, 0) for _, _, labels in past])
        when = np.concatenate([np.arange(n) for n in lengths])
        table = Interactions.build(
            user, item, label, when, np.full(len(user), TEST), np.arange(len(user)), n_users=n_users + len(past)
        )
        moved = replace(self, ds=replace(self.ds, interactions=table))
        # The items are the same, and tokenising them is the slow part.
        object.__setattr__(moved, "renderer", self.renderer.copy_with_dataset(moved.ds))
        object.__setattr__(moved, "_known_names", self._known_names)
        return moved, table.start[codes + 1] - 1

    def render_candidates(
        self, open_row: int, items: np.ndarray, reserve: int = 0
    ) -> list[tuple[np.ndarray, SharedPrefix]]:
        """An open row (see `replace_histories`) asked about candidate item codes (k,).

        Returns pairs (places in `items`, shared prefix). `reserve`: see `render_prompts`.
        """
        it, vectors = self.ds.interactions, self.vectors
        past = self.prompt.get_history_rows(it, open_row)
        return self.renderer.render_candidates(
            items,
            it.item[past],
            it.label[past],
            gate=self.compute_gates(np.array([open_row])).weights[0],
            user_vector=None if vectors is None else vectors.user[open_row],
            item_vectors=None
            if self.slot_encoder is None
            else self.slot_encoder.encode_candidates(self.ds, open_row, items),
            past_vectors=None if vectors is None else vectors.item[past],
            reserve=reserve,
        )
