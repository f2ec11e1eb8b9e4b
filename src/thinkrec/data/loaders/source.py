"""What is known of a published data set: its files and how to get them, how to read it, and the usual protocol."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from thinkrec.data.dataset import PLAIN_WORDS, Domain
from thinkrec.data.split import ByFractions, Split

Reader = Callable[[Path], tuple[pl.DataFrame, pl.DataFrame]]
"""Folder -> interactions (user_id, item_id, rating unless all rows are likes, timestamp where there is one) and items
(item_id, title, keywords, texts)."""
NOT_KNOWN = "not known"


@dataclass(frozen=True)
class SourceFile:
    """One file to download."""

    address: str
    """Where it is published."""
    bytes: int | None = None
    """Size of the download; None where it is not known."""
    checksum: str = NOT_KNOWN
    """"md5:..." or "sha256:..." of the download."""
    checksum_address: str | None = None
    """Where the publisher keeps a file with the MD5, read at the time of the download."""


@dataclass(frozen=True)
class Source:
    """A published data set."""

    name: str
    """Its name in recipes."""
    title: str
    """Its name among people."""
    page: str
    """The publisher's page, with the terms."""
    licence: str
    """The terms in one sentence."""
    read: Reader
    """How its folder is read."""
    files: tuple[SourceFile, ...] = ()
    """What there is to download; empty where a person has to agree to terms first."""
    threshold: float | None = None
    """Liked means rating > threshold; None where every row is a like."""
    split: Split = field(default_factory=ByFractions)
    """The usual split."""
    activity: int = 0
    """Only users and items with more rows than this stay, counted once inside the split's window."""
    domain: Domain = PLAIN_WORDS
    """The words for prompts."""
    has_times: bool = True
    """Whether rows have a time."""
    is_implicit: bool = False
    """Whether every row is a Yes, so that the No has to be sampled."""
    folder: str | None = None
    """Name of its folder under $THINKREC_DATA; by default `name`."""
    remark: str = ""
    """What one should know before downloading it."""
    full_rows: int | None = None
    """Rows of the full file of interactions."""
    expected_rows: Mapping[str, int] | None = None
    """Rows per split that the ThinkRec paper counts under the settings above."""
