"""A study's folder read: which recipes with which seeds, checked before anything is run."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from thinkrec.errors import RecipeError
from thinkrec.evaluate.metrics.bootstrap import METRICS
from thinkrec.io.settings import explain_validation_error
from thinkrec.run.layout import NON_PERSONALISED, map_rows_to_stages
from thinkrec.run.recipe import Recipe
from thinkrec.run.recipe_files import STUDY, find_recipe, is_recipe_file, list_recipe_folders, list_recipes, load_recipe
from thinkrec.study.config import PublishedFigures, StudyConfig, StudyRecipe
from thinkrec.study.published import find_published_figures, list_other_figures

_PATTERN = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class StudyEntry:
    """One recipe of a study with its seeds."""

    name: str
    """Its row in the study."""
    recipe: Recipe
    """With the overrides; the seed is the recipe's own."""
    file: Path
    """Where the recipe stands."""
    seeds: tuple[int, ...]
    rows: dict[str, str]
    """Row in the study -> row of the run's table; the entry's own first."""


@dataclass(frozen=True)
class Study:
    """Everything that a study's folder says."""

    folder: Path
    config: StudyConfig
    entries: tuple[StudyEntry, ...]
    published: dict[str, tuple[PublishedFigures, ...]] = field(default_factory=dict)
    """Row -> figures from elsewhere."""
    other_published: tuple[tuple[str, PublishedFigures], ...] = ()
    """What else stands in the published tables that the study refers to: row there, and its figures."""

    @property
    def title(self) -> str:
        """What stands above its tables."""
        return self.config.title or self.folder.name

    def list_rows(self) -> list[str]:
        """All rows that the study itself names, in order."""
        return [*(row for entry in self.entries for row in entry.rows), *self.config.averages]

    def list_pairs(self) -> list[tuple[str, str]]:
        """What is compared, each pair once, in order."""
        rows = self.list_rows()
        against = self.config.against or (() if self.config.pairs else tuple(rows[:1]))
        pairs = [(row, other) for other in against for row in rows if row not in against]
        pairs += [(row, other) for i, other in enumerate(against) for row in against[i + 1 :]]
        return list(dict.fromkeys([*pairs, *self.config.pairs]))


def find_study_folder(name: str) -> Path:
    """The folder of a study given by path, or by its name among the shipped ones. Raises RecipeError."""
    shipped = [folder / "studies" / name for folder in list_recipe_folders()]
    for path in (Path(name), *shipped):
        if path.is_dir():
            return path
    known = sorted({path.parent.name for folder in list_recipe_folders() for path in folder.glob(f"studies/*/{STUDY}")})
    raise RecipeError(
        f"there is no study {name!r}; give a folder of recipes, or one of: {', '.join(known) or '(none are shipped)'}"
    )


def read_study(folder: Path) -> Study:
    """Read a study and see that all that it names is there.

    Raises RecipeError for an unknown recipe or key, two rows of one name, or a row that nothing gives.
    """
    path = folder / STUDY
    config = _read_config(path) if path.is_file() else StudyConfig()
    recipes = config.recipes or tuple(StudyRecipe(recipe=file.name) for file in _list_folder_recipes(folder))
    if not recipes:
        raise RecipeError(f"{folder} holds no recipe and no {STUDY} that names one; put recipes (YAML files) into it")
    entries = [entry for recipe in recipes for entry in _build_entries(recipe, config, folder)]
    _check_names(entries, config, path)
    published = {row: tuple(map(find_published_figures, keys)) for row, keys in config.published.items()}
    keys = [key for figures in config.published.values() for key in figures if isinstance(key, str)]
    study = Study(folder, config, tuple(entries), published, tuple(list_other_figures(keys)))
    _check_references(study, path)
    return study


def make_slug(name: str) -> str:
    """A row's name as that of a folder: letters, digits, dots and dashes.

    >>> make_slug("ThinkRec (2 experts)")
    'thinkrec-2-experts'
    """
    return re.sub(r"[^\w.]+", "-", name.lower()).strip("-.") or "row"


def _read_config(path: Path) -> StudyConfig:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise RecipeError(f"{path} is not valid YAML: {error}") from error
    if not isinstance(content, dict):
        raise RecipeError(f"{path} must hold keys and values, such as `seeds: [0, 1, 2]`")
    try:
        return StudyConfig.model_validate(content)
    except ValidationError as error:
        known = f" (keys of a study: {', '.join(StudyConfig.model_fields)})"
        raise explain_validation_error(error, str(path), hint=known, echo=True) from error


