"""What text metrics need beside the texts: dictionaries and models, loaded as far as they are there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from thinkrec.errors import ThinkRecError
from thinkrec.evaluate.text import meteor
from thinkrec.evaluate.text.align import References
from thinkrec.evaluate.text.dictionary import Dictionary, load_dictionary
from thinkrec.evaluate.text.metric_types import (
    LIKELIHOOD,
    NAMED,
    SUPPORT,
    SUPPORT_ELSEWHERE,
    SUPPORT_SHOWN,
    UNKNOWN,
    MetricResources,
)
from thinkrec.evaluate.text.row_items import RowItems
from thinkrec.evaluate.text.wordnet import INSTALL, find_wordnet, open_wordnet
from thinkrec.model.backbone_config import BackboneDtype

UNKNOWN_SHARE = 0.2
"""Largest share of unknown tokens with which an encoder's similarity says anything: they are all alike to it."""
_NO_ITEMS = "it is not known what items there are; give --run RUN, whose data the reasons are about"


def load_metric_resources(
    *,
    bleurt: str | None = None,
    encoder: Path | None = None,
    wordnet: Path | None = None,
    reference_model: str | None = None,
    reference_dtype: BackboneDtype = "auto",
    row_items: RowItems | None = None,
) -> MetricResources:
    """Load what is there; what was asked for and cannot be loaded is an error, what was not is "not available".

    Args:
        bleurt: folder or hub name of BLEURT-20.
        encoder: folder of a model for similarity.
        wordnet: folder of WordNet 3.0; by default where it is usually installed, which a note then says.
        reference_model: any source of `load_backbone`, for the likelihood of texts.
        reference_dtype: the format that it is held in.
        row_items: the items of the references' rows, for what is said of them.
    """
    why, notes = {}, ()
    folder = wordnet or find_wordnet()
    synonyms = None if folder is None else open_wordnet(folder)
    if folder is None:
        why[meteor.WITH_SYNONYMS] = f"there is no WordNet 3.0; run: {INSTALL}, or give --wordnet FOLDER"
    elif wordnet is None:
        notes = (f"METEOR: WordNet 3.0 was found in {folder}.",)
    learned = similarity = likelihood = None
    if bleurt is None:
        why["bleurt"] = "no checkpoint was given; unpack BLEURT-20.zip and give --bleurt FOLDER"
    else:
        from thinkrec.evaluate.text.bleurt import load_bleurt

        learned = load_bleurt(bleurt)
    if encoder is not None:
        from thinkrec.evaluate.text.similarity import load_encoder

        similarity = load_encoder(encoder)
    if reference_model is None:
        why[LIKELIHOOD] = "no model was given; give --reference-model SOURCE, such as smollm2"
    else:
        from thinkrec.evaluate.text.likelihood import load_reference_model

        likelihood = load_reference_model(reference_model, reference_dtype)
    dictionary, lacking = load_item_dictionary(row_items)
    return MetricResources(
        synonyms,
        learned,
        similarity,
        why | lacking | explain_missing_items(row_items),
        dictionary=dictionary,
        likelihood=likelihood,
        row_items=row_items,
        notes=notes,
    )


def load_item_dictionary(row_items: RowItems | None) -> tuple[Dictionary | None, dict[str, str]]:
    """English words together with those of all items; else None, and why by the metric."""
    if row_items is None:
        return None, {UNKNOWN: _NO_ITEMS}
    try:
        english = load_dictionary()
    except ThinkRecError as error:
        return None, {UNKNOWN: str(error)}
    return english.extend(text for code in range(len(row_items.items)) for text in row_items.list_item_texts(code)), {}


def explain_missing_items(row_items: RowItems | None) -> dict[str, str]:
    """Metric -> why it is not available, of those that need the items of the rows or their texts."""
    if row_items is None:
        return dict.fromkeys((NAMED, SUPPORT, SUPPORT_SHOWN, SUPPORT_ELSEWHERE), _NO_ITEMS)
    if not row_items.has_texts:
        why = "the items of the run have nothing but titles; give them keywords or a column of text"
        return dict.fromkeys((SUPPORT, SUPPORT_SHOWN, SUPPORT_ELSEWHERE), why)
    if row_items.shown is None:
        return {SUPPORT_SHOWN: "it is not known what a prompt shows; give a run that trains a language model"}
    return {}


def drop_unsuited_encoder(resources: MetricResources, references: References) -> MetricResources:
    """The resources without the similarity where its encoder does not know the script of the references."""
    if resources.similarity is None:
        return resources
    unknown = resources.similarity.compute_unknown_share(references.text)
    if unknown <= UNKNOWN_SHARE:
        return resources
    why = f"the encoder does not know {unknown:.0%} of the references' tokens; give one for their language"
    return replace(resources, similarity=None, unavailable={**(resources.unavailable or {}), "similarity": why})
