"""Sentences of the written ML-1M reasons with the side that each says a cited title was on, labelled by reading.

The texts may not be handed on, so the tables in tests/fixtures/sides hold keys, a digest of every sentence and the
label; the sentences themselves are read from the shared folder and compared with the digests.

    PYTHONPATH=tests python -m support.side_sentences              the reader's accuracy on the measured sentences
    PYTHONPATH=tests python -m support.side_sentences development  the same on those the rules were written with
"""

from __future__ import annotations

import csv
import hashlib
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from thinkrec.claims.attributes import mark_citations
from thinkrec.claims.cases import build_cases
from thinkrec.claims.citations import Catalogue, Citation, TitleResolver, find_citations
from thinkrec.claims.grounding import GroundingCase
from thinkrec.claims.polarity import read_claims, split_sentences
from thinkrec.claims.prose_reader import read_stated_sides
from thinkrec.data.dataset import Dataset
from thinkrec.data.loaders.movielens import load_ml1m_slice
from thinkrec.data.titles import MARK
from thinkrec.evaluate.metrics.bootstrap import draw_user_multiplicities
from thinkrec.run.data_sources import find_data_folder

FOLDER = Path(__file__).resolve().parents[1] / "fixtures" / "sides"
TABLES = ("reasons-grounded", "reasons")
HISTORY = 10
"""Lines that the writers of the reasons were shown."""
SIDES = {"liked": 1, "disliked": -1, "none": None, "unclear": 0}
"""Label -> what a reader has to say; of what is unclear to a person nothing is counted."""
Reader = Callable[["WrittenReason"], list[int | None]]


class TitleKey(NamedTuple):
    """Where a cited title stands."""

    table: str
    """Without its ending."""
    order: int
    """Of the row that the reason is about."""
    sentence: int
    """In the reason, from 0."""
    title: int
    """Among the titles of the history that the sentence cites, from 0."""


@dataclass(frozen=True)
class WrittenReason:
    """One written reason, cut into sentences."""

    table: str
    order: int
    user: int
    text: str
    case: GroundingCase
    cited: tuple[Citation, ...]
    sentences: tuple[str, ...]
    """With a numbered mark in the place of every cited title."""

    def list_history_citations(self, sentence: int) -> list[int]:
        """Numbers of the citations of the visible history in a sentence."""
        return [n for n in map(int, MARK.findall(self.sentences[sentence])) if self.cited[n].kind == "history"]

    def compute_digest(self, sentence: int) -> str:
        """The first 12 hexadecimal digits of the SHA-256 of a sentence as it was written."""
        plain = MARK.sub(lambda mark: self.cited[int(mark[1])].text, self.sentences[sentence]).strip()
        return hashlib.sha256(plain.encode()).hexdigest()[:12]


def read_by_rules(reason: WrittenReason) -> list[int | None]:
    """What the reader says that the rules of generation ask."""
    return read_claims(reason.text, [(c.start, c.end) for c in reason.cited], reason.case.keywords)


def read_by_prose(reason: WrittenReason) -> list[int | None]:
    """What the reader of free prose says."""
    targets = [number for number, citation in enumerate(reason.cited) if citation.kind == "target"]
    return read_stated_sides(reason.text, [(c.start, c.end) for c in reason.cited], reason.case.keywords, targets)


READERS: dict[str, Reader] = {"the rules' reader": read_by_rules, "the prose reader": read_by_prose}


def read_written_sentences(ds: Dataset, folder: Path, tables: Iterable[str] = TABLES) -> Iterator[WrittenReason]:
    """Yield the reasons of the tables in `folder` in their order."""
    catalogue = Catalogue(ds.items.titles)
    for name in tables:
        table = pl.read_parquet(folder / f"{name}.parquet").sort("order")
        rows = ds.interactions.find_rows(table["order"].to_numpy())
        cases = build_cases(ds, rows, HISTORY)
        for row, case, text in zip(table.iter_rows(named=True), cases, table["reason"], strict=True):
            cited = tuple(find_citations(text, TitleResolver(catalogue, case.history, case.target)))
            sentences = tuple(split_sentences(mark_citations(text, cited)))
            yield WrittenReason(name, int(row["order"]), int(row["user_id"]), text, case, cited, sentences)


def draw_sentences(
    ds: Dataset, folder: Path, splits: Sequence[str], n_per_table: int, seed: int
) -> list[tuple[WrittenReason, int]]:
    """`n_per_table` sentences of each table that cite the history, drawn by seed among the rows of `splits`."""
    rng, drawn = np.random.default_rng(seed), []
    for name in TABLES:
        split = dict(pl.read_parquet(folder / f"{name}.parquet").select("order", "split").iter_rows())
        candidates = [
            (reason, sentence)
            for reason in read_written_sentences(ds, folder, [name])
            if split[reason.order] in splits
            for sentence in range(len(reason.sentences))
            if reason.list_history_citations(sentence)
        ]
        chosen = np.sort(rng.choice(len(candidates), n_per_table, replace=False))
        drawn += [candidates[int(number)] for number in chosen]
    return drawn


