"""All templates, by the name that `prompt.template` gives."""

from __future__ import annotations

from thinkrec.errors import RecipeError
from thinkrec.prompts.template import Template
from thinkrec.prompts.templates.collm import COLLM
from thinkrec.prompts.templates.prompt4nr import (
    PROMPT4NR,
    PROMPT4NR_LABELLED,
    PROMPT4NR_SOFT,
    PROMPT4NR_SOFT_LABELLED,
)
from thinkrec.prompts.templates.ratings_table import RATINGS_TABLE, RATINGS_TABLE_UNLABELLED
from thinkrec.prompts.templates.tallrec import TALLREC, TALLREC_KEYWORDS

DEFAULT_TEMPLATE = "ratings-table"
TEMPLATES: dict[str, Template] = {
    DEFAULT_TEMPLATE: RATINGS_TABLE,
    "prompt4nr": PROMPT4NR,
    "prompt4nr-soft": PROMPT4NR_SOFT,
    "prompt4nr-labelled": PROMPT4NR_LABELLED,
    "prompt4nr-soft-labelled": PROMPT4NR_SOFT_LABELLED,
    "tallrec": TALLREC,
    "tallrec-keywords": TALLREC_KEYWORDS,
    "collm": COLLM,
    "ratings-table-unlabelled": RATINGS_TABLE_UNLABELLED,
}


def get_template(name: str) -> Template:
    """The template of that name.

    Raises:
        RecipeError: Where there is none.
    """
    if name not in TEMPLATES:
        raise RecipeError(f"there is no prompt template {name!r}; choose one of {', '.join(TEMPLATES)}")
    return TEMPLATES[name]
