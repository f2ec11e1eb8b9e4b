"""Figures that others published: the package's own collection (`published.yaml`), found by key."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from thinkrec.errors import RecipeError
from thinkrec.evaluate.metrics.bootstrap import METRICS
from thinkrec.study.config import PublishedFigures

COLLECTION = Path(__file__).with_name("published.yaml")
_HEAD = ("source", "metrics")


@functools.cache
def load_collection() -> dict[str, dict[str, Any]]:
    """Key TABLE/DATA/ROW -> {"source": where it stands, metric: figure or None}, text metrics included."""
    content = yaml.safe_load(COLLECTION.read_text(encoding="utf-8"))
    return {
        f"{table}/{data}/{row}": {
            "source": values["source"],
            **dict(zip(values["metrics"], figures, strict=True)),
        }
        for table, values in content.items()
        for data, rows in values.items()
        if data not in _HEAD
        for row, figures in rows.items()
    }


def list_other_figures(keys: Sequence[str]) -> list[tuple[str, PublishedFigures]]:
    """(row, its figures) for the rows that stand in the same published tables as `keys` and are not among them."""
    tables = dict.fromkeys(key.rpartition("/")[0] for key in keys)
    others = [key for table in tables for key in load_collection() if key.rpartition("/")[0] == table]
    return [(key.rpartition("/")[2], find_published_figures(key)) for key in others if key not in keys]


def find_published_figures(key: str | PublishedFigures) -> PublishedFigures:
    """The figures of a key; what a study wrote itself is taken as it stands.

    Raises RecipeError for a key that the collection does not have, with those like it.
    """
    if isinstance(key, PublishedFigures):
        return key
    collection = load_collection()
    if key not in collection:
        like = difflib.get_close_matches(key, collection, n=3, cutoff=0.4) or list(collection)[:3]
        raise RecipeError(
            f"published: there are no figures called {key!r}; a key is TABLE/DATA/ROW, such as: {', '.join(like)}"
        )
    values = collection[key]
    ranking = {metric: values[metric] for metric in METRICS if values.get(metric) is not None}
    if not ranking:
        raise RecipeError(
            f"published: {key!r} holds figures about texts alone, and a study measures rankings; leave it out"
        )
    return PublishedFigures(source=values["source"], **ranking)
