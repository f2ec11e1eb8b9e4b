"""A run as one typed object: unknown keys refused, YAML out; `recipe_files.py` reads the files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import yaml
from pydantic import Field, ValidationError, model_validator

from thinkrec.collab import RENAMED_KINDS, SCORER_METHODS, AnyScorerConfig, NamedClasses, ScorerConfig
from thinkrec.data.duplicates import Duplicates
from thinkrec.data.implicit import SampledNegatives
from thinkrec.data.keyword_rules import KeywordRules
from thinkrec.data.split import Split
from thinkrec.data.table_config import TableData
from thinkrec.decoding.config import DecodingConfig
from thinkrec.decoding.policy import RENAMED_POLICIES, Cite, Writer
from thinkrec.errors import RecipeError
from thinkrec.io.config import OLDER_VERSION, Config, rename_kinds
from thinkrec.io.settings import explain_validation_error
from thinkrec.keywords.config import YakeExtractorConfig
from thinkrec.simulate.simulator import SimulatorConfig
from thinkrec.train.model_config import ThinkRecConfig


class SimulatedData(Config):
    """The simulated catalogue."""

    RENAMED_KEYS: ClassVar = {"world": "simulator"}
    RENAMED_VALUES: ClassVar = {"kind": {"world": "simulator"}}

    kind: Literal["simulator"] = "simulator"
    seed: int = Field(default=7, ge=0, lt=500_000)
    """Seed of the catalogue; pre-training used seeds from 500,000 on."""
    simulator: SimulatorConfig = SimulatorConfig()
    """Its size and the users' tastes."""


class MovieLensSlice(Config):
    """The shared Parquet folder with the paper's ML-1M slice."""

    RENAMED_KEYS: ClassVar = {"most": "max_keywords"}

    kind: Literal["ml1m"] = "ml1m"
    folder: Path | None = None
    """The folder; by default `ml1m` under $THINKREC_DATA or ../shared/data."""
    keywords: Literal["genres", "written", "both", "genres+plot", "none"] = "genres"
    """Genres, the written keywords, both, genres with keywords that are found offline in the plots, or none at all."""
    plot: YakeExtractorConfig = YakeExtractorConfig()
    """With genres+plot: how the offline extractor reads the plots."""
    max_keywords: int = Field(default=10, ge=1)
    """With genres+plot: the largest number of keywords of a film, its genres included."""
    keyword_cache: Path | None = None
    """With genres+plot: folder where found keywords are kept; by default keywords/ of the run."""
    keyword_rules: KeywordRules | None = None
    """Join keywords by case, and drop those that too many items or one item alone have; null leaves them alone."""


class MovieLensOriginal(Config):
    """The original MovieLens-1M folder (ratings.dat, movies.dat)."""

    kind: Literal["movielens"] = "movielens"
    folder: Path
    """The folder with both files."""


class SourceData(Config):
    """A published data set, read from its own files; docs/data-sources.md lists them."""

    kind: Literal["source"] = "source"
    name: str
    """Which one, such as yelp or movielens-latest-small."""
    folder: Path | None = None
    """The unpacked files; by default the folder of that name under $THINKREC_DATA or ../shared/data."""
    threshold: float | None = None
    """Liked means rating > threshold; by default as is usual for the source."""
    split: Split | None = None
    """The rule that makes train, valid and test; by default as is usual for the source."""
    activity: int | None = Field(default=None, ge=0)
    """Only users and items with more rows than this inside the split's window stay, counted once; 0 keeps all."""
    duplicates: Duplicates | None = None
    """Several rows of one user and item: keep, first, last, or refuse."""
    negatives: SampledNegatives | None = None
    """For sources in which every row is a Yes, such as plays: how the No is drawn. By default one per Yes."""
    keyword_rules: KeywordRules | None = None
    """Join keywords by case, and drop those that too many items or one item alone have; null leaves them alone."""


class InMemoryData(Config):
    """A data set that was handed over in Python; the run's folder holds a copy of it."""

    RENAMED_VALUES: ClassVar = {"kind": {"given": "in_memory"}}

    kind: Literal["in_memory"] = "in_memory"


Data = Annotated[
    SimulatedData | MovieLensSlice | MovieLensOriginal | TableData | SourceData | InMemoryData,
    Field(discriminator="kind"),
    rename_kinds({**SimulatedData.RENAMED_VALUES["kind"], **InMemoryData.RENAMED_VALUES["kind"]}),
]


Model = Annotated[
    ThinkRecConfig | AnyScorerConfig,
    Field(discriminator="kind"),
    rename_kinds(RENAMED_KINDS),
    NamedClasses(SCORER_METHODS),
]


class EvaluationConfig(Config):
    """How results are counted."""

    RENAMED_KEYS: ClassVar = {"draws": "bootstrap_draws"}

    k: int = Field(default=5, ge=1)
    """Cut-off of NDCG and MAP."""
    map_denominator: Literal["all", "min"] = "all"
    """AP@k divides by all positives of the user, or by min(k, positives)."""
    bootstrap_draws: int = Field(default=1000, ge=100)
    """Bootstrap draws over users."""
    seed: int = 0
    """Seed of the draws; equal for all models compared."""