def _list_folder_recipes(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.yaml") if is_recipe_file(path))


def _build_entries(recipe: StudyRecipe, config: StudyConfig, folder: Path) -> Iterator[StudyEntry]:
    files = _find_files(recipe.recipe, folder)
    if len(files) > 1 and (recipe.name or recipe.further_rows or recipe.row):
        raise RecipeError(
            f"{folder / STUDY}: {recipe.recipe!r} names {len(files)} recipes, which cannot share one name or row; list "
            "them one by one"
        )
    for file in files:
        loaded = load_recipe(file, [*config.overrides, *recipe.overrides])
        name = recipe.name or loaded.label or loaded.name
        tables = list(map_rows_to_stages(loaded))
        rows = {name: recipe.row or tables[-1], **{new: old for old, new in recipe.further_rows.items()}}
        if len(rows) != 1 + len(recipe.further_rows):
            raise RecipeError(f"{folder / STUDY}: two rows of the recipe {recipe.recipe!r} have one name; rename one")
        for row in rows.values():
            if row not in tables:
                raise RecipeError(
                    f"{folder / STUDY}: the run of {recipe.recipe!r} has no row {row!r}; it has: {', '.join(tables)}"
                )
        yield StudyEntry(name, loaded, file, recipe.seeds or config.seeds or (loaded.seed,), rows)


def _find_files(name: str, folder: Path) -> list[Path]:
    """The YAML files that a name or a pattern stands for. Raises RecipeError where there is none."""
    if not _PATTERN.search(name):
        inside = [path for path in (folder / name, folder / f"{name}.yaml") if path.is_file()]
        return [inside[0] if inside else find_recipe(name)]
    files = sorted(path for path in folder.glob(name) if path.suffix == ".yaml" and is_recipe_file(path))
    files = files or [find_recipe(shipped) for shipped in list_recipes() if fnmatch.fnmatch(shipped, name)]
    if not files:
        raise RecipeError(f"{folder / STUDY}: no recipe is called like {name!r}, in {folder} or among the shipped ones")
    return files


def _check_names(entries: Sequence[StudyEntry], config: StudyConfig, path: Path) -> None:
    """Raise RecipeError where two rows, or the folders of two entries, would have one name."""
    owners: dict[str, StudyEntry] = {}
    for entry in entries:
        for row in entry.rows:
            if row in owners or row in NON_PERSONALISED:
                other = f"{owners[row].file} and {entry.file}" if row in owners else "a row that every table has"
                raise RecipeError(
                    f"two rows of the study would be called {row!r} ({other}); give one of them another `name` in "
                    f"{path}, or its recipe another name"
                )
            owners[row] = entry
    for row in config.averages:
        if row in owners or row in NON_PERSONALISED:
            raise RecipeError(f"{path}: averages: {row!r} is the name of another row; give the average another name")
    slugs: dict[str, str] = {}
    for entry in entries:
        other_name = slugs.setdefault(make_slug(entry.name), entry.name)
        if other_name != entry.name:
            raise RecipeError(
                f"the rows {other_name!r} and {entry.name!r} would share the folder {make_slug(entry.name)}; give one "
                f"of them another `name` in {path}"
            )


def _check_references(study: Study, path: Path) -> None:
    """Raise RecipeError for a row or a metric that the study names but does not have."""
    config, rows = study.config, study.list_rows()
    known = {*rows, *(NON_PERSONALISED if config.non_personalised else ())}
    places: dict[str, Sequence[Any]] = {
        "published": tuple(config.published),
        "against": config.against,
        "pairs": [row for pair in config.pairs for row in pair],
        "figures": [row for figure in config.figures for row in figure.points.values()],
    }
    trained = {row for entry in study.entries for row in entry.rows}
    choices = {**dict.fromkeys(places, known), "averages": trained}
    places["averages"] = [row for rows in config.averages.values() for row in rows]
    for place, names in places.items():
        for name in names:
            if name not in choices[place]:
                raise RecipeError(
                    f"{path}: {place}: there is no row {name!r}; the rows are: {', '.join(sorted(choices[place]))}"
                )
    for first, second in config.pairs:
        if first == second:
            raise RecipeError(f"{path}: pairs: {first!r} is compared with itself; name two rows")
    for metric in [*config.metrics, *(metric for figure in config.figures for metric in figure.metrics)]:
        if metric not in METRICS:
            raise RecipeError(f"{path}: there is no metric {metric!r}; choose among {', '.join(METRICS)}")
