"""What a study may say in its `study.yaml`; every key has a default, so that a folder of recipes alone is a study."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from thinkrec.evaluate.metrics.bootstrap import METRICS
from thinkrec.io.config import Config

Name = Annotated[str, Field(min_length=1)]
Seeds = Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)]


def _expand_shorthand(value: Any) -> Any:
    """A recipe may be given by its name alone."""
    return {"recipe": value} if isinstance(value, str) else value


class StudyRecipe(Config):
    """One recipe of a study, or all that a pattern names."""

    recipe: Name
    """A YAML file from the study's folder, a name of a shipped recipe, or a pattern of either, such as ml1m/*."""
    name: Name | None = None
    """What its row is called; by default the recipe's label, else its name. Not with a pattern of several."""
    seeds: Seeds | None = None
    """In place of the study's seeds."""
    overrides: tuple[str, ...] = ()
    """KEY=VALUE, above the study's overrides."""
    row: Name | None = None
    """Which row of the run's table it is; by default the last, that of the model itself."""
    further_rows: dict[Name, Name] = Field(default_factory=dict)
    """Further rows of the same run's table, such as ThinkRec global -> what they are called in the study."""


class PublishedFigures(Config):
    """Figures from elsewhere, written into the study itself."""

    source: Name
    """Where they stand: publication and table."""
    auc: float | None = None
    """AUC."""
    uauc: float | None = None
    """UAUC."""
    ndcg: float | None = None
    """NDCG, at the cut-off of the study."""
    map: float | None = None
    """MAP, at the cut-off of the study."""


class StudyFigure(Config):
    """A line through rows of the study, such as UAUC by number of experts."""

    title: Name
    """Above the figure."""
    x: Name
    """What the horizontal axis shows."""
    points: dict[float, Name] = Field(min_length=1)
    """Place on the axis -> row."""
    metrics: tuple[str, ...] = ("uauc",)
    """One line for each."""


class StudyConfig(Config):
    """A study."""

    title: Name | None = None
    """Heading of the tables; by default the name of the folder."""
    recipes: tuple[Annotated[StudyRecipe, BeforeValidator(_expand_shorthand)], ...] = ()
    """What is run; by default every recipe in the folder, by name."""
    seeds: Seeds | None = None
    """Seeds of training; by default each recipe's own."""
    overrides: tuple[str, ...] = ()
    """KEY=VALUE for all recipes, as `thinkrec run -o` has it."""
    averages: dict[Name, Annotated[tuple[Name, ...], Field(min_length=1)]] = Field(default_factory=dict)
    """A further row -> rows of the study: its score is the mean of the scores (logits) of all their runs, all seeds."""
    published: dict[Name, tuple[Name | PublishedFigures, ...]] = Field(default_factory=dict)
    """Row -> figures to stand below it: keys of the package's own collection, or figures written here."""
    against: tuple[Name, ...] = ()
    """Rows that every other row is compared with; by default, and without `pairs`, the first row."""
    pairs: tuple[tuple[Name, Name], ...] = ()
    """Further comparisons: the first row less the second."""
    metrics: Annotated[tuple[str, ...], Field(min_length=1)] = METRICS
    """What is tested. Together with the pairs these are the family that Holm's correction is over."""
    level: float = Field(default=0.95, gt=0.5, lt=1)
    """Of intervals; a difference counts as real where its corrected p-value is at most one less this."""
    figures: tuple[StudyFigure, ...] = ()
    """Lines through rows."""
    non_personalised: bool = True
    """Whether the rows of one number per item, which every run has, stand in the table too."""
