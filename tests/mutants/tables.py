"""All mutants, and the thirteen that once passed the whole suite together."""

from __future__ import annotations

import mutants_catalogue
import mutants_data
import mutants_decoding
import mutants_evaluate
import mutants_faithfulness
import mutants_grounding
import mutants_model
import mutants_newcomer
import mutants_reasons
import mutants_study
import mutants_thinking
import mutants_train
from mutant import Mutant

MUTANTS: tuple[Mutant, ...] = (
    *mutants_data.MUTANTS,
    *mutants_catalogue.MUTANTS,
    *mutants_newcomer.MUTANTS,
    *mutants_model.MUTANTS,
    *mutants_train.MUTANTS,
    *mutants_reasons.MUTANTS,
    *mutants_evaluate.MUTANTS,
    *mutants_grounding.MUTANTS,
    *mutants_decoding.MUTANTS,
    *mutants_faithfulness.MUTANTS,
    *mutants_study.MUTANTS,
    *mutants_thinking.MUTANTS,
)

THIRTEEN = (
    "gradient-ascent",
    "selected-on-test",
    "reasons-of-every-split",
    "reasons-never",
    "history-loss-ignored",
    "last-state-kept",
    "experts-global-gate",
    "experts-not-from-global",
    "vectors-without-gate",
    "stage-key-ignores-inputs",
    "uauc-left-out",
    "constant-rate",
    "projector-on-test",
)
"""What `--together` makes at once."""