class Recipe(Config):
    """Everything that decides the numbers of a run."""

    RENAMED_KEYS: ClassVar = {"cite": "citation_policy", "mentions": "max_citations", "explain": "n_explained"}
    RENAMED_VALUES: ClassVar = {"citation_policy": RENAMED_POLICIES}

    name: str = Field(pattern=r"^[\w./-]+$")
    """Also the folder of the run, under runs/."""
    seed: int = 0
    """Seed of everything random in training."""
    data: Data
    """What to learn from."""
    model: Model
    """What to train."""
    label: str | None = Field(default=None, min_length=1)
    """What the model is called in tables of results, such as TALLRec: its last row bears this name, those of earlier
    variants this name and their own. By default rows are called ThinkRec and their variant, and a scorer's row by the
    last part of `name`."""
    baselines: dict[str, ScorerConfig] = Field(default_factory=dict)
    """Further models, trained and scored on the same rows, for the table."""
    evaluation: EvaluationConfig = EvaluationConfig()
    """How results are counted."""
    n_explained: int = Field(default=12, ge=0)
    """Test rows for which reasons are written (thinkrec only)."""
    reason_tokens: int = Field(default=120, ge=1)
    """Longest reason, in tokens."""
    citation_policy: Cite = "polarity"
    """Which titles a reason may put in quotes. any: what it likes. history: those of the visible history and the
    target. polarity: of these, only liked ones where the sentence has said so far that they were liked, and the other
    way round. polarity_and_keywords: that, and no keyword may be said of an item that lacks it, or denied one that has
    it; for reasons in the plain form of the rules'. polarity_and_prose_keywords: the same for free prose. deciding:
    polarity, and the titles of the history in the order in which they moved the score the way their label says,
    measured by leaving their line out, but for those that moved it the other way as far; deciding_and_prose_keywords:
    both. deciding_and_keywords: polarity_and_keywords, and of the history only titles that moved the score the way
    their label says."""
    writer: Writer = "auto"
    """Who writes the reasons that somebody is shown. model: the language model. rules: the rule-based teacher, for the
    score's verdict. auto: the model where its reasons pass a check on validation rows and the text at hand passes it
    too, else the rules."""
    max_citations: int = Field(default=2, ge=1)
    """How often a reason may cite an item, never twice in one list; with more than one the target as often as it likes.
    Not with `citation_policy: any`."""
    decoding: DecodingConfig = DecodingConfig()
    """How the words of a reason are chosen; `thinkrec evaluate decoding` compares settings on validation rows."""

    @model_validator(mode="after")
    def _check_label_contrast(self) -> Recipe:
        # Before training, not behind it.
        if self.decoding.label_contrast and isinstance(self.model, ThinkRecConfig):
            try:
                self.model.prompt.require_turnable_labels()
            except RecipeError as error:
                raise ValueError(str(error)) from error
        return self


def parse_recipe(
    content: dict[str, Any], source: str, where: Callable[[str], str] | None = None, *, stored: bool = False
) -> Recipe:
    """Check a recipe given as plain values.

    Args:
        content: the plain values by key, nested.
        source: what holds the values, in messages.
        where: what to add to the message about a dotted key, such as the file it stands in.
        stored: whether a run wrote the values: earlier names of keys and values are then translated, not refused.

    Raises RecipeError naming `source` and every wrong key.
    """
    try:
        return Recipe.model_validate(content, context=OLDER_VERSION if stored else None)
    except ValidationError as error:
        hint = " (`thinkrec recipe --keys` lists every key)"
        raise explain_validation_error(error, source, hint=hint, echo=True, where=where) from error


def dump_recipe(recipe: Recipe) -> str:
    """The fully resolved recipe as YAML."""
    return yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False)


def resolve_paths(recipe: Recipe) -> Recipe:
    """The recipe with every path made absolute, so that what it names is found from any current folder."""
    values = recipe.model_dump(mode="json")

    def put(section: Any, key: str) -> None:
        if isinstance(section, dict) and section.get(key) is not None:
            section[key] = str(Path(section[key]).expanduser().absolute())

    for key in ("interactions", "items", "folder", "keyword_cache"):
        put(values["data"], key)
    if isinstance(recipe.model, ThinkRecConfig):
        put(values["model"]["reasons"], "file")
        for stage in ("global_stage", "expert_stage", "vector_stage"):
            put(values["model"][stage], "weights")
            put(values["model"][stage], "soft_labels")
        source = recipe.model.backbone.source
        # A name that is no path here is one of ours, or a hub's.
        if source not in ("nano", "smollm2", "auto") and Path(source).expanduser().exists():
            put(values["model"]["backbone"], "source")
    return Recipe.model_validate(values)
