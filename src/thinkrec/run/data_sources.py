"""From a recipe to a data set, what was planted in it, and the reasons to train on."""

from __future__ import annotations

import os
import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from thinkrec.data.archives import split_member
from thinkrec.data.dataset import Dataset
from thinkrec.data.implicit import SampledNegatives
from thinkrec.data.interactions import TRAIN
from thinkrec.data.keyword_rules import clean_catalogue_keywords
from thinkrec.data.loaders.movielens import load_ml1m_slice, load_movielens_dataset
from thinkrec.data.loaders.prepare import load_source
from thinkrec.data.loaders.registry import find_source
from thinkrec.data.table_config import load_tables
from thinkrec.data.table_files import list_table_files
from thinkrec.errors import DataError, DataWarning, RecipeError
from thinkrec.reasons.written import read_written_reasons
from thinkrec.simulate.simulator import Simulation, simulate_catalogue
from thinkrec.train.mixture import write_rule_reasons
from thinkrec.train.model_config import ThinkRecConfig

if TYPE_CHECKING:
    from thinkrec.run.recipe import Data, MovieLensSlice, SourceData


REASON_FILES = {"written": "reasons.parquet", "grounded": "reasons-grounded.parquet"}
"""Source of reasons -> its table beside the ML-1M slice."""


def find_data_folder(name: str) -> Path:
    """A named folder under $THINKREC_DATA, else under shared/data beside the current folder or the clone.

    Raises DataError saying where it looked.
    """
    folder = list_data_folders(name)[0]
    if folder.is_dir():
        return folder
    places = ", ".join(map(str, list_data_folders(name)))
    raise DataError(f"the data folder {name!r} was not found (looked for {places}); set THINKREC_DATA to its parent")


def list_data_folders(name: str) -> list[Path]:
    """Where a named folder is looked for; those that are there come first."""
    named = os.environ.get("THINKREC_DATA")
    clone = Path(__file__).resolve().parents[3]
    tried = [Path(named)] if named else [Path.cwd().parent / "shared" / "data", clone.parent / "shared" / "data"]
    return sorted((base / name for base in tried), key=lambda folder: not folder.is_dir())


def load_data(config: Data, cache: Path | None = None) -> tuple[Dataset, Simulation | None]:
    """The data set; for a simulated catalogue also everything that was planted in it.

    `cache` is a folder for what is costly to find anew (keywords from plots), where the recipe names none.
    """
    if config.kind == "simulator":
        world = simulate_catalogue(config.simulator, config.seed)
        return world.dataset, world
    if config.kind == "ml1m":
        return _load_slice(config, cache), None
    if config.kind == "movielens":
        return load_movielens_dataset(config.folder), None
    if config.kind == "source":
        return load_source(
            config.name,
            find_source_folder(config),
            threshold=config.threshold,
            split=config.split,
            activity=config.activity,
            duplicates=config.duplicates,
            negatives=config.negatives,
            keyword_rules=config.keyword_rules,
        ), None
    if config.kind == "in_memory":
        raise RecipeError(
            "data.kind is in_memory: these data were handed over in Python, by ThinkRec.fit; name the data of a recipe "
            "by another kind, such as tables"
        )
    return load_tables(config), None


def _load_slice(config: MovieLensSlice, cache: Path | None) -> Dataset:
    """The prepared slice of MovieLens-1M, with the keywords that the recipe names under its rules."""
    folder = config.folder or find_data_folder("ml1m")
    if config.keywords == "genres+plot":
        ds = _add_plot_keywords(load_ml1m_slice(folder), config, config.keyword_cache or cache)
    else:
        ds = load_ml1m_slice(folder, keywords=config.keywords)
    if config.keyword_rules is None:
        return ds
    words = clean_catalogue_keywords(ds.items.keywords, config.keyword_rules, str(folder))
    return replace(ds, items=replace(ds.items, keywords=words))


def find_source_folder(config: SourceData) -> Path:
    """The folder of a published data set. Raises DataError with the remedy where it is not there."""
    if config.folder is not None:
        return config.folder
    name = find_source(config.name).folder or config.name
    try:
        return find_data_folder(name)
    except DataError as error:
        raise DataError(f"{error}, or name it in `data.folder`; docs/data-sources.md says where to get it") from None


def describe_negatives(config: Data) -> str | None:
    """Where the No of implicit feedback comes from, in one sentence; None where the data say it themselves."""
    if config.kind == "tables" and config.feedback is not None:
        return config.feedback.describe()
    if config.kind == "tables":
        return None if config.negatives is None else config.negatives.describe()
    if config.kind != "source" or not find_source(config.name).is_implicit:
        return None
    return (config.negatives or SampledNegatives()).describe()


def list_source_paths(config: Data) -> list[Path]:
    """The files and folders that `load_data` reads; empty where it reads none.

    A pattern stands for the files that have such a name, and for itself where none has.
    """
    if config.kind == "tables":
        return [file for path in (config.interactions, config.items) for file in _expand_pattern(path)]
    if config.kind == "ml1m":
        return [config.folder or list_data_folders("ml1m")[0]]
    if config.kind == "source":
        return [config.folder or list_data_folders(find_source(config.name).folder or config.name)[0]]
    return [config.folder] if config.kind == "movielens" else []


def _expand_pattern(path: Path) -> list[Path]:
    if (parts := split_member(path)) is not None:
        return [parts[0]]
    try:
        return [path] if path.exists() else list_table_files(path)
    except DataError:
        return [path]


def match_simulation(simulation: Simulation | None, ds: Dataset | None, folder: Path) -> Simulation | None:
    """What was planted in the data of a run, `ds` as its folder holds them, where the simulator still makes them.

    None, with a DataWarning, where it makes other data now. Without `ds` the simulation's own data are the run's.
    """
    if simulation is None or ds is None or simulation.dataset.compute_fingerprint() == ds.compute_fingerprint():
        return simulation
    warnings.warn(
        f"the simulator has changed since {folder} was run: what was planted in its data is not known any more",
        DataWarning,
        stacklevel=3,
    )
    return None


def collect_reasons(ds: Dataset, model: ThinkRecConfig, seed: int) -> dict[int, str]:
    """Row of `ds` -> the reason to train on, as the recipe's model says: none, the rules', or those of a table."""
    config = model.reasons
    if config.source == "rules":
        train = np.flatnonzero(ds.interactions.split == TRAIN)
        return write_rule_reasons(ds, train, model.prompt.history, seed)
    if config.source in REASON_FILES:
        path = config.file or find_data_folder("ml1m") / REASON_FILES[config.source]
        return read_written_reasons(ds, path, unhinted=config.exclude_hinted)
    return {}


def _add_plot_keywords(ds: Dataset, config: MovieLensSlice, cache: Path | None) -> Dataset:
    """The slice with keywords from its plots behind the genres."""
    from thinkrec.keywords.cache import KeywordCache
    from thinkrec.keywords.extractor import extract_keywords
    from thinkrec.keywords.offline import YakeExtractor

    if "plot" not in ds.items.texts.columns:
        raise DataError("keywords: genres+plot needs a column `plot` in items.parquet; take the prepared slice")
    keywords = extract_keywords(
        [text or "" for text in ds.items.texts["plot"].to_list()],
        YakeExtractor(config.plot),
        most=config.max_keywords,
        keep=ds.items.keywords,
        titles=ds.items.titles,
        cache=KeywordCache(None if cache is None else cache / "plots.jsonl"),
    )
    return ds.with_keywords(dict(zip(ds.items.ids, keywords, strict=True)), source="plots")
