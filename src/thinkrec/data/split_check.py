"""What training and evaluation need of the three splits."""

from __future__ import annotations

import numpy as np

from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import SPLITS, TEST, TRAIN, VALID
from thinkrec.io.counts import format_count


def list_split_problems(ds: Dataset) -> list[str]:
    """Sentences on splits that no model could be trained, chosen or judged by; empty where all serve.

    Training and choosing between states need likes and dislikes in the train and the validation rows, a table of
    results test rows.
    """
    interactions, problems = ds.interactions, list[str]()
    for split in (TRAIN, VALID):
        labels = interactions.label[interactions.split == split]
        if len(np.unique(labels)) < 2:
            rows = (
                f"{format_count(len(labels), 'row')}, all {'likes' if labels[0] else 'dislikes'}"
                if len(labels)
                else "no rows"
            )
            problems.append(
                f"the {SPLITS[split]} split has {rows}: training and choosing between states need likes and dislikes "
                "in it. Look at the threshold, and at the dates or shares that cut the splits."
            )
    if not (interactions.split == TEST).any():
        problems.append("the test split has no rows. Look at the dates or shares that cut the splits.")
    return problems
