"""The prompt behind which a plan stands before the verdict: the usual one with another request line.

For the next film name what speaks for and against it, then say Yes or No.
"""

from __future__ import annotations

from dataclasses import replace

from thinkrec.errors import RecipeError
from thinkrec.prompts.segments import Text
from thinkrec.prompts.template import Template
from thinkrec.prompts.templates import DEFAULT_TEMPLATE
from thinkrec.prompts.templates.ratings_table import RATINGS_TABLE, REQUEST

PLAN_REQUEST = "For the next {item} name what speaks for and against it, then say Yes or No.\n"
PLAN_TEMPLATES: dict[str, Template] = {
    DEFAULT_TEMPLATE: replace(
        RATINGS_TABLE,
        segments=tuple(
            Text(PLAN_REQUEST) if segment == Text(REQUEST) else segment for segment in RATINGS_TABLE.segments
        ),
    )
}
"""Name of a template -> the same for plans first."""


def get_plan_template(name: str) -> Template:
    """What the template of that name is where a plan comes first.

    Raises:
        RecipeError: Where it has no such form.
    """
    if name not in PLAN_TEMPLATES:
        raise RecipeError(
            f"template {name} has no form in which a plan comes first; use {DEFAULT_TEMPLATE}, or model.reasons."
            "plan_share: 0"
        )
    return PLAN_TEMPLATES[name]
