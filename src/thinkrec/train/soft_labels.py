"""Soft labels: scores of train rows in place of their labels, found by user, item and `order`.

The labels in a prompt's history are rows too, and where these teach (`history_loss`) they are softened like the row's
own.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
import polars as pl

from thinkrec.data.columns import DataWarning, reject_rows, require_columns
from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import SPLITS, TRAIN
from thinkrec.data.tables import read_table
from thinkrec.errors import DataError
from thinkrec.io.counts import format_count
from thinkrec.prompts.types import Prompt
from thinkrec.reasons.matching import match_rows

COLUMNS = ("order", "user_id", "item_id", "score")


@dataclass(frozen=True, eq=False)
class SoftLabels:
    """The targets of rating rows."""

    probabilities: Mapping[int, float]
    """Row number -> share of the positive answer in the target."""

    @classmethod
    def read(cls, ds: Dataset, path: Path, weight: float = 1.0) -> Self:
        """From a table (order, user_id, item_id, score) of train rows of `ds`.

        The target of a row is weight * sigmoid(score) + (1 - weight) * label. A DataWarning says how many train rows
        have no score.

        Raises:
            DataError: where a column is missing, a score is not finite, or a line is not about a train row of `ds`: by
                user and item, and by `order` where the user has several rows with the item.
        """
        table, source = read_table(path), str(path)
        require_columns(table, COLUMNS, source)
        scores = table["score"].cast(pl.Float64, strict=False)
        bad = scores.is_null() | ~scores.is_finite().fill_null(False)
        reject_rows(table["score"], bad, source, "has no finite score", "Score these rows again, or drop them.")
        rows = match_rows(ds, table, source).rows
        if (rows < 0).any():
            line = int(np.argmin(rows))
            raise DataError(
                f"{source}: {int((rows < 0).sum())} of {table.height} soft labels are about no row of the data (the"
                f" first: order {table['order'][line]}, user {table['user_id'][line]}, item {table['item_id'][line]});"
                " score the rows of the data that the recipe names"
            )
        split = ds.interactions.split[rows]
        if (split != TRAIN).any():
            line = int(np.argmax(split != TRAIN))
            raise DataError(
                f"{source}: soft labels of {int((split != TRAIN).sum())} rows that are not trained on (the first: order"
                f" {table['order'][line]}, {SPLITS[split[line]]}); give those of train rows alone, with --split train"
            )
        probability = 1 / (1 + np.exp(-np.clip(scores.to_numpy(), -50, 50)))
        target = weight * probability + (1 - weight) * ds.interactions.label[rows]
        without = int((ds.interactions.split == TRAIN).sum()) - len(rows)
        if without:
            text = (
                f"{source}: {format_count(without, 'train row has', 'train rows have')} no soft label: what is trained "
                "there is the label."
            )
            warnings.warn(text, DataWarning, stacklevel=2)
        return cls({int(row): float(share) for row, share in zip(rows, target, strict=True)})

    def soften_prompt(self, prompt: Prompt, rows: np.ndarray, label_ids: np.ndarray) -> Prompt:
        """A rating row's training prompt with soft targets, for every answer whose row has one.

        The target p is two answers at the same place, the label's own and the opposite one, which share its weight by
        p: their losses add up to the cross-entropy with p. The verdict as a token is split the same way.

        Args:
            prompt: with the labels of rows as its answers, the row's own last, and its verdict as the one taught token.
            rows: (q,), row number of each answer.
            label_ids: int32 (2,), the tokens of label 0 and of label 1.
        """
        is_soft = np.array([int(row) in self.probabilities for row in rows], dtype=bool)
        if not is_soft.any():
            return prompt
        labels = prompt.answer_label.astype(np.int64)
        share = np.array([self.probabilities.get(int(row), label) for row, label in zip(rows, labels, strict=True)])
        own = np.where(labels == 1, share, 1 - share)
        at = np.append(prompt.answer_at, prompt.answer_at[is_soft])
        label = np.append(labels, 1 - labels[is_soft])
        weight = np.append(prompt.answer_weight * own, (prompt.answer_weight * (1 - own))[is_soft])
        by_place = np.argsort(at, kind="stable")
        softened = replace(
            prompt,
            answer_at=at[by_place].astype(np.int32),
            answer_label=label[by_place].astype(np.int8),
            answer_weight=weight[by_place].astype(np.float32),
        )
        if not is_soft[-1]:
            return softened
        return replace(
            softened,
            token_at=np.repeat(prompt.token_at, 2),
            token_target=label_ids[[labels[-1], 1 - labels[-1]]],
            token_weight=(prompt.token_weight * np.array([own[-1], 1 - own[-1]])).astype(np.float32),
        )