def read_labels(name: str) -> dict[TitleKey, tuple[str, str]]:
    """The labels of a table: key -> (digest of the sentence, side)."""
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return {
            TitleKey(row["table"], int(row["order"]), int(row["sentence"]), int(row["title"])): (
                row["digest"],
                row["side"],
            )
            for row in csv.DictReader(file)
        }


@dataclass(frozen=True)
class SideReading:
    """What a reader says of one labelled title."""

    key: TitleKey
    user: int
    side: str
    """By a person: one of SIDES."""
    read: int | None
    """By the reader: 1, -1 or None."""


def read_sides(ds: Dataset, folder: Path, name: str, reader: Reader) -> list[SideReading]:
    """What `reader` says of every labelled title; raises ValueError where a sentence is not the labelled one."""
    labels, readings = read_labels(name), list[SideReading]()
    wanted = {(key.table, key.order) for key in labels}
    for reason in read_written_sentences(ds, folder):
        if (reason.table, reason.order) not in wanted:
            continue
        claims = reader(reason)
        for sentence in range(len(reason.sentences)):
            for title, citation in enumerate(reason.list_history_citations(sentence)):
                key = TitleKey(reason.table, reason.order, sentence, title)
                if key not in labels:
                    continue
                digest, side = labels.pop(key)
                if digest != reason.compute_digest(sentence):
                    raise ValueError(f"{key}: another sentence stands there than the one that was labelled")
                readings.append(SideReading(key, reason.user, side, claims[citation]))
    if labels:
        raise ValueError(f"{len(labels)} labelled titles are not in the texts, the first is {next(iter(labels))}")
    return readings


class SideCounts(NamedTuple):
    """Counts over labelled titles."""

    stated: int
    """Titles of which a person reads a side."""
    read: int
    """Of these, those of which the reader does."""
    right: int
    """Of these, those on which both agree."""
    silent: int
    """Titles of which a person reads that no side is stated."""
    invented: int
    """Of these, those of which the reader reads one."""


def count_sides(readings: Iterable[SideReading]) -> SideCounts:
    """The counts of some readings; those that are unclear to a person are left out."""
    counts = Counter[str]()
    for reading in readings:
        wanted = SIDES[reading.side]
        if wanted == 0:
            continue
        kind = "silent" if wanted is None else "stated"
        counts[kind] += 1
        if reading.read is not None:
            counts["invented" if wanted is None else "read"] += 1
            counts["right"] += reading.read == wanted
    return SideCounts(*(counts[field] for field in SideCounts._fields))


def print_accuracy(readings: Sequence[SideReading], draws: int = 1000, seed: int = 0) -> None:
    """Print shares with 95 % intervals over users, and how often each side was read as what."""
    users, code = np.unique([reading.user for reading in readings], return_inverse=True)
    sums = np.zeros((len(users), len(SideCounts._fields)))
    for reading, user in zip(readings, code, strict=True):
        sums[user] += count_sides([reading])
    total = SideCounts(*sums.sum(axis=0).astype(int))
    drawn = np.stack([times @ sums for times in draw_user_multiplicities(len(users), draws, seed)])
    shares = (
        ("read of the stated sides", total.read, total.stated, 1, 0),
        ("right of what is read", total.right, total.read, 2, 1),
        ("right of the stated sides", total.right, total.stated, 2, 0),
        ("read where none is stated", total.invented, total.silent, 4, 3),
    )
    for name, above, below, n, d in shares:
        low, high = np.nanpercentile(drawn[:, n] / np.maximum(drawn[:, d], 1), [2.5, 97.5])
        print(f"  {name}: {above / max(below, 1):.3f} [{low:.3f}, {high:.3f}] ({above} of {below})")
    for side, sign in SIDES.items():
        of_side = [reading.read for reading in readings if reading.side == side]
        right = f", right {of_side.count(sign)}" if sign else ""
        print(
            f"  {side} {len(of_side)}: read as liked {of_side.count(1)}, disliked {of_side.count(-1)}, "
            f"nothing {of_side.count(None)}{right}"
        )


def main(name: str = "measured") -> None:
    """Print the accuracy of both readers on a table of labels."""
    folder = find_data_folder("ml1m")
    ds = load_ml1m_slice(folder)
    for title, reader in READERS.items():
        readings = read_sides(ds, folder, name, reader)
        for table in (*TABLES, None):
            part = [reading for reading in readings if table in (None, reading.key.table)]
            sentences = len({reading.key[:3] for reading in part})
            print(f"{title}, {table or 'both'}: {sentences} sentences, {len(part)} titles")
            print_accuracy(part)


if __name__ == "__main__":
    main(*sys.argv[1:])
