"""The one table of variants: the trained states of a recipe's language model that can answer, and all about them.

A new variant is one row here and, where it trains in a new way, one branch in `Run.train_variant`. Nothing else lists
variants or knows their names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from thinkrec.errors import DataError
from thinkrec.run.recipe import Recipe
from thinkrec.train.config import StageConfig
from thinkrec.train.model_config import ThinkRecConfig

Need = Literal["encoder", "groups", "slots"]
"""What a variant computes with besides text: the collaborative encoder, the groups of users that choose its adapters,
the slot vectors in its prompts."""


@dataclass(frozen=True)
class Variant:
    """One trained state of the language model."""

    key: str
    """Its name in commands and file names."""
    label: str
    """The row of the results table, where the recipe gives its model no label of its own."""
    stage: str
    """The stage, and folder in a run, that trains it."""
    scores: str
    """The stage, and folder in a run, of its scores of the test rows."""
    config: str
    """The field of `ThinkRecConfig` that configures its training; None there means that a recipe goes without it."""
    parents: tuple[str, ...] = ()
    """Keys of the variants that its training may start from; the first that the recipe trains counts."""
    needs: frozenset[Need] = frozenset()
    """What it adds to what its parent computes with; whether that asks for an encoder says `collect_needs`."""


VARIANTS = (
    Variant(
        key="global",
        label="ThinkRec global",
        stage="global",
        scores="scores/global",
        config="global_stage",
    ),
    Variant(
        key="experts",
        label="ThinkRec experts",
        stage="experts",
        scores="scores/experts",
        config="expert_stage",
        parents=("global",),
        needs=frozenset({"groups"}),
    ),
    Variant(
        key="full",
        label="ThinkRec full",
        stage="vectors",
        scores="scores/full",
        config="vector_stage",
        parents=("experts", "global"),
        needs=frozenset({"slots"}),
    ),
)
"""All variants, in the order in which they are trained and stand in tables; of a recipe the last one answers."""


def get_stage_config(variant: Variant, model: ThinkRecConfig) -> StageConfig | None:
    """How a recipe's model trains a variant; None where it does not."""
    return getattr(model, variant.config)


def list_variants(model: ThinkRecConfig) -> tuple[Variant, ...]:
    """The variants that a recipe trains, in order."""
    return tuple(variant for variant in VARIANTS if get_stage_config(variant, model) is not None)


def get_final_variant(model: ThinkRecConfig) -> Variant:
    """The last variant that a recipe trains, the one that answers."""
    return list_variants(model)[-1]


def find_parent(variant: Variant, model: ThinkRecConfig) -> Variant | None:
    """The variant of the recipe that the training of `variant` starts from; None for one that starts from nothing."""
    trained = {candidate.key: candidate for candidate in list_variants(model)}
    return next((trained[key] for key in variant.parents if key in trained), None)


def collect_needs(variant: Variant, model: ThinkRecConfig) -> frozenset[Need]:
    """What a variant of the recipe computes with: what it adds, what its parents do, and the encoder behind either.

    Groups are made of the encoder's vectors; slot vectors carry them only with `embeddings`.
    """
    parent = find_parent(variant, model)
    needs = variant.needs if parent is None else variant.needs | collect_needs(parent, model)
    has_encoder = "groups" in needs or ("slots" in needs and model.embeddings)
    encoder: frozenset[Need] = frozenset(("encoder",) if has_encoder else ())
    return needs | encoder


def collect_recipe_needs(recipe: Recipe) -> frozenset[Need]:
    """What the variants of a recipe need in all; nothing where it trains a scorer."""
    if not isinstance(recipe.model, ThinkRecConfig):
        return frozenset()
    return collect_needs(get_final_variant(recipe.model), recipe.model)


def map_rows_to_variants(recipe: Recipe) -> dict[str, Variant]:
    """Row of the results table -> variant, in the table's order; empty where the recipe trains a scorer.

    With a label in the recipe the last row is called by it, and those before it by it and their key.
    """
    if not isinstance(recipe.model, ThinkRecConfig):
        return {}
    variants = list_variants(recipe.model)
    if recipe.label is None:
        return {variant.label: variant for variant in variants}
    return {**{f"{recipe.label} {variant.key}": variant for variant in variants[:-1]}, recipe.label: variants[-1]}


def find_row(recipe: Recipe, variant: Variant) -> str:
    """The row of the recipe's table that a variant answers for."""
    return next(row for row, owner in map_rows_to_variants(recipe).items() if owner is variant)


def list_variant_names(recipe: Recipe) -> dict[str, Variant]:
    """Every name that a variant of the recipe answers to: its row in the table, its key, its usual label."""
    rows = map_rows_to_variants(recipe)
    usual = {name: variant for variant in rows.values() for name in (variant.key, variant.label)}
    return {**usual, **rows}


def find_variant(recipe: Recipe, name: str | None = None) -> Variant:
    """The variant of a recipe by any of its names, by default the one that answers.

    Raises DataError naming the variants that the recipe trains.
    """
    names = list_variant_names(recipe)
    if not names:
        raise DataError(f"recipe {recipe.name!r} trains no language model, so that it has no variants")
    if name is None:
        return list(map_rows_to_variants(recipe).values())[-1]
    if name not in names:
        rows = ", ".join(f"{variant.key} ({row})" for row, variant in map_rows_to_variants(recipe).items())
        raise DataError(f"recipe {recipe.name!r} trains no variant {name!r}; it has: {rows}")
    return names[name]
