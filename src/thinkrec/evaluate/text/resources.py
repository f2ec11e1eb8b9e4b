"""What text metrics need beside the texts: dictionaries and models, loaded as far as they are there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from thinkrec.evaluate.text import meteor
from thinkrec.evaluate.text.align import References
from thinkrec.evaluate.text.compare import MetricResources
from thinkrec.evaluate.text.wordnet import INSTALL, find_wordnet, open_wordnet

UNKNOWN = 0.2
"""Largest share of unknown tokens with which an encoder's similarity says anything: they are all alike to it."""


def load_metric_resources(
    *, bleurt: str | None = None, encoder: Path | None = None, wordnet: Path | None = None
) -> MetricResources:
    """Load what is there; what was asked for and cannot be loaded is an error, what was not is "not available".

    Args:
        bleurt: folder or hub name of BLEURT-20.
        encoder: folder of a model for similarity.
        wordnet: folder of WordNet 3.0; by default where it is usually installed.
    """
    why = {}
    folder = wordnet or find_wordnet()
    dictionary = None if folder is None else open_wordnet(folder)
    if dictionary is None:
        why[meteor.WITH_SYNONYMS] = f"there is no WordNet 3.0; run: {INSTALL}, or give --wordnet FOLDER"
    learned = similarity = None
    if bleurt is None:
        why["bleurt"] = "no checkpoint was given; unpack BLEURT-20.zip and give --bleurt FOLDER"
    else:
        from thinkrec.evaluate.text.bleurt import load_bleurt

        learned = load_bleurt(bleurt)
    if encoder is not None:
        from thinkrec.evaluate.text.similarity import load_encoder

        similarity = load_encoder(encoder)
    return MetricResources(dictionary, learned, similarity, why)


def drop_unsuited_encoder(resources: MetricResources, references: References) -> MetricResources:
    """The resources without the similarity where its encoder does not know the script of the references."""
    if resources.similarity is None:
        return resources
    unknown = resources.similarity.compute_unknown_share(references.text)
    if unknown <= UNKNOWN:
        return resources
    why = f"the encoder does not know {unknown:.0%} of the references' tokens; give one for their language"
    return replace(resources, similarity=None, unavailable={**(resources.unavailable or {}), "similarity": why})
