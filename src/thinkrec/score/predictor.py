"""Everything trained, put together: asks the model about rows, or about any user and item."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from thinkrec.claims.attributes import lower
from thinkrec.collab.encoder import Encoder
from thinkrec.collab.features.slot_encoder import SlotEncoder
from thinkrec.collab.features.slot_vectors import SlotVectors
from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TEST, Interactions
from thinkrec.data.titles import citable, names, normal
from thinkrec.decoding.citations import Citable
from thinkrec.decoding.policy import Cite
from thinkrec.engine.recommender import Recommender, ScoreOption
from thinkrec.personal.gate import Gate, GateConfig, gate
from thinkrec.personal.groups import Groups
from thinkrec.prompts.render import PromptConfig, Renderer
from thinkrec.prompts.shared_prefix import Fork
from thinkrec.prompts.types import Prompt
from thinkrec.score.explainer import write_reasons
from thinkrec.score.prior import PriorConfig
from thinkrec.score.ranker import score_forks, score_prompts


@dataclass(frozen=True, eq=False)
class Personal:
    """How a row finds its experts."""

    encoder: Encoder
    groups: Groups
    config: GateConfig

    def gate(self, ds: Dataset, rows: np.ndarray) -> Gate:
        """Weights (rows, 1 + n) by the user's vector as known strictly before each row."""
        return gate(self.encoder.user_vectors(ds, rows), self.groups.centres, self.config)


@dataclass(frozen=True, eq=False)
class System:
    """A trained recommender with what it needs to answer.

    Without `personal` the global adapter answers alone; without `slots` prompts carry no vectors.
    """

    ds: Dataset
    recommender: Recommender
    prompt: PromptConfig
    personal: Personal | None = None
    slots: SlotEncoder | None = None
    option: ScoreOption = "difference"
    prior: PriorConfig | None = None
    """Added to the model's score; needs `slots` with statistics."""

    @cached_property
    def renderer(self) -> Renderer:
        """Renders rows of `ds`."""
        found = Renderer(self.ds, self.recommender.backbone, self.prompt)
        found.warn_of_cuts(self.slots is not None)
        return found

    @cached_property
    def vectors(self) -> SlotVectors | None:
        """Slot vectors of all rows of `ds`."""
        return None if self.slots is None else self.slots.vectors(self.ds)

    def gates(self, rows: np.ndarray) -> Gate:
        """Adapter weights (rows, 1 + n) and regions; weight 1 on the global adapter without `personal`."""
        if self.personal is None:
            return gate(np.zeros((len(rows), 1)), np.zeros((0, 1)))
        return self.personal.gate(self.ds, rows)

    def prompts(self, rows: np.ndarray, reserve: int = 0) -> Sequence[Prompt]:
        """The prompts of rows, as for scoring; with `reserve` they leave so many of the backbone's positions free."""
        weights = self.gates(rows).weights
        return [self.renderer.row(int(r), gate=w, vectors=self.vectors, reserve=reserve)
                for r, w in zip(rows, weights, strict=True)]  # fmt: skip

    def score(self, rows: np.ndarray, *, title: str = "scoring", progress: bool = False) -> np.ndarray:
        """float64 (len(rows),): score of each row's target from the user's past strictly before the row."""
        weights, renderer, vectors = self.gates(rows).weights, self.renderer, self.vectors
        shared, apart = renderer.families(rows, weights)

        def render(i: int) -> Prompt:
            return renderer.row(int(rows[apart[i]]), gate=weights[apart[i]], vectors=vectors)

        def forks() -> Iterator[tuple[np.ndarray, Fork]]:
            for places in shared:
                yield places, renderer.family(rows[places], gate=weights[places[0]], vectors=vectors)

        found = np.zeros(len(rows))
        options = {"option": self.option, "title": title, "progress": progress}
        found[apart] = score_prompts(self.recommender, render, len(apart), **options)
        if shared:
            found += score_forks(self.recommender, forks(), len(rows), **options)
        return found + self.offset(self.ds.interactions.item[rows], rows)

    def offset(self, items: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
        """float64 (len(items),): what the prior adds to the score of item codes, asked for by `rows` if given."""
        if self.prior is None or self.slots is None:
            return np.zeros(len(items))
        return self.prior.weight * self.slots.item_logit(self.ds, items, self.prior.source, rows)

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
            citable = [self.citable(int(row), int(item), tokens) for row, item in zip(rows, targets, strict=True)]
        verdicts = None if scores is None else scores > 0
        return write_reasons(self.recommender, self.prompts(rows, tokens), verdicts, tokens=tokens, citable=citable,
                             cite=cite, mentions=mentions, progress=progress)  # fmt: skip

    def citable(self, row: int, item: int, reserve: int = 0) -> dict[str, Citable]:
        """Names that a reason may cite when the user of `row` is asked about an item there: those of their visible
        history, in a prompt with this `reserve`, and of the item itself.
        """
        it = self.ds.interactions
        past = self.renderer.visible(row, item, slots=self.slots is not None, reserve=reserve)
        found = citable([self.ds.items.titles[i] for i in (*it.item[past], item)], taken=self._known)
        signs = [1 if liked else -1 for liked in it.label[past]]

        words = [lower(self.ds.items.keywords[i]) for i in (*it.item[past], item)]

        def known(places: list[int]) -> Citable:
            has = frozenset().union(*(words[place] for place in places))
            if len(signs) in places:
                return Citable(0, len(signs), target=True, keywords=has)
            said = {signs[place] for place in places}
            return Citable(said.pop() if len(said) == 1 else 0, places[0], keywords=has)

        return {name: known(places) for name, places in found.items()}

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(normal(name) for title in self.ds.items.titles for name in names(title))

    def at(self, past: Sequence[tuple[int | None, np.ndarray, np.ndarray]]) -> tuple[System, np.ndarray]:
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
        table = Interactions.build(user, item, label, when, np.full(len(user), TEST), np.arange(len(user)),
                                   n_users=n_users + len(past))  # fmt: skip
        moved = replace(self, ds=replace(self.ds, interactions=table))
        # The items are the same, and tokenising them is the slow part.
        object.__setattr__(moved, "renderer", self.renderer.over(moved.ds))
        object.__setattr__(moved, "_known", self._known)
        return moved, table.start[codes + 1] - 1

    def ask(self, open_row: int, items: np.ndarray, reserve: int = 0) -> list[tuple[np.ndarray, Fork]]:
        """An open row (see `at`) asked about candidate item codes (k,): (places in `items`, fork) pairs. `reserve`: see
        `prompts`.
        """
        it, vectors = self.ds.interactions, self.vectors
        past = self.prompt.window(it, open_row)
        return self.renderer.fork(
            items, it.item[past], it.label[past],
            gate=self.gates(np.array([open_row])).weights[0],
            user_vector=None if vectors is None else vectors.user[open_row],
            item_vectors=None if self.slots is None else self.slots.candidates(self.ds, open_row, items),
            past_vectors=None if vectors is None else vectors.item[past], reserve=reserve,
        )  # fmt: skip
