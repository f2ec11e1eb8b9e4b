"""Vectors for the prompt's slots: what is known of a row's user and item beyond its text, without its label."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy import sparse

from thinkrec.collab.encoder import Encoder
from thinkrec.collab.features import ItemFacts
from thinkrec.collab.keywords import keyword_table
from thinkrec.collab.statistics import logit, past_excess, table_of_row, user_like_logit, user_log_count
from thinkrec.collab.votes import PastVotes
from thinkrec.data.dataset import Dataset
from thinkrec.data.rows import TRAIN
from thinkrec.errors import CheckpointError
from thinkrec.model.disk import read_tensors, write_tensors
from thinkrec.prompts.render import SlotVectors

FOLDS, KEYWORD_STRENGTH = 10, 0.003
"""Folds of users, and the inverse penalty of what keywords say about an item; as for the boosted trees."""
RECENT = 10
"""Rows of the recent past."""
_FACTS = ("rate", "log_count", "best")
_TERMS = ("term_shape", "term_starts", "term_codes", "term_weights")


@dataclass(frozen=True, eq=False)
class SlotEncoder:
    """Joins an encoder's vectors and the statistics of train rows into slot vectors of one length for users and items.

    User: e_u, then four numbers, all as of strictly before the row: logit of the like rate, ln(1 + count), mean of
    label - expected over the whole past, and the same over the last 10 rows.
    Item: e_i, then logit of the like rate, ln(1 + count), logit of the like rate drawn towards what the keywords say
    (on train rows, from folds without the user), and the vote of the user's earlier rows on the item (see `votes`), 0
    without votes.
    Two last numbers, (1, 0) or (0, 1), tell the shared projector which of both a vector is.
    """

    encoder: Encoder | None
    facts: dict[str, np.ndarray] | None
    """float64 (folds + 1, n_items) under `rate`, `log_count`, `best`: see `features.ItemFacts`."""
    votes: PastVotes | None
    mean: float
    """Like rate of the train rows, towards which short pasts are drawn."""
    seed: int
    """Of the folds."""

    @classmethod
    def fit(cls, ds: Dataset, encoder: Encoder | None, *, statistics: bool, votes: bool, seed: int) -> SlotEncoder:
        """Count the train rows of `ds`; the encoder is fitted already. `votes` needs `statistics`."""
        train = ds.interactions.label[ds.interactions.split == TRAIN]
        facts = None
        if statistics:
            found = ItemFacts.of(ds, keyword_table(ds), folds=FOLDS, seed=seed, keyword_strength=KEYWORD_STRENGTH)
            facts = {name: getattr(found, name) for name in _FACTS}
        known = PastVotes.of(ds) if statistics and votes else None
        return cls(encoder, facts, known, float((train.sum() + 1) / (len(train) + 2)), seed)

    def vectors(self, ds: Dataset) -> SlotVectors:
        """Of all rows of `ds`: the data set of the fit, or further rows of its users and items."""
        rows, code = np.arange(len(ds.interactions)), ds.interactions.item
        user: list[np.ndarray] = []
        item: list[np.ndarray] = []
        if self.encoder is not None:
            user.append(self.encoder.user_vectors(ds, rows))
            item.append(self.encoder.item_vectors()[code])
        if self.facts is not None:
            table = table_of_row(ds, rows, FOLDS, self.seed)
            expected = self._expected(table, code)
            user.append(np.stack([user_like_logit(ds, rows, mean=self.mean), user_log_count(ds, rows),
                                  past_excess(ds, expected), past_excess(ds, expected, RECENT)], axis=1))  # fmt: skip
            vote = np.zeros(len(rows)) if self.votes is None else self.votes.rows(ds, expected)
            item.append(self._item(table, code, vote))
        return SlotVectors(user=_joined(user, (1.0, 0.0), len(rows)), item=_joined(item, (0.0, 1.0), len(rows)))

    def candidates(self, ds: Dataset, row: int, items: np.ndarray) -> np.ndarray:
        """float32 (len(items), d): item vectors of item codes as the user of `row` would be asked about them there."""
        found: list[np.ndarray] = []
        if self.encoder is not None:
            found.append(self.encoder.item_vectors()[items])
        if self.facts is not None:
            data, vote = ds.interactions, np.zeros(len(items))
            if self.votes is not None:
                past = data.history_rows(row, len(data))
                residual = data.label[past] - self._expected(table_of_row(ds, past, FOLDS, self.seed), data.item[past])
                vote = self.votes.candidates(data.item[past], residual, items)
            found.append(self._item(table_of_row(ds, np.full(len(items), row), FOLDS, self.seed), items, vote))
        return _joined(found, (0.0, 1.0), len(items))

    def _expected(self, table: np.ndarray, items: np.ndarray) -> np.ndarray:
        """float64: the chance that anybody likes an item, by the given tables."""
        assert self.facts is not None
        return 1 / (1 + np.exp(-self.facts["best"][table, items]))

    def _item(self, table: np.ndarray, items: np.ndarray, vote: np.ndarray) -> np.ndarray:
        """float64 (len(items), 4): an item's numbers; see the class."""
        assert self.facts is not None
        return np.stack([*(self.facts[name][table, items] for name in _FACTS), vote], axis=1)

    def item_logit(self, ds: Dataset, items: np.ndarray, source: str, rows: np.ndarray | None = None) -> np.ndarray:
        """float64 (len(items),): logit of the like rate of item codes, less that of all train rows.

        `source`: "mean", or "both" for the like rate drawn towards what the keywords say. `rows`: the row of `ds` that
        asks for each item, if any; a train row reads from folds without its user.
        """
        assert self.facts is not None, "the recipe asks for statistics wherever it asks for a prior"
        table = -1 if rows is None else table_of_row(ds, rows, FOLDS, self.seed)
        return self.facts[{"mean": "rate", "both": "best"}[source]][table, items] - logit(np.array(self.mean))

    def save(self, path: Path) -> None:
        """Write the statistics; the encoder has a folder of its own."""
        tensors = {"mean": torch.tensor(self.mean, dtype=torch.float64), "seed": torch.tensor(self.seed)}
        tensors |= {name: torch.from_numpy(value) for name, value in (self.facts or {}).items()}
        if self.votes is not None:
            terms = self.votes.terms
            kept = (np.array(terms.shape), terms.indptr, terms.indices, terms.data)
            tensors |= {name: torch.from_numpy(value) for name, value in zip(_TERMS, kept, strict=True)}
        write_tensors(path, tensors)

    @classmethod
    def load(cls, path: Path, encoder: Encoder | None) -> SlotEncoder:
        """Read what `save` wrote. Raises CheckpointError."""
        found = read_tensors(path)
        given = set(found) - {"mean", "seed", *_TERMS}
        if given and given != set(_FACTS):
            kept = ", ".join(sorted(given))
            raise CheckpointError(
                f"{path} holds {kept} where this version keeps {', '.join(_FACTS)}; delete the run's folder `groups` "
                "and run the recipe again"
            )
        facts = {name: found[name].numpy() for name in _FACTS} if given else None
        votes = None
        if _TERMS[0] in found:
            shape, starts, codes, weights = (found[name].numpy() for name in _TERMS)
            votes = PastVotes(sparse.csr_matrix((weights, codes, starts), shape=tuple(shape)))
        return cls(encoder, facts, votes, float(found["mean"]), int(found["seed"]))


def _joined(parts: list[np.ndarray], kind: tuple[float, float], n: int) -> np.ndarray:
    """float32 (n, d): parts side by side, then the two numbers that tell users from items."""
    return np.hstack([*parts, np.tile(kind, (n, 1))]).astype(np.float32)
